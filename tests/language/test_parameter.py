from __future__ import annotations

import json
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.parameters.parameter import (
    coerce,
    default_of,
    parse_assignment,
    parse_parameter,
    resolve_parameters,
)
from jupyter_etl.model import Parameter, ParameterType

AT = datetime(2026, 3, 1, 6, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "name", "kind", "default", "help_text"),
    [
        ("day date = yesterday  # the day", "day", "date", "yesterday", "the day"),
        ("day: date = yesterday", "day", "date", "yesterday", ""),
        ("day = yesterday", "day", "date", "yesterday", ""),
        ("day = 2026-01-01", "day", "date", "2026-01-01", ""),
        ("at = now", "at", "datetime", "now", ""),
        ("n=5", "n", "int", "5", ""),
        ("n int", "n", "int", None, ""),
        ("x", "x", "any", None, ""),
        ("r Float = .5", "r", "float", ".5", ""),
        ("ok = true", "ok", "bool", "true", ""),
        ("ok bool = yes", "ok", "bool", "yes", ""),
        ("s str = a b", "s", "str", "a b", ""),
        ("s = 'a # b'  # c", "s", "str", "'a # b'", "c"),
        ("s = it's", "s", "str", "it's", ""),
        ("l = [1, 2]", "l", "list", "[1, 2]", ""),
        ('d = {"a": true}', "d", "dict", '{"a": true}', ""),
        ("x = None", "x", "any", "None", ""),
    ],
)
def test_declarations(text: str, name: str, kind: str, default: str | None, help_text: str) -> None:
    assert parse_parameter(text) == Parameter(
        name=name, type=ParameterType(kind), default=default, origin="command", help=help_text
    )


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", ["is invalid", "NAME TYPE = DEFAULT"]),
        ("a b c", ["'a b c'", "NAME TYPE = DEFAULT"]),
        ("1x = 3", ["'1x'", "letters"]),
        ("x flot", ["'flot'", "'x'", "Did you mean 'float'?"]),
        ("x =", ["'x'", "no value after '='"]),
        ("n int = abc", ["'n' takes int", "'abc'", "n=42"]),
        ("day date = someday", ["'day' takes date", "'someday'", "2026-01-31"]),
    ],
)
def test_refused_declarations(text: str, says: list[str]) -> None:
    with pytest.raises(DeclarationError) as caught:
        parse_parameter(text)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        ("str", "5", "5"),
        ("str", "'q'", "'q'"),
        ("int", "5", 5),
        ("int", " 1000 ", 1000),
        ("int", 5.0, 5),
        ("int", np.int64(5), 5),
        ("float", "1e3", 1000.0),
        ("float", 1, 1.0),
        ("bool", "Yes", True),
        ("bool", "off", False),
        ("bool", 0, False),
        ("date", "today", date(2026, 3, 1)),
        ("date", "Yesterday", date(2026, 2, 28)),
        ("date", "tomorrow", date(2026, 3, 2)),
        ("date", "2024-02-29", date(2024, 2, 29)),
        ("date", pd.Timestamp("2026-01-01"), date(2026, 1, 1)),
        ("datetime", "now", AT),
        ("datetime", "today", datetime(2026, 3, 1, tzinfo=UTC)),
        ("datetime", "2026-01-01 05:00", datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("datetime", date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC)),
        ("time", "06:30", time(6, 30)),
        ("time", time(6, 30, 1), time(6, 30, 1)),
        ("timedelta", "90m", timedelta(minutes=90)),
        ("timedelta", "1h30m", timedelta(minutes=90)),
        ("timedelta", "-2d", timedelta(days=-2)),
        ("timedelta", "0", timedelta()),
        ("timedelta", "PT5400S", timedelta(minutes=90)),
        ("timedelta", "-P1D", timedelta(days=-1)),
        ("timedelta", "5400", timedelta(minutes=90)),
        ("timedelta", 1.5, timedelta(seconds=1.5)),
        ("timedelta", "1:30", timedelta(minutes=90)),
        ("timedelta", "-1 day, 22:30:00.000001", timedelta(minutes=-90, microseconds=1)),
        ("timedelta", "2 days 00:00:00", timedelta(days=2)),
        ("timedelta", pd.Timedelta("90min"), timedelta(minutes=90)),
        ("decimal", "19.90", Decimal("19.90")),
        ("decimal", " -0.1234567890123456789012345 ", Decimal("-0.1234567890123456789012345")),
        ("decimal", 1.1, Decimal("1.1")),
        ("decimal", 7, Decimal(7)),
        ("path", "data/a b.csv", Path("data/a b.csv")),
        ("path", PurePosixPath("/x"), Path("/x")),
        ("uuid", "12345678123456781234567812345678", UUID(int=0x12345678123456781234567812345678)),
        ("list", "[1, 'a']", [1, "a"]),
        ("list", "(1, 2)", [1, 2]),
        ("list", '[null, true]', [None, True]),
        ("dict", '{"a": [1]}', {"a": [1]}),
        ("any", "5", 5),
        ("any", "true", True),
        ("any", "abc", "abc"),
        ("any", "[1, 2", "[1, 2"),
        ("any", "null", None),
        ("any", 1.5, 1.5),
    ],
)  # fmt: skip
def test_coerced(kind: str, value: object, typed: object) -> None:
    found = coerce(Parameter(name="p", type=ParameterType(kind)), value, at=AT)
    assert found == typed
    assert type(found) is type(typed)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("str", 5),
        ("str", None),
        ("int", "5.5"),
        ("int", 5.5),
        ("int", True),
        ("int", ""),
        ("int", "9" * 5000),
        ("float", "nan"),
        ("float", "inf"),
        ("float", True),
        ("bool", "maybe"),
        ("bool", 2),
        ("date", "2026-02-30"),
        ("date", "now"),
        ("date", datetime(2026, 1, 1, 5, tzinfo=UTC)),
        ("date", 20260101),
        ("datetime", "soon"),
        ("datetime", 5),
        ("time", "25:00"),
        ("time", "now"),
        ("timedelta", ""),
        ("timedelta", "soon"),
        ("timedelta", "P1"),
        ("timedelta", "1:60"),
        ("timedelta", True),
        ("timedelta", 1e300),
        ("decimal", "1,5"),
        ("decimal", "nan"),
        ("decimal", ""),
        ("decimal", True),
        ("decimal", "1e"),
        ("path", ""),
        ("path", 5),
        ("path", "a\0b"),
        ("uuid", "1234"),
        ("uuid", 5),
        ("list", "[1, 2"),
        ("list", "{}"),
        ("list", [date(2026, 1, 1)]),
        ("dict", "[]"),
        ("any", object()),
    ],
)
def test_wrong_types_show_name_value_type_and_example(kind: str, value: object) -> None:
    with pytest.raises(DeclarationError) as caught:
        coerce(Parameter(name="p", type=ParameterType(kind)), value, at=AT)
    assert "The parameter 'p' takes" in caught.value.message
    assert {"any": "a value"}.get(kind, kind) in caught.value.message
    assert repr(value)[:40] in caught.value.message
    assert len(caught.value.message) < 160
    assert caught.value.hint.startswith("For example: p=")


