"""A column of texts becomes another type only if every value can be written back."""

from __future__ import annotations

import math
import re
from decimal import Decimal, localcontext

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from jupyter_etl.sources.text.hints import hint_on
from jupyter_etl.sources.text.inference import (
    MISSING_WORDS,
    PLAIN,
    TextForm,
    decide,
    examine,
    infer_type,
    kinds_of,
)
from jupyter_etl.sources.text.kinds import BOOLS
from jupyter_etl.sources.text.numbers import doubles, is_double
from jupyter_etl.sources.text.shortest_numerals import are_shortest

INFERRED: list[tuple[list[str | None], str]] = [
    (["1", "-5", "0", None, ""], "int64"),
    (["9223372036854775807", "-9223372036854775808"], "int64"),
    ([" 1", "2 ", "\t3"], "int64"),
    (["1", "NA", "NULL", "nan"], "int64"),
    (["1", "  "], "int64"),
    (["9223372036854775808"], "string"),
    (["1", "007"], "string"),
    (["1", " 01234"], "string"),
    (["00"], "string"),
    (["+5"], "string"),
    (["-0"], "string"),
    (["1", "-0"], "string"),
    (["0x1F"], "string"),
    (["1", "0xFFFFFFFFFFFF"], "string"),
    (["1_000"], "string"),
    (["1 000"], "string"),
    (["1,5"], "string"),
    (["--1"], "string"),
    (["١"], "string"),
    (["1.5", "2", "-0.25", "0.0", "-0"], "double"),
    (["1.50", "2.000"], "double"),
    (["0.1234567890123456", "3.80759064334241e-02"], "double"),
    (["0.10000000000000001"], "string"),
    (["3.807590643342410180e-02"], "string"),
    (["506958969.3280972800"], "string"),
    (["1562499999999999999.9999999995"], "string"),
    (["-1562499999999999999.9999999995"], "string"),
    (["0.30000000000000004", "1.7976931348623157e+308", "5e-324"], "double"),
    (["5e-324", "1.7976931348623157e+308"], "double"),
    (["1.5E+03", "1e-05", "1e+16", "1e16", "1.5"], "double"),
    (["1.5", "inf", "-inf"], "double"),
    (["inf"], "string"),
    (["1", "inf"], "string"),
    (["0.1234567890123456789"], "string"),
    (["9007199254740993.0"], "string"),
    (["9007199254740993", "1.5"], "string"),
    (["1.5", "9007199254740993"], "string"),
    (["9007199254740994", "1.5"], "double"),
    (["1.5", "1152921504606846976"], "double"),
    (["1e400"], "string"),
    (["1e-400"], "string"),
    (["1.5", "1e-400"], "string"),
    (["1e5"], "string"),
    (["12E3"], "string"),
    (["12.5E3"], "string"),
    ([".5"], "string"),
    (["5."], "string"),
    (["1.5", ".5"], "string"),
    (["0101.21"], "string"),
    (["250.00", "001.10"], "string"),
    (["1.2.3"], "string"),
    (["12%"], "string"),
    (["true", "false", None], "bool"),
    (["True", "False"], "bool"),
    (["TRUE"], "bool"),
    (["True", "false"], "string"),
    (["1", "TRUE"], "string"),
    (["true", "0"], "string"),
    (["true", "NA"], "string"),
    (["yes"], "string"),
    (["2026-12-31", "0001-01-01", "NA"], "date32[day]"),
    (["2026-02-30"], "string"),
    (["2026-1-1"], "string"),
    (["0000-01-01"], "string"),
    ([" 2026-12-31"], "string"),
    (["2026-12-31", "31.12.2026"], "string"),
    (["2026-12-31 10:00:00"], "timestamp[us]"),
    (["2026-12-31T10:00", "2026-12-31T11:30"], "timestamp[us]"),
    (["2026-12-31 10:00:00", "2026-12-31 10:00:00.5"], "timestamp[us]"),
    (["2999-12-31 00:00:00.000", "1500-01-01 00:00:00.123456000"], "timestamp[us]"),
    (["2026-12-31 10:00:00", "2026-12-31 10:00:00.123456789"], "timestamp[ns]"),
    (["2999-12-31 10:00:00", "2026-12-31 10:00:00.123456789"], "string"),
    (["2026-12-31 10:00:00.123456789", "2999-12-31 10:00:00"], "string"),
    (["2026-12-31 10:00:00", "2026-12-31T10:00:00"], "string"),
    (["2026-12-31 10:00:00", "2026-12-31 10:00"], "string"),
    (["2026-12-31 10:00:00", "2026-12-31"], "string"),
    (["2026-12-31T10:00:00Z", "2026-12-31T10:00:00+02:00"], "timestamp[us, tz=UTC]"),
    (["2026-12-31T10:00:00Z", "2026-12-31T10:00:00"], "string"),
    (["2026-12-31 24:00:00"], "string"),
    (["2026-12-31 23:59:60"], "string"),
    (["10:00", "23:59"], "time32[s]"),
    (["10:00:00"], "time32[s]"),
    (["10:00", "10:00:00"], "string"),
    (["10:00:00.5"], "string"),
    (["24:00"], "string"),
    (["NA", None, "null"], "string"),
    ([None, ""], "null"),
    ([], "null"),
    (["x"], "string"),
]


