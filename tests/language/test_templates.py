from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import strategies
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sql.templates import BoundQuery, bind, parse_template

NAMES: dict[str, object] = {
    "day": date(2026, 1, 1),
    "x": 3,
    "evil": "x'; DROP TABLE t--",
    "col": 'a";--',
    "pair": ("sales", "orders"),
    "raw": "a = 1",
    "many": [1, 2],
    "none": [],
}


def _bound(sql: str, **more: object) -> BoundQuery:
    return bind(parse_template(sql), {**NAMES, **more})


@pytest.mark.parametrize(
    ("sql", "out", "values"),
    [
        ("select 1", "select 1", []),
        ("d = {{day}}", "d = :p0", [date(2026, 1, 1)]),
        ("{{ x }} {{x}}", ":p0 :p1", [3, 3]),
        ("a = {{evil}}", "a = :p0", ["x'; DROP TABLE t--"]),
        ("in {{many}}", "in (:p0, :p1)", [1, 2]),
        ("{{x}}::int, b::date", ":p0 ::int, b::date", [3]),
        ("t > '12:30' and a[1:2] = {{x}}", "t > '12:30' and a[1:2] = :p0", [3]),
        ("':p0' = {{x}}", "':p0' = :p_0", [3]),
        ("'{{\"a\": 1}}' -> {{x}}", "'{{\"a\": 1}}' -> :p0", [3]),
        ("-- {{nothing}}\n/* {{x.y}} */ {{x}}", "-- {{nothing}}\n/* {{x.y}} */ :p0", [3]),
        ("it''s {{x}}1", "it''s :p0 1", [3]),
        ("{'a': {'b': 1}}", "{'a': {'b': 1}}", []),
    ],
)
def test_values(sql: str, out: str, values: list[object]) -> None:
    query = _bound(sql)
    assert query.sql == out
    assert list(query.parameters.values()) == values
    assert all(f":{name}" in out for name in query.parameters)


@pytest.mark.parametrize(
    ("sql", "out"),
    [
        ("select {{col|ident}}", 'select "a"";--"'),
        ("from {{ pair | ident }}", 'from "sales"."orders"'),
    ],
)
def test_identifiers(sql: str, out: str) -> None:
    assert _bound(sql) == BoundQuery(sql=out, parameters={})


def test_raw_text_is_recorded() -> None:
    query = _bound("where {{raw|sqlsafe}} and b = {{x}}")
    assert query.sql == "where a = 1 and b = :p0"
    assert query.raw == ("raw = a = 1",)


def test_names_that_are_needed() -> None:
    assert parse_template("{{b}} {{a|ident}} {{b}} -- {{c}}").names == ("b", "a")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("a"), "a"),
        (
            np.datetime64("2026-01-01T00:00:00.123456000"),
            datetime.fromisoformat("2026-01-01 00:00:00.123456"),
        ),
        (np.timedelta64(5, "s"), timedelta(seconds=5)),
        (pd.Timestamp("2026-01-01", tz="UTC"), datetime(2026, 1, 1, tzinfo=UTC)),
        (pd.Timedelta("1h"), timedelta(hours=1)),
        (pd.NaT, None),
        (pd.NA, None),
        (None, None),
        (Decimal("1.5"), Decimal("1.5")),
        (b"x", b"x"),
    ],
)
def test_scalars_become_plain_python(value: object, plain: object) -> None:
    (bound,) = _bound("{{v}}", v=value).parameters.values()
    assert bound == plain
    assert type(bound) is type(plain)


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        (1, 2),
        np.array([1, 2]),
        pd.Series([1, 2]),
        pd.Series([1, 2], dtype="Int64"),
        pd.Index([1, 2]),
        pd.Categorical([1, 2]),
        range(1, 3),
    ],
)
def test_lists_expand(value: object) -> None:
    query = _bound("{{v}}", v=value)
    assert query.sql == "(:p0, :p1)"
    assert [(v, type(v)) for v in query.parameters.values()] == [(1, int), (2, int)]


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        ("{{x.__class__}}", ["{{x.__class__}}", "plain variable", "{{value}}"]),
        ("{{x()}}", ["plain variable"]),
        ("{{x[0]}}", ["plain variable"]),
        ("{{x + 1}}", ["plain variable"]),
        ("{{ 'a' }}", ["plain variable"]),
        ("{{}}", ["plain variable"]),
        ("{{x|indent}}", ["'indent'", "Did you mean 'ident'"]),
        ("{{x", ["not closed"]),
        ("{% if x %}", ["only {{x}} is supported"]),
        ("a = '{{x}}'", ["inside a string", "without the quotes", "|| {{x}} ||"]),
        ("a like '%{{evil}}%'", ["inside a string"]),
        ("a = '{{x.y}}'", ["plain variable"]),
        ('"{{x}}"', ["double quotes", "{{x|ident}}"]),
        ("$$ {{x}} $$", ["inside a string"]),
        ("{{dya}}", ["no variable 'dya'", "Did you mean 'day'?", "%etl param dya"]),
        ("{{none}}", ["{{none}} is an empty list"]),
        ("{{x|ident}}", ["{{x|ident}}", "got 3", "x = 'column'"]),
        ("{{many|ident}}", ["got [1, 2]"]),
        ("{{x|sqlsafe}}", ["needs SQL as text", "{{x}}"]),
        ("{{frame}}", ["DataFrame", "%%etl sql local", "frame"]),
        ("{{thing}}", ["{{thing}}", "object", "Bind a text"]),
        ("{{mapping}}", ["dict"]),
        ("{{nested}}", ["list"]),
    ],
)
def test_refused(sql: str, says: list[str]) -> None:
    more = {
        "frame": pd.DataFrame({"a": [1]}),
        "thing": object(),
        "mapping": {"a": 1},
        "nested": [[1]],
    }
    with pytest.raises(DeclarationError) as caught:
        _bound(sql, **more)
    assert caught.value.hint
    for piece in says:
        assert piece in str(caught.value)


