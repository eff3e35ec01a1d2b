"""Values of cursor columns: text, order and lags."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.cursors import lagged, order_of, parse_cursor, value_at, value_in
from jupyter_etl.model import CursorKind, CursorValue

DATE, TIMESTAMP, INSTANT = CursorKind.DATE, CursorKind.TIMESTAMP, CursorKind.INSTANT
FIRST = -62_135_596_800 * 10**9
LAST = 253_402_300_799 * 10**9 + 999_999_999
NANOSECONDS = st.integers(FIRST, LAST)


@given(NANOSECONDS, st.sampled_from([TIMESTAMP, INSTANT]))
def test_times_come_back_to_the_nanosecond(ns: int, kind: CursorKind) -> None:
    value = value_at(kind, ns)
    assert order_of(value) == ns
    assert parse_cursor(value.text) == value
    assert parse_cursor(value.text, kind) == value


@given(st.integers(FIRST // (86_400 * 10**9), LAST // (86_400 * 10**9)))
def test_dates_come_back(days: int) -> None:
    value = value_at(DATE, days * 86_400 * 10**9)
    assert order_of(value) == days * 86_400 * 10**9
    assert parse_cursor(value.text) == value


@given(st.integers(), st.integers())
def test_numbers_sort_as_numbers(one: int, other: int) -> None:
    values = [parse_cursor(str(number)) for number in (one, other)]
    assert {value.kind for value in values} == {CursorKind.INTEGER}
    assert (order_of(values[0]) < order_of(values[1])) == (one < other)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("42", None, (CursorKind.INTEGER, "42")),
        (" +042 ", None, (CursorKind.INTEGER, "42")),
        ("1.50", None, (CursorKind.DECIMAL, "1.50")),
        ("0.00000001", None, (CursorKind.DECIMAL, "0.00000001")),
        ("2026-01-31", None, (DATE, "2026-01-31")),
        ("2026-01-31", INSTANT, (INSTANT, "2026-01-31T00:00:00Z")),
        ("2026-01-31", TIMESTAMP, (TIMESTAMP, "2026-01-31T00:00:00")),
        ("2026-01-31 06:00", None, (TIMESTAMP, "2026-01-31T06:00:00")),
        ("2026-01-31T06:00:00.10+02:00", None, (INSTANT, "2026-01-31T04:00:00.1Z")),
        ("2026-01-31", CursorKind.TEXT, (CursorKind.TEXT, "2026-01-31")),
        ("B-17 ", None, (CursorKind.TEXT, "B-17 ")),
    ],
)
def test_what_a_person_types(
    text: str, kind: CursorKind | None, expected: tuple[CursorKind, str]
) -> None:
    value = parse_cursor(text, kind)
    assert (value.kind, value.text) == expected


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("soon", CursorKind.INTEGER),
        ("1e5", CursorKind.INTEGER),
        ("nan", CursorKind.DECIMAL),
        ("2026-02-30", DATE),
        ("2026-01-31T25:00:00", TIMESTAMP),
        ("2026-01-31T06:00:00Z", TIMESTAMP),
        ("2026-01-31T06:00:00", INSTANT),
    ],
)
def test_what_is_no_value_of_its_kind(text: str, kind: CursorKind) -> None:
    with pytest.raises(DeclarationError, match=text.partition("T")[0]):
        parse_cursor(text, kind)


@pytest.mark.parametrize(
    ("text", "lag", "expected"),
    [
        ("2026-01-31T01:00:00.123456789Z", "2h", "2026-01-30T23:00:00.123456789Z"),
        ("2026-01-31T01:00:00", "500ms", "2026-01-31T00:59:59.5"),
        ("2026-01-31", "1h", "2026-01-30"),
        ("2026-01-31", "25h", "2026-01-29"),
        ("0001-01-01T00:00:00Z", "1d", "0001-01-01T00:00:00Z"),
        ("1000", "10", "990"),
        ("1000", "1.5", "998"),
        ("10.50", "1.25", "9.25"),
    ],
)
def test_so_much_before(text: str, lag: str, expected: str) -> None:
    value = parse_cursor(text)
    assert lagged(value, lag) == CursorValue(kind=value.kind, text=expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-31 01:00:00", "2026-01-30 23:00:00"),
        ("2026-01-31T01:00:00.25Z", "2026-01-30T23:00:00.25Z"),
        ("2026-01-31 01:00", "2026-01-30 23:00"),
        ("2026-01-31", "2026-01-30"),
    ],
)
def test_a_time_kept_as_text_keeps_its_form(text: str, expected: str) -> None:
    value = CursorValue(kind=CursorKind.TEXT, text=text)
    assert lagged(value, "2h").text == expected


@pytest.mark.parametrize(
    ("value", "lag"),
    [
        (CursorValue(kind=CursorKind.TEXT, text="B-17"), "2h"),
        (CursorValue(kind=CursorKind.INTEGER, text="5"), "2h"),
        (CursorValue(kind=CursorKind.INTEGER, text="5"), "-2"),
        (CursorValue(kind=INSTANT, text="2026-01-31T06:00:00Z"), "1000"),
    ],
)
def test_a_lag_that_does_not_fit(value: CursorValue, lag: str) -> None:
    with pytest.raises(DeclarationError):
        lagged(value, lag)


def test_the_end_of_a_run_in_each_kind_of_time() -> None:
    at = datetime(2026, 7, 1, 22, 30, 0, 5, tzinfo=UTC)
    paris = "Europe/Paris"
    assert value_in(at, INSTANT, paris).text == "2026-07-01T22:30:00.000005Z"
    assert value_in(at, TIMESTAMP, paris).text == "2026-07-02T00:30:00.000005"
    # The second of July goes on in Paris, and the first does in UTC.
    assert value_in(at, DATE, paris).text == "2026-07-01"
    assert value_in(at, DATE, "UTC").text == "2026-06-30"


def test_decimals_are_exact() -> None:
    assert order_of(parse_cursor("0.1")) == Decimal("0.1")