@pytest.mark.parametrize(("texts", "kind"), INFERRED, ids=lambda value: str(value)[:40])
def test_inference(texts: list[str | None], kind: str) -> None:
    assert str(infer_type(pa.array(texts, pa.string())).type) == kind


@pytest.mark.parametrize(("texts", "kind"), INFERRED, ids=lambda value: str(value)[:40])
def test_where_a_column_is_cut_makes_no_difference(texts: list[str | None], kind: str) -> None:
    chunks = pa.chunked_array([[text] for text in texts], pa.string())
    assert str(infer_type(chunks).type) == kind
    # Blocks are also read in parallel, each without the evidence of the others.
    evidence = [examine(chunk, PLAIN).evidence for chunk in chunks.chunks]
    joined = evidence[0] if evidence else examine(pa.array([], pa.string()), PLAIN).evidence
    for part in evidence[1:]:
        joined = joined.joined(part)
    assert str(decide(joined).type) == kind


MARKED: list[tuple[list[str], TextForm, str]] = [
    (["1.375,45", "2", "-0,5"], TextForm(decimal=",", thousands="."), "double"),
    (["1.37", "2"], TextForm(decimal=",", thousands="."), "string"),
    (["1.5", "2,5"], TextForm(decimal=","), "string"),
    (["1,5E+03"], TextForm(decimal=","), "double"),
    (["1,234", "5"], TextForm(thousands=","), "int64"),
    (["12,34"], TextForm(thousands=","), "string"),
    (["1,2345"], TextForm(thousands=","), "string"),
    (["0,123"], TextForm(thousands=","), "string"),
    (["01,5"], TextForm(decimal=","), "string"),
    (["1\u202f234,5"], TextForm(decimal=",", thousands="\u202f"), "double"),
    (["1'234"], TextForm(thousands="'"), "int64"),
    (["-", "4"], TextForm(null=("-",)), "int64"),
    (["31.12.2026", "NA"], TextForm(dates=("%d.%m.%Y",)), "date32[day]"),
    (["1.2.2026"], TextForm(dates=("%d.%m.%Y",)), "string"),
    (["1.2.2026"], TextForm(dates=("%-d.%-m.%Y",)), "date32[day]"),
    (["31.12.2026 10:30"], TextForm(dates=("%d.%m.%Y %H:%M",)), "timestamp[us]"),
    (["31.12.2026", "2026-12-31"], TextForm(dates=("%d.%m.%Y",)), "string"),
]


@pytest.mark.parametrize(("texts", "form", "kind"), MARKED, ids=str)
def test_declared_marks(texts: list[str], form: TextForm, kind: str) -> None:
    assert str(infer_type(pa.array(texts), form).type) == kind


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (["1", "2", "007"], "'007' (row 3) has a different form from '1'"),
        (["Berlin"], "'Berlin' (row 1) is not a number, date or bool"),
        (["1", "2"], "every value is a 64-bit integer"),
        (["NA"], "all values are texts such as NA"),
        (["true", "NA"], "'NA' (row 2) has a different form from 'true'"),
    ],
)
def test_the_reason_names_what_decided(texts: list[str], reason: str) -> None:
    assert infer_type(pa.array(texts)).reason == reason