@given(st.lists(strategies.words.map(lambda t: t.replace("{{", "{")), min_size=1, max_size=4))
def test_only_our_placeholders_are_found(texts: list[str]) -> None:
    sql = " {{x}} ".join(text.replace("'", "").replace('"', "") for text in texts)
    query = "declined"
    try:
        bound = _bound(sql)
    except DeclarationError:
        assert query
        return
    seen = [name for name in re.findall(r"(?<![:\w]):(\w+)", bound.sql) if name in bound.parameters]
    assert seen == list(bound.parameters)


@given(st.text(max_size=60))
def test_any_text_is_a_template_or_a_declaration_error(sql: str) -> None:
    hint = "read"
    try:
        template = parse_template(sql)
    except DeclarationError as problem:
        hint = problem.hint
    else:
        if not template.names:
            assert bind(template, {}).sql == sql
    assert hint


@pytest.mark.parametrize(
    ("dialect", "expected"),
    [
        ("sqlite", 'select `a``"]\\b` from `s`.`t`'),
        ("mysql+pymysql", 'select `a``"]\\b` from `s`.`t`'),
        ("postgresql", 'select "a`""]\\b" from "s"."t"'),
        ("mssql+pyodbc", 'select [a`"]]\\b] from [s].[t]'),
        ("oracle", 'select "a`""]\\b" from "s"."t"'),
        ("bigquery", 'select `a\\`"]\\\\b` from `s`.`t`'),
        ("clickhouse+native", 'select "a`\\"]\\\\b" from "s"."t"'),
    ],
)
def test_identifiers_in_the_marks_of_the_database(dialect: str, expected: str) -> None:
    template = parse_template("select {{c|ident}} from {{t|ident}}", dialect)
    names = {"c": 'a`"]\\b', "t": ["s", "t"]}
    assert bind(template, names).sql == expected
    with pytest.raises(DeclarationError):
        bind(template, {**names, "c": "a\0b"})


VALUE, TEXT = "a value", "text"


