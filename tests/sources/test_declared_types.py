"""Declared types: every value exact, or an error that names column, row and value."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.sources.text.conversion import convert
from jupyter_etl.sources.text.declared_types import (
    apply_declared_types,
    cast_exactly,
    parse_declared_types,
    parse_type,
    refuse_absent_columns,
)
from jupyter_etl.sources.text.inference import PLAIN, TextForm

PARIS = ZoneInfo("Europe/Paris")


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("text", "string"),
        ("string", "string"),
        ("int64", "int64"),
        ("int", "int64"),
        ("uint8", "uint8"),
        ("double", "double"),
        ("float64", "double"),
        ("float", "float"),
        ("decimal(12,2)", "decimal128(12, 2)"),
        ("Decimal( 12 , 2 )", "decimal128(12, 2)"),
        ("decimal(5)", "decimal128(5, 0)"),
        ("bool", "bool"),
        ("date", "date32[day]"),
        ("time", "time64[us]"),
        ("time[s]", "time32[s]"),
        ("timestamp", "timestamp[us]"),
        ("timestamp[ns]", "timestamp[ns]"),
        ("timestamp[us, Europe/Paris]", "timestamp[us, tz=Europe/Paris]"),
        ("timestamp[us, tz=UTC]", "timestamp[us, tz=UTC]"),
    ],
)
def test_types(text: str, kind: str) -> None:
    assert str(parse_type("type.x", text)) == kind


@pytest.mark.parametrize(
    "text",
    [
        *("", "foo", "int65", "int64(3)", "text[3]"),
        *("decimal", "decimal(40,2)", "decimal(2,3)", "decimal(a,b)"),
        *("timestamp[m]", "timestamp[us, Mars/Base]"),
    ],
)
def test_unknown_types_are_refused_with_what_there_is(text: str) -> None:
    with pytest.raises(DeclarationError, match=r"option type\.x is .*decimal\(12,2\)"):
        parse_type("type.x", text)


def test_text_is_a_short_form() -> None:
    options = {"text": "zip, id", "type.price": "decimal(12,2)", "delimiter": ";"}
    assert parse_declared_types(options) == {
        "zip": pa.string(),
        "id": pa.string(),
        "price": pa.decimal128(12, 2),
    }
    with pytest.raises(DeclarationError, match="Column 'zip' is declared as text"):
        parse_declared_types({"text": "zip", "type.zip": "int64"})


def test_a_column_that_is_not_there() -> None:
    with pytest.raises(SourceError, match="no column 'zpi'") as caught:
        refuse_absent_columns("Source 's'", ["zpi"], ["zip", "x"])
    assert "zip" in caught.value.hint


CONVERTED: list[tuple[str, list[str | None], TextForm, list[object]]] = [
    ("int64", ["007", "+5", "", "NA", " 3 ", "5.0"], PLAIN, [7, 5, None, None, 3, 5]),
    ("double", [".5", "5.", "1e5", "-inf"], PLAIN, [0.5, 5.0, 1e5, float("-inf")]),
    ("decimal(12,2)", ["1.5", "-3", "1e2", None], PLAIN, [Decimal("1.5"), -3, 100, None]),
    (
        "decimal(12,2)",
        ["1.375,45"],
        TextForm(decimal=",", thousands="."),
        [Decimal("1375.45")],
    ),
    ("bool", ["t", "FALSE", "1", "no"], PLAIN, [True, False, True, False]),
    ("date", ["2026-12-31", "NaT"], PLAIN, [date(2026, 12, 31), None]),
    (
        "date",
        ["31.12.2026", "2026-12-30"],
        TextForm(dates=("%d.%m.%Y",)),
        [date(2026, 12, 31), date(2026, 12, 30)],
    ),
    ("time", ["10:00", "10:00:00.5"], PLAIN, [time(10), time(10, 0, 0, 500000)]),
    (
        "timestamp",
        ["2026-01-01", "2026-01-01T10:00", "2026-01-01 10:00:00.000000000"],
        PLAIN,
        [datetime(2026, 1, 1), datetime(2026, 1, 1, 10), datetime(2026, 1, 1, 10)],  # noqa: DTZ001
    ),
    (
        "timestamp[us, Europe/Paris]",
        ["2026-01-01T10:00Z", "2026-07-01 10:00"],
        PLAIN,
        [datetime(2026, 1, 1, 10, tzinfo=UTC), datetime(2026, 7, 1, 10, tzinfo=PARIS)],
    ),
    ("text", ["NA", "", "1"], PLAIN, ["NA", "", "1"]),
]


@pytest.mark.parametrize(("kind", "texts", "form", "values"), CONVERTED, ids=str)
def test_texts_are_converted(
    kind: str, texts: list[str | None], form: TextForm, values: list[object]
) -> None:
    declared = parse_type("type.x", kind)
    found = convert(pa.array(texts, pa.string()), declared, form, what="S", column="x")
    assert found.type == declared
    assert found.to_pylist() == values


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("int64", "1.5"),
        ("int64", "0x1F"),
        ("int64", "9223372036854775808"),
        ("int8", "300"),
        ("uint8", "-1"),
        ("double", "1e400"),
        ("double", "9007199254740993"),
        ("double", "1,5"),
        ("float", "16777217"),
        ("decimal(12,2)", "1.375"),
        ("decimal(4,2)", "123.4"),
        ("bool", "2"),
        ("date", "2026-02-30"),
        ("date", "31.12.2026"),
        ("date", "2026-12-31 10:00:00"),
        ("time", "25:00"),
        ("time", "10"),
        ("timestamp", "2026-01-01T10:00Z"),
        ("timestamp", "2026-01-01 10:00:00.1234567"),
        ("timestamp[us, Europe/Paris]", "2026-10-25 02:30:00"),
        ("timestamp[us, Europe/Paris]", "2026-03-29 02:30:00"),
    ],
)
def test_a_value_that_is_not_exact_is_named_with_its_row(kind: str, text: str) -> None:
    fine = {"date": "2026-01-01", "time": "10:00", "bool": "true"}
    good = fine.get(kind, "2026-01-01" if "timestamp" in kind else "1")
    table = pa.table({"x": pa.chunked_array([[good] * 5, [good, None, text, good]])})
    with pytest.raises(SourceError) as caught:
        apply_declared_types(table, {"x": parse_type("type.x", kind)}, what="Source 's'")
    assert "column 'x'" in caught.value.message
    assert f"row 8 has '{text}'" in caught.value.message
    assert "type.x=text" in caught.value.hint
    assert not caught.value.retryable


def test_a_date_of_two_declared_forms_is_refused() -> None:
    form = TextForm(dates=("%d/%m/%Y", "%m/%d/%Y"))
    assert convert(pa.array(["31/12/2026", "12/31/2026"]), pa.date32(), form, what="S", column="x")
    with pytest.raises(SourceError, match="row 2 has '01/02/2026'"):
        convert(pa.array(["31/12/2026", "01/02/2026"]), pa.date32(), form, what="S", column="x")


@pytest.mark.parametrize(
    ("values", "kind", "cast"),
    [
        (pa.array([1, None]), "text", ["1", None]),
        (pa.array([1.0, None]), "int64", [1, None]),
        (pa.array([0.1, float("inf")]), "text", ["0.1", "inf"]),
        (pa.array([0.1]), "decimal(12,2)", [Decimal("0.1")]),
        (pa.array([datetime(2026, 1, 1)]), "date", [date(2026, 1, 1)]),  # noqa: DTZ001
        (pa.array(["1", "2"]).dictionary_encode(), "int64", [1, 2]),
        (pa.nulls(2), "date", [None, None]),
        (
            pa.array([datetime(2026, 7, 1, 10)]),  # noqa: DTZ001
            "timestamp[us, Europe/Paris]",
            [datetime(2026, 7, 1, 10, tzinfo=PARIS)],
        ),
    ],
)
def test_columns_of_other_types_are_cast(values: pa.Array, kind: str, cast: list[object]) -> None:
    declared = parse_type("type.x", kind)
    found = cast_exactly(pa.chunked_array([values]), declared, what="S", column="x")
    assert found.type == declared
    assert found.to_pylist() == cast


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (pa.array([1.0, 2.5]), "int64"),
        (pa.array([1.0, 0.125]), "decimal(12,2)"),
        (pa.array([0, 2**53 + 1]), "double"),
        (pa.array([1, 2]), "bool"),
        (pa.array([[1], [2]]), "text"),
        (pa.array([datetime(2026, 1, 1), datetime(2026, 1, 1, 10)]), "date"),  # noqa: DTZ001
    ],
)
def test_a_cast_that_loses_something_is_refused(values: pa.Array, kind: str) -> None:
    with pytest.raises(SourceError, match=r"column 'x' is declared as .* row \d"):
        cast_exactly(pa.chunked_array([values]), parse_type("x", kind), what="S", column="x")