def test_the_row_that_decides_is_counted_over_all_parts() -> None:
    texts = pa.chunked_array([[str(n) for n in range(1000)], [*map(str, range(500)), "0x1F", "1"]])
    assert "'0x1F' (row 1,501)" in infer_type(texts).reason


_CANONICAL = st.one_of(
    st.integers(-(2**65), 2**65).map(str),
    st.floats().map(repr),
    st.floats().map(lambda value: f"{value:.18e}"),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
    st.booleans().map(str),
    st.dates().map(str),
    st.datetimes().map(str),
    st.times().map(str),
    st.sampled_from(["NA", "", "007", "+1", " 1", "1e5", "-0", "0x1", "true", "1.", ".5", "00.5"]),
    st.from_regex(r"[-+ ]?[0-9]{0,20}[.]?[0-9]{0,20}([eE][-+]?[0-9]{1,3})?", fullmatch=True),
)


@settings(deadline=None, max_examples=300)
@given(texts=st.lists(_CANONICAL, min_size=1, max_size=4), twice=st.booleans())
def test_columns_agree_with_what_single_values_are(texts: list[str], twice: bool) -> None:
    column = pa.array(texts * 2 if twice else texts)
    found = examine(column, PLAIN)
    if found.column is None:
        return
    assert found.evidence.kinds is not None
    for text, value in zip(texts, found.column.to_pylist(), strict=False):
        if value is None:
            assert text.strip() in ("", *MISSING_WORDS)
        else:
            assert found.evidence.kinds <= kinds_of(text, PLAIN)
            assert _is_written_as(value, text)


@settings(deadline=None, max_examples=300)
@given(
    many=_CANONICAL,
    odd=st.lists(_CANONICAL, max_size=2),
    before=st.sampled_from([0, 1, 7, 1_100]),
    behind=st.sampled_from([1, 2, 1_100]),
)
def test_columns_have_a_type_where_all_values_have_one_kind(
    many: str, odd: list[str], before: int, behind: int
) -> None:
    texts = [many] * before + odd + [many] * behind
    values = [text for text in texts if text not in ("", *MISSING_WORDS)]
    assume(all(text.strip() for text in values))
    found = examine(pa.array(texts), PLAIN).evidence
    if not values:
        assert found.kinds is None
        return
    kinds = frozenset.intersection(*(kinds_of(text, PLAIN) for text in {*values}))
    if {*texts} & {*MISSING_WORDS}:
        # A word for a missing value is none beside bools.
        kinds -= {*BOOLS}
    assert bool(found.kinds) == bool(kinds)
    if not kinds:
        assert texts[found.odd_row - 1] == found.odd


@settings(deadline=None, max_examples=500)
@given(
    value=st.floats(-1e18, 1e18),
    places=st.integers(1, 24),
    shortest=st.booleans(),
    last=st.sampled_from(["", *"0123456789"]),
)
def test_doubles_are_those_whose_digits_all_come_back(
    value: float, places: int, shortest: bool, last: str
) -> None:
    text = repr(value) if shortest else f"{value:.{places}f}"
    text = text[:-1] + last if last else text
    assert (doubles(pa.array([text, "1.5", None])) is not None) == is_double(text)


def _is_written_as(value: object, text: str) -> bool:
    """Compare a value with every digit of its text."""
    if isinstance(value, bool):
        return str(value) in (text, text.title())
    if isinstance(value, int):
        return str(value) == text.strip()
    if isinstance(value, float):
        if math.isinf(value):
            return str(value) == text.strip()
        # The shortest numeral of a double is what Python writes.
        return Decimal(text.strip()) in (Decimal(repr(value)), Decimal(value))
    return re.sub(r"\.?0*$", "", str(value)) == re.sub(r"(:00)?\.?0*$", "", text) or str(
        value
    ).startswith(text)


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["1.375,45", "2"], "looks like 1.375,45: add --option decimal=, --option thousands=."),
        (["1,5", "2"], "looks like 1,5: add --option decimal=,"),
        (["1,234", "5"], "add --option decimal=, or --option thousands=,"),
        (["1,234.5"], "looks like 1,234.5: add --option thousands=,"),
        (["1 234,5"], "add --option decimal=, --option thousands=space"),
        (["31.12.2026", "01.02.2026"], "add --option date=%d.%m.%Y"),
        (["12/31/2026", "01/02/2026"], "add --option date=%m/%d/%Y"),
        (["01/02/2026"], "add --option date=%d/%m/%Y or --option date=%m/%d/%Y"),
        (["1.2.2026"], "add --option date=%-d.%-m.%Y"),
        (["31.12.2026 10:30"], "add --option 'date=%d.%m.%Y %H:%M'"),
        (["31.12.2026", "2026-12-31"], "add --option type.x=date --option 'date="),
        ([".5", "1.5"], "looks like .5: add --option type.x=double"),
        (["1e5"], "add --option type.x=double"),
        (["0.1234567890123456789", "1"], "add --option 'type.x=decimal(38,19)'"),
        (["1", "2", "-"], "looks like 1 except for -: add --option null=-"),
        ([" 2026-01-01", "2026-01-02"], "looks like 2026-01-01: add --option type.x=date"),
    ],
)
def test_hints(texts: list[str], options: str) -> None:
    assert options in hint_on("x", texts, PLAIN)