def test_days_are_those_of_the_timezone_of_the_instant() -> None:
    late = datetime(2026, 3, 1, 23, 30, tzinfo=UTC).astimezone(ZoneInfo("Europe/Berlin"))
    assert coerce(parse_parameter("day date"), "today", at=late) == date(2026, 3, 2)
    local = coerce(parse_parameter("t datetime"), "2026-03-01T12:00", at=late)
    assert isinstance(local, datetime)
    assert local.isoformat() == "2026-03-01T12:00:00+01:00"


@pytest.mark.parametrize(
    ("default", "value", "typed"),
    [
        ("datetime(2026, 1, 1)", "2026-02-03T04:00", datetime(2026, 2, 3, 4)),  # noqa: DTZ001
        ("datetime(2026, 1, 1)", "today", datetime(2026, 3, 1)),  # noqa: DTZ001
        ("datetime(2026, 1, 1)", "2026-02-03T04:00Z", datetime(2026, 2, 3, 4, tzinfo=UTC)),
        ("pd.Timestamp('2026-01-01')", date(2026, 2, 3), datetime(2026, 2, 3)),  # noqa: DTZ001
        (
            "datetime(2026, 1, 1, tzinfo=UTC)",
            "2026-02-03T04:00",
            datetime(2026, 2, 3, 4, tzinfo=UTC),
        ),
        ("None", "2026-02-03T04:00", datetime(2026, 2, 3, 4, tzinfo=UTC)),
    ],
)
def test_a_datetime_is_naive_where_the_notebooks_own_is(
    default: str, value: object, typed: object
) -> None:
    parameter = Parameter(name="at", type=ParameterType.DATETIME, default=default)
    assert coerce(parameter, value, at=AT) == typed
    [resolved] = resolve_parameters((parameter,), {"at": value}, at=AT).values()
    assert coerce(parameter, resolved, at=AT) == typed


def test_none_where_the_annotation_allows_it() -> None:
    optional = Parameter(name="p", type=ParameterType.DATE, default="date.today()", optional=True)
    assert coerce(optional, "None", at=AT) is None
    assert coerce(optional, "2026-02-03", at=AT) == date(2026, 2, 3)