@pytest.mark.parametrize(
    ("dialect", "sql", "found"),
    [
        ("postgresql", r"select E'\' {{x}}'", "refused"),
        ("postgresql", r"select E'\\', {{x}}", VALUE),
        ("postgresql", r"select e'it\'s' || {{x}}", VALUE),
        ("postgresql", r"select 'a\', {{x}}", VALUE),
        ("postgresql", r"select U&'\0061', {{x}}", VALUE),
        ("postgresql", "select U&'{{x}}'", "refused"),
        ("postgresql", "select $$ {{x}} $$", "refused"),
        ("postgresql", "select $é1$ $$ {{x}} $é1$", "refused"),
        ("postgresql", "select a$b$, {{x}}, c$b$", VALUE),
        ("postgresql", "select $a$ ' $a$, {{x}} /* ' */", VALUE),
        ("postgresql", "select 1 /* /* */ {{x}} */", TEXT),
        ("postgresql", "select 1 /* /* */ */ + {{x}}", VALUE),
        ("postgresql", "select # {{x}}", VALUE),
        ("postgresql", "select 'open {{x}}", "refused"),
        ("postgresql", "select $q$ open {{x}}", "refused"),
        ("duckdb", r"select E'\' {{x}}'", "refused"),
        ("mysql", r"select '\' {{x}}'", "refused"),
        ("mysql", r'select "\" {{x}}"', "refused"),
        ("mysql", 'select "{{x}}"', "refused"),
        ("mysql", r"select E'\\' , {{x}}", VALUE),
        ("mysql", "select `a{{x}}`", "refused"),
        ("mysql", "select 1 # {{x}}", TEXT),
        ("mysql", "select 1--{{x}}", VALUE),
        ("mysql", "select 1 -- {{x}}", TEXT),
        ("mysql", "select /* /* */ {{x}}", VALUE),
        ("mysql", "select /*!50000 {{x}} */", VALUE),
        ("mysql", "select $$, {{x}}, $$", VALUE),
        ("mariadb+pymysql", r"select '\' {{x}}'", "refused"),
        ("sqlite", "select [a'b], {{x}}", VALUE),
        ("sqlite", "select [{{x}}]", "refused"),
        ("sqlite", r"select '\', {{x}}", VALUE),
        ("sqlite", "select `a'b`, {{x}}", VALUE),
        ("sqlite", "select /* /* */ {{x}}", VALUE),
        ("mssql+pyodbc", "select [a]]'b], {{x}}", VALUE),
        ("mssql+pyodbc", "select [a]]{{x}}]", "refused"),
        ("mssql+pyodbc", "select /* /* */ {{x}} */ 1", TEXT),
        ("oracle", "select q'[it's {{x}}]' from dual", "refused"),
        ("oracle", "select q'!it's!', {{x}} from dual", VALUE),
        ("bigquery", 'select """ \' {{x}} """', "refused"),
        ("bigquery", r"select r'\', {{x}}", VALUE),
        ("snowflake", "select 1 // {{x}}", TEXT),
        ("", r"select E'\' {{x}}'", "refused"),
        ("", "select `a'b`, {{x}}", VALUE),
    ],
)
def test_a_value_stands_where_the_dialect_has_code(dialect: str, sql: str, found: str) -> None:
    if found == "refused":
        with pytest.raises(DeclarationError):
            parse_template(sql, dialect)
        return
    bound = bind(parse_template(sql, dialect), NAMES)
    assert found == (VALUE if bound.parameters else TEXT)
    assert bool(bound.parameters) == (":p0" in bound.sql)


MOMENT = datetime(2026, 1, 1)  # noqa: DTZ001 - numpy's times have no zone


@pytest.mark.parametrize(
    "value",
    [
        np.array(["2026-01-01"], dtype="datetime64[ns]"),
        np.array(["2026-01-01"], dtype="datetime64[D]"),
        np.array("2026-01-01", dtype="datetime64[s]"),
        pd.DatetimeIndex(["2026-01-01"]),
        pd.Series(pd.to_datetime(["2026-01-01"])),
    ],
    ids=lambda value: f"{type(value).__name__} {value.dtype}",
)
def test_times_in_arrays_stay_times(value: object) -> None:
    assert list(_bound("{{v}}", v=value).parameters.values()) == [MOMENT]


@pytest.mark.parametrize(
    "value",
    [
        np.datetime64("2026-01-01T00:00:00.123456789"),
        np.timedelta64(1, "ns"),
        pd.Timestamp("2026-01-01 00:00:00.000000001"),
        pd.Timedelta(1, unit="ns"),
        pd.Series(pd.to_datetime(["2026-01-01 00:00:00.000000001"])),
    ],
    ids=lambda value: type(value).__name__,
)
def test_nanoseconds_are_not_cut_off(value: object) -> None:
    with pytest.raises(DeclarationError, match=r"\{\{v\}\} is .*nanoseconds"):
        _bound("{{v}}", v=value)


@pytest.mark.parametrize(
    "value",
    [
        np.longdouble(1) / 3,
        np.complex128(1j),
        np.datetime64("20000-01-01T00:00:00"),
        np.timedelta64(1, "M"),
        {"a": 1},
        np.zeros((2, 2)),
        [[1], [2]],
        object(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_no_driver_binds_is_refused_by_name(value: object) -> None:
    with pytest.raises(DeclarationError, match=r"\{\{v\}\} is a"):
        _bound("{{v}}", v=value)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("x = any({{v}})", "x = any(ARRAY[:p0, :p1])"),
        ("x <> ALL ( {{v}} )", "x <> ALL ( ARRAY[:p0, :p1] )"),
        ("x in {{v}}", "x in (:p0, :p1)"),
        ("many({{v}})", "many((:p0, :p1))"),
    ],
)
def test_a_list_where_an_array_stands(sql: str, expected: str) -> None:
    assert _bound(sql, v=[1, 2]).sql == expected