@pytest.mark.parametrize(
    "texts",
    [
        *(["007", "12"], ["+4917112345"], ["Berlin", "12"], ["0101.21"], ["1.2.3"], ["NA"], []),
        *(["1e400", "1.5"], ["1e-400"], ["١٢", "3"], ["2026-02-30", "2026-01-01"]),
        *(["0000-01-01"], ["2026-12-31T23:59:60"], ["2026-12-31 24:00"]),
    ],
)
def test_codes_and_what_no_option_reads_get_no_hint(texts: list[str]) -> None:
    assert hint_on("x", texts, PLAIN) == ""


def shortest(texts: list[str]) -> list[bool]:
    array = pa.array(texts)
    return list(are_shortest(array, array.cast(pa.float64())))


def around(value: float) -> list[str]:
    """Write a double, its neighbours in the last digits, and more or fewer digits than it needs."""
    with localcontext() as context:
        context.prec = 50
        written = format(Decimal(repr(value)), "f")
        if "." not in written:
            written += ".0"
        step = Decimal(1).scaleb(-len(written.partition(".")[2]))
        near = [format(Decimal(written) + n * step, "f") for n in (-12, -2, -1, 1, 2, 12)]
    return [written, *near, written + "0", written + "1", written + "11", written[:-1] + "5"]


@given(
    st.lists(
        st.floats(1e-6, 1e18) | st.floats(0.5, 2000) | st.integers(-20, 60).map(lambda n: 2.0**n),
        min_size=1,
        max_size=20,
    )
)
@settings(deadline=None)
def test_numerals_around_doubles(values: list[float]) -> None:
    texts = [text for value in values for text in around(value)]
    texts += [f"-{text}" for text in texts if not text.startswith("-")]
    found = shortest(texts)
    assert [
        text for text, yes in zip(texts, found, strict=True) if yes and not is_double(text)
    ] == []
    for text in texts:
        assert (doubles(pa.array([text, None, "0.5"])) is not None) == is_double(text)


@pytest.mark.parametrize("scale", [1e-3, 0.1, 1.0, 50.0, 1e6, 1e9])
def test_nearly_all_are_found_by_arithmetic(scale: float) -> None:
    values = np.random.default_rng(7).random(5_000) * scale
    texts = [text for text in map(repr, values.tolist()) if "e" not in text]
    assert sum(shortest(texts)) > 0.999 * len(texts)


def test_exponents_are_left_to_printing() -> None:
    texts = ["1.2345678901234568e-05", "0.12345678901234568", "123456.78901234567"]
    assert shortest(texts) == [False, True, True]
    assert doubles(pa.array(texts)) is not None
    assert doubles(pa.array([*texts, "1.23456789012345678e-05"])) is None


def test_numerals_without_a_point_are_not_known() -> None:
    assert shortest(["12345678901234567", "0.1234567890123456"]) == [False, False]


@pytest.mark.parametrize(
    "text",
    [
        "9" * 400 + ".25",
        "0." + "0" * 30 + "1234567890123456",
        "0." + "1" * 60,
        "12345678901234567.25",
    ],
)
def test_numerals_out_of_reach_are_not_known(text: str) -> None:
    assert shortest([text]) == [False]
    assert (doubles(pa.array([text])) is not None) == is_double(text)
