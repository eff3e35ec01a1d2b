"""What texts represent, whether they sort character by character, and what is safe to print."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.language.cursors import is_further
from jupyter_etl.language.text import (
    TextForm,
    are_in_order,
    bound_below,
    form_of,
    is_text_further,
    printable,
    shape_of,
    text_order,
    zone_of,
)
from jupyter_etl.model import CursorKind, CursorValue


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("2026-01-02", TextForm.TIME),
        ("2026-01-02 18:00", TextForm.TIME),
        ("2026-01-02T18:00:00.123456789Z", TextForm.TIME),
        ("2026-01-02 18:00:00+01", TextForm.TIME),
        ("2026-01-02 18:00:00 UTC", TextForm.TIME),
        ("42", TextForm.NUMBER),
        ("-7", TextForm.NUMBER),
        ("31.01.2026", TextForm.UNORDERED),
        ("1/31/2026 06:00", TextForm.UNORDERED),
        ("01/2026", TextForm.UNORDERED),
        ("2 Jan 2026", TextForm.UNORDERED),
        ("Fri, 02 Jan 2026 06:00:00 GMT", TextForm.UNORDERED),
        ("January 2, 2026", TextForm.UNORDERED),
        ("2026-01-02 06:00 PM", TextForm.UNORDERED),
        ("4.5", TextForm.TEXT),
        ("INV-9", TextForm.TEXT),
        ("20260102T180000Z", TextForm.TEXT),
        ("may", TextForm.TEXT),
        ("", TextForm.TEXT),
    ],
)
def test_the_form_of_a_text(text: str, form: TextForm) -> None:
    assert form_of(shape_of(text)) is form


@pytest.mark.parametrize(
    ("texts", "in_order"),
    [
        (["2026-01-01 00:00:00", "2026-01-02 18:00:00"], True),
        (["2026-01-02T00:00:00Z", "2026-01-02 18:00:00"], False),
        (["2026-01-02T00:00:00", "2026-01-02 18:00:00"], False),
        (["2026-01-02", "2026-01-02 18:00:00"], True),
        (["2026-01-02T06:00:00", "2026-01-02T06:00:00.5"], True),
        (["2026-01-02T06:00:00+00:00", "2026-01-02T06:00:00.5+00:00"], True),
        (["2026-01-02T06:00:00Z", "2026-01-02T06:00:00.5Z"], False),
        (["2026-01-02T06:00:00+01:00", "2026-01-02T05:30:00+00:00"], False),
        (["2026-01-02T06:00:00", "2026-01-02T06:00:00+00:00"], False),
        (["8", "9"], True),
        (["008", "010"], True),
        (["9", "10"], False),
        (["-1", "-2"], False),
        (["INV-8", "INV-9"], True),
        (["INV-9", "INV-10"], False),
        (["v1.9.0", "v1.10.0"], False),
        (["apple", "pear 2"], True),
        (["0a1b", "00ab"], True),
    ],
)
def test_whether_characters_have_the_order_of_the_meaning(texts: list[str], in_order: bool) -> None:
    shapes = {shape_of(text) for text in texts}
    (form,) = {form_of(shape) for shape in shapes}
    assert are_in_order(form, shapes, {zone_of(text) for text in texts}) is in_order


@pytest.mark.parametrize(
    ("text", "than", "further"),
    [
        ("2026-01-02 18:00:00", "2026-01-02T00:00:00Z", True),
        ("2026-01-02T00:00:00Z", "2026-01-02 00:00:00", False),
        ("2026-01-02T06:00:00+02:00", "2026-01-02T05:00:00Z", False),
        ("10", "9", True),
        ("b", "a", True),
        # For two forms, only the characters can be compared.
        ("10", "2026-01-01", False),
        ("2026-13-45", "2026-01-01", True),
    ],
)
def test_which_text_lies_further(text: str, than: str, further: bool) -> None:
    assert is_text_further(text, than) is further
    values = [CursorValue(kind=CursorKind.TEXT, text=one) for one in (text, than)]
    assert is_further(*values) is further


FORMS = ["%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M:%S.%f", "%Y-%m-%dT%H:%M:%S%z",
         "%Y-%m-%d %H:%M"]  # fmt: skip
TIMES = st.datetimes(datetime(1900, 1, 1), datetime(9000, 1, 1))  # noqa: DTZ001 - as Hypothesis takes them
ZONES = st.integers(-12, 14).map(lambda hours: timezone(timedelta(hours=hours)))


@given(TIMES, st.integers(0, 100_000_000), st.sampled_from(FORMS), st.sampled_from(FORMS), ZONES)
def test_a_database_leaves_out_no_time_that_lies_further(
    at: datetime, seconds: int, one: str, other: str, zone: timezone
) -> None:
    def written(value: datetime, form: str) -> str:
        aware = value.replace(tzinfo=UTC, second=0, microsecond=0)
        return (aware.astimezone(zone) if "%z" in form else aware).strftime(form)

    watermark, text = written(at, one), written(at + timedelta(seconds=seconds + 60), other)
    order, before = text_order(text), text_order(watermark)
    assert order is not None
    assert before is not None
    assert (order > before) is is_text_further(text, watermark)
    bound, like = bound_below(watermark)
    assert like == "____-__-__%"
    if order > before:
        assert text > bound


@pytest.mark.parametrize(
    ("text", "bound"),
    [
        ("2026-01-02T00:00:00Z", ("2026-01-01", "____-__-__%")),
        ("2026-01-02T00:00:00-11:00", ("2026-01-01", "____-__-__%")),
        ("0001-01-01", ("", "____-__-__%")),
        ("99", ("99", "__")),
        ("-9", ("", "")),
        ("31.01.2026", ("", "")),
        ("INV-9", ("INV-9", "INV-_")),
        ("100% of 3", ("100% of 3", "")),
        ("name", ("name", "")),
        ("01ARZ3NDEKTSV4RRFFQ69G5FAV", ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "")),
    ],
)
def test_what_a_database_may_leave_out(text: str, bound: tuple[str, str]) -> None:
    assert bound_below(text) == bound


CASES = {
    "plain": ("a b\tc\nÄ 日本 🎉", "a b\tc\nÄ 日本 🎉"),
    "colours": ("\x1b[1;31mred\x1b[0m and \x9b32mgreen\x9b0m", "red and green"),
    "title, ended by BEL": ("a\x1b]0;evil\x07b", "ab"),
    "title, ended by ST": ("a\x1b]0;evil\x1b\\b", "ab"),
    "title, 8 bits": ("a\x9d0;evil\x9cb", "ab"),
    "title without an end": ("a\x1b]52;c;ZXZpbA==", "a"),
    "device control": ("a\x1bP1$qm\x1b\\b", "ab"),
    "cursor": ("a\x1b[2J\x1b[10;5Hb", "ab"),
    "reset": ("a\x1bcb", "ab"),
    "character set": ("a\x1b(0b", "ab"),
    "a lone escape": ("a\x1b", r"a\x1b"),
    "bell and backspace": ("a\x07\x08b", r"a\x07\x08b"),
    "null": ("a\x00b", r"a\x00b"),
    "progress bar": ("10%\r50%\r100%\ndone", "100%\ndone"),
    "progress bar, no line end": ("10%\r100%\r", "100%"),
    "line ends of Windows": ("a\r\nb\r\n", "a\nb\n"),
    "right to left override": ("a\u202eb", r"a\u202eb"),
    "line separator": ("a\u2028b\x85c", r"a\u2028b\x85c"),
}


@pytest.mark.parametrize(("text", "shown"), CASES.values(), ids=CASES)
def test_printable(text: str, shown: str) -> None:
    assert printable(text) == shown


@given(
    st.text(alphabet=st.one_of(st.sampled_from("\x1b[]P\\\x07\x9b\x9d\r\n0;m"), st.characters()))
)
def test_nothing_that_a_terminal_obeys_is_left(text: str) -> None:
    found = printable(text)
    assert not {sign for sign in found if ord(sign) < 32 or 127 <= ord(sign) < 160} - {"\n", "\t"}
    assert printable(found) == found