def test_none_where_the_default_is_none() -> None:
    optional = Parameter(name="p", type=ParameterType.INT, default="None")
    assert coerce(optional, None, at=AT) is None
    assert coerce(optional, "None", at=AT) is None
    assert coerce(optional, "5", at=AT) == 5


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("day date = yesterday", date(2026, 2, 28)),
        ("n int = 5", 5),
        ("s str = 5", "5"),
        ("s str = 'a'", "a"),
        ("s str = a b", "a b"),
        ("l = [1]", [1]),
        ("x = None", None),
        ("rate decimal = 1.50", Decimal("1.50")),
        ("rate decimal = 0.1234567890123456789", Decimal("0.1234567890123456789")),
        ("rate decimal = '1.50'", Decimal("1.50")),
        ("at time = 06:30", time(6, 30)),
        ("lag timedelta = 2h", timedelta(hours=2)),
        ("lag timedelta = 90", timedelta(seconds=90)),
        ("where path = data/orders.csv", Path("data/orders.csv")),
    ],
)
def test_defaults(text: str, value: object) -> None:
    assert default_of(parse_parameter(text), at=AT) == value


def test_a_default_known_only_in_the_notebook() -> None:
    with pytest.raises(DeclarationError, match=r"date\.today\(\)"):
        default_of(Parameter(name="day", default="date.today()"), at=AT)


DECLARED = (parse_parameter("day date = yesterday"), parse_parameter("n int = 3"))


def test_resolved_are_the_given_ones_as_json() -> None:
    assert resolve_parameters(DECLARED, {}, at=AT) == {}
    given_values = {"day": "today", "n": "7"}
    assert resolve_parameters(DECLARED, given_values, at=AT) == {"day": "2026-03-01", "n": 7}
    moment = (parse_parameter("t datetime"),)
    assert resolve_parameters(moment, {"t": "now"}, at=AT) == {"t": "2026-03-01T06:30:00+00:00"}


def test_unknown_ones_are_refused_with_the_known_listed() -> None:
    with pytest.raises(DeclarationError) as caught:
        resolve_parameters(DECLARED, {"dya": 1}, at=AT)
    assert "'dya'" in caught.value.message
    assert "day and n" in caught.value.message
    assert "Did you mean 'day'?" in caught.value.message
    assert "%etl param dya" in caught.value.hint
    with pytest.raises(DeclarationError, match="It declares none"):
        resolve_parameters((), {"a": 1}, at=AT)


def test_one_without_a_default_must_be_given() -> None:
    with pytest.raises(DeclarationError, match="'day' has no default and needs a value") as caught:
        resolve_parameters((parse_parameter("day date"),), {}, at=AT)
    assert "-p day=2026-01-31" in caught.value.hint


def test_injection_stays_a_value() -> None:
    declared = (parse_parameter("s str = a"),)
    text = "1\nimport os"
    assert resolve_parameters(declared, {"s": text}, at=AT) == {"s": text}


def test_assignments() -> None:
    assert parse_assignment("k=v=w ") == ("k", "v=w ")
    assert parse_assignment(" k =") == ("k", "")
    for text in ("k", "=v", "a b=c", "1=2"):
        with pytest.raises(DeclarationError, match="day=2026-01-01"):
            parse_assignment(text)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(strategies.identifiers, st.sampled_from(list(ParameterType)), _json)
def test_any_json_value_is_typed_or_refused(name: str, kind: ParameterType, value: object) -> None:
    parameter = Parameter(name=name, type=kind, default="1")
    hint = "typed"
    try:
        resolved = resolve_parameters((parameter,), {name: value}, at=AT)
    except DeclarationError as problem:
        hint = problem.hint
    else:
        json.dumps(resolved, allow_nan=False)
        # A text of any type is read as JSON once more.
        if kind is not ParameterType.ANY:
            assert resolve_parameters((parameter,), resolved, at=AT) == resolved
    assert hint


@given(st.dates(), st.integers(), st.booleans())
def test_text_and_value_agree(day: date, number: int, flag: bool) -> None:
    for kind, value in (("date", day), ("int", number), ("bool", flag)):
        parameter = parse_parameter(f"p {kind}")
        assert coerce(parameter, str(value), at=AT) == coerce(parameter, value, at=AT) == value


@given(st.text(max_size=40))
def test_any_text_is_a_parameter_or_a_declaration_error(text: str) -> None:
    hint = "read"
    try:
        parse_parameter(text)
    except DeclarationError as problem:
        hint = problem.hint
    assert hint
