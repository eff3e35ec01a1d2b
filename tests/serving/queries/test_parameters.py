"""Typed parameters: declaration, values from text and JSON, JSON Schema."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.parameters.parameter import to_json
from jupyter_etl.language.sql.templates import parse_template
from jupyter_etl.model import ParameterType
from jupyter_etl.serving.queries.parameters import (
    QueryParameter,
    parameters_of,
    schema_of,
    values_of_json,
    values_of_text,
)
from jupyter_etl.serving.queries.rejection import Rejected

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)


def declared(*holes: str) -> tuple[QueryParameter, ...]:
    return parameters_of(parse_template("select " + ", ".join(holes), typed=True))


@pytest.mark.parametrize(
    ("hole", "expected"),
    [
        ("{{x: int}}", QueryParameter(name="x", type=ParameterType.INT)),
        ("{{ x:integer }}", QueryParameter(name="x", type=ParameterType.INT)),
        ("{{x : Date = yesterday}}", QueryParameter(name="x", type=ParameterType.DATE, default="yesterday")),
        ("{{x: list[ int ] = [1, 2]}}", QueryParameter(name="x", type=ParameterType.INT, is_list=True, default="[1, 2]")),
        ("{{x: str = '}}'}}", QueryParameter(name="x", type=ParameterType.STR, default="'}}'")),
        ("{{x: decimal = null}}", QueryParameter(name="x", type=ParameterType.DECIMAL, default="null")),
        ("{{x: str = a = b}}", QueryParameter(name="x", type=ParameterType.STR, default="a = b")),
    ],
)  # fmt: skip
def test_a_hole_declares_a_parameter(hole: str, expected: QueryParameter) -> None:
    assert declared(hole) == (expected,)


def test_a_name_has_one_declaration_and_several_places() -> None:
    assert [one.name for one in declared("{{b: int}}", "{{a: str}}", "{{b}}", "{{b: int}}")] == [
        "b",
        "a",
    ]


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("{{x}}", "'x' has no type"),
        ("{{x: int}} {{x: str}}", "declared twice"),
        ("{{x: int}} {{x: int = 1}}", "declared twice"),
        ("{{x|ident}}", "never becomes SQL text"),
        ("{{x|sqlsafe}}", "never becomes SQL text"),
        ("{{x: int | sqlsafe}}", "is not valid"),
        ("{{x.y}}", "not a parameter"),
        ("{{x:}}", "no type after the colon"),
        ("{{x: int =}}", "is not valid"),
        ("{{x: path}}", "not a type"),
        ("{{x: any}}", "not a type"),
        ("{{x: list}}", "not a type"),
        ("{{x: list[dict]}}", "not a type"),
        ("{{x: in}}", "Did you mean 'int'"),
        ("{{x: int = a}}", "takes an integer"),
        ("{{x: list[int] = 1}}", "not a list"),
        ("{{x: list[int] = []}}", "takes a list of 1"),
        ("{{limit: int}}", "cannot be named 'limit'"),
        ("{{next: str}}", "cannot be named 'next'"),
        ("'{{x: int}}'", "inside a string"),
        ('"{{x: int}}"', "inside double quotes"),
        ("{{x: int", "not closed"),
    ],
)
def test_a_declaration_that_is_not_valid(sql: str, message: str) -> None:
    with pytest.raises(DeclarationError, match=message.replace("(", r"\(")) as raised:
        declared(sql)
    assert raised.value.hint


def test_a_typed_hole_is_no_variable_of_a_notebook() -> None:
    with pytest.raises(DeclarationError, match="not a plain variable"):
        parse_template("select {{x: int}}")


GOOD: list[tuple[str, str, object]] = [
    ("int", "-7", -7),
    ("int", "9223372036854775808", 2**63),
    ("float", "2e-3", 0.002),
    ("bool", "false", False),
    ("str", "null", "null"),
    ("str", "", ""),
    ("date", "2026-02-28", date(2026, 2, 28)),
    ("date", "yesterday", date(2026, 3, 4)),
    ("datetime", "2026-01-01T06:00:00Z", datetime(2026, 1, 1, 6, tzinfo=UTC)),
    ("datetime", "2026-01-01", datetime(2026, 1, 1, tzinfo=UTC)),
    ("time", "06:30", time(6, 30)),
    ("timedelta", "PT90M", timedelta(minutes=90)),
    ("decimal", "0.10", Decimal("0.10")),
    ("uuid", "12345678-1234-5678-1234-567812345678", UUID("12345678-1234-5678-1234-567812345678")),
    ("list[int]", "1,2", [1, 2]),
    ("list[str]", 'EU,"a,b"', ["EU", "a,b"]),
    ("list[date]", "2026-01-01", [date(2026, 1, 1)]),
]


@pytest.mark.parametrize(("kind", "text", "value"), GOOD)
def test_text_becomes_a_value(kind: str, text: str, value: object) -> None:
    assert values_of_text(declared(f"{{{{x: {kind}}}}}"), [("x", text)], at=AT) == {"x": value}


def test_a_list_is_also_a_repeated_name() -> None:
    pairs = [("x", "a,b"), ("x", "c")]
    assert values_of_text(declared("{{x: list[str]}}"), pairs, at=AT) == {"x": ["a,b", "c"]}


BAD_TEXTS: list[tuple[str, list[tuple[str, str]], str]] = [
    ("int", [("x", "1.5")], "takes an integer"),
    ("int", [("x", "٣")], "takes an integer"),
    ("int", [("x", "1_0")], "takes an integer"),
    ("int", [("x", "1" + "0" * 60)], "takes an integer"),
    ("int", [("x", "")], "takes an integer"),
    ("int", [("x", "null")], "takes an integer"),
    ("int", [], "is missing"),
    ("int", [("x", "1"), ("x", "2")], "2 times"),
    ("float", [("x", "nan")], "takes a number"),
    ("float", [("x", "1e400")], "takes a number"),
    ("bool", [("x", "maybe")], "takes true or false"),
    ("date", [("x", "2026-02-30")], "takes a date"),
    ("decimal", [("x", "1" * 39)], "at most 38 digits"),
    ("uuid", [("x", "1234")], "takes a UUID"),
    ("str", [("x", "\ud800")], "takes a text"),
    ("list[int]", [("x", "1,a")], "each an integer"),
    ("list[int]", [("x", "")], "1 to 10,000 values"),
    ("int", [("x", "1"), ("xs", "2")], "no parameter 'xs'"),
]


@pytest.mark.parametrize(("kind", "pairs", "message"), BAD_TEXTS)
def test_text_of_another_type(kind: str, pairs: list[tuple[str, str]], message: str) -> None:
    with pytest.raises(Rejected, match=message) as raised:
        values_of_text(declared(f"{{{{x: {kind}}}}}"), pairs, at=AT)
    name = pairs[-1][0] if pairs else "x"
    fields: Any = raised.value.data["fields"]
    assert (raised.value.data["status"], fields[0]["path"]) == (422, f"$.{name}")


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("int", 5, 5), ("int", 5.0, 5), ("float", 1, 1.0), ("bool", True, True),
        ("date", "2026-01-02", date(2026, 1, 2)), ("decimal", 0.5, Decimal("0.5")),
        ("decimal", "0.50", Decimal("0.50")), ("list[str]", ["a,b"], ["a,b"]),
        ("int = null", None, None), ("list[int] = null", None, None),
    ],
)  # fmt: skip
def test_json_becomes_a_value(kind: str, value: object, expected: object) -> None:
    assert values_of_json(declared(f"{{{{x: {kind}}}}}"), {"x": value}, at=AT) == {"x": expected}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("int", "5"), ("int", True), ("int", 5.5), ("int", None), ("int", [5]), ("float", "0.5"),
        ("float", False), ("bool", 1), ("bool", "true"), ("str", 5), ("str", None), ("date", 20260101),
        ("decimal", True), ("list[int]", 5), ("list[int]", []), ("list[int]", ["5"]),
        ("list[int]", [None]), ("list[str]", "a,b"), ("list[int]", [1] * 10_001), ("uuid", {}),
    ],
)  # fmt: skip
def test_json_of_another_type(kind: str, value: object) -> None:
    with pytest.raises(Rejected, match="'x' takes"):
        values_of_json(declared(f"{{{{x: {kind}}}}}"), {"x": value}, at=AT)


def test_defaults_apply_and_null_is_a_default() -> None:
    known = declared("{{a: date = today}}", "{{b: list[int] = null}}", "{{c: str = 'x y'}}")
    expected = {"a": date(2026, 3, 5), "b": None, "c": "x y"}
    assert values_of_text(known, [], at=AT) == expected
    assert values_of_text(known, [("b", "null")], at=AT) == expected


def test_the_schema_describes_types_defaults_and_what_is_required() -> None:
    known = declared(
        "{{a: int}}", "{{b: list[date] = null}}", "{{c: decimal = 0.10}}", "{{d: datetime = now}}"
    )
    schema: Any = schema_of(known)
    assert schema["required"] == ["a"]
    assert schema["additionalProperties"] is False
    bounds = {"minimum": -(2.0**127), "exclusiveMaximum": 2.0**127}
    assert schema["properties"]["a"] == {"type": "integer", **bounds}
    assert schema["properties"]["b"]["anyOf"][0]["items"] == {"type": "string", "format": "date"}
    assert schema["properties"]["c"]["default"] == "0.10"
    assert schema["properties"]["d"]["description"] == "Default: now."


@given(
    st.one_of(
        st.tuples(st.just("int"), st.integers(-(2**127), 2**127 - 1)),
        st.tuples(st.just("str"), st.text(st.characters(exclude_categories=["Cs"]))),
        st.tuples(st.just("float"), st.floats(allow_nan=False, allow_infinity=False)),
        st.tuples(st.just("date"), st.dates()),
        st.tuples(st.just("datetime"), st.datetimes(timezones=st.just(UTC))),
        st.tuples(st.just("decimal"), st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**30), max_value=10**30)),
    )
)  # fmt: skip
def test_values_survive_as_text_and_as_json(pair: tuple[str, Any]) -> None:
    kind, value = pair
    known = declared(f"{{{{x: {kind}}}}}")
    text = str(to_json(value))
    assert values_of_text(known, [("x", text)], at=AT) == {"x": value}
    assert values_of_json(known, {"x": to_json(value)}, at=AT) == {"x": value}
