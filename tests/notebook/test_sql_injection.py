"""Values in SQL from users or data are bound, quoted or rejected."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.language.sources import LOCAL
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.session import DataSession

HOSTILE = [
    "x'; DROP TABLE people--",
    "' OR '1'='1",
    'x"; DROP TABLE people--',
    "'); DELETE FROM people; --",
    "x' UNION SELECT password FROM people--",
    "\\'; DROP TABLE people; --",
    "ʼ; DROP TABLE people--",
    "x\x00'; DROP TABLE people--",
    ":p0",
    "{{name}}",
    "%s ? $1",
    "/* */ 1 -- '",
]
ROWS = [("ann", "pw-a"), ("bob", "pw-b")]


@pytest.fixture
def session(home: Path, here: Path, names: dict[str, Any]) -> DataSession:
    with sqlite3.connect(here / "wh.db") as connection:
        connection.execute("create table people (name text, password text)")
        connection.executemany("insert into people values (?, ?)", ROWS)
    connection.close()
    made = kernel_state.data_session(names)
    # Not read only: what is bound needs no second wall.
    made.declare("wh", f"sqlite:///{here / 'wh.db'}")
    names["people"] = pd.DataFrame(ROWS, columns=["name", "password"])
    return made


@pytest.fixture(autouse=True)
def unchanged(session: DataSession, here: Path, names: dict[str, Any]):
    yield
    with sqlite3.connect(here / "wh.db") as connection:
        assert connection.execute("select * from people").fetchall() == ROWS
    connection.close()
    assert names["people"].shape == (2, 2)


@pytest.mark.parametrize("source", ["wh", LOCAL])
@pytest.mark.parametrize("value", HOSTILE, ids=ascii)
def test_a_value_is_bound(
    session: DataSession, names: dict[str, Any], source: str, value: str
) -> None:
    names.update(name=value, several=[value, "ann"])
    found = session.sql(source, "select name from people where name = {{name}}")
    assert len(found) == 0
    found = session.sql(source, "select name from people where name in {{several}}")
    assert found["name"].tolist() == ["ann"]
    if "\x00" not in value:
        [back] = session.sql(source, "select {{name}} as it")["it"]
        assert back == value


@pytest.mark.parametrize("source", ["wh", LOCAL])
@pytest.mark.parametrize(
    "name", ['a";--', 'name" FROM people; DROP TABLE people--', "x'; DROP TABLE people--", "na`me"]
)
def test_an_identifier_is_quoted(
    session: DataSession, names: dict[str, Any], source: str, name: str
) -> None:
    names["column"] = name
    try:
        found = session.sql(source, "select {{column|ident}} as it from people")
    except EtlError:
        return
    # SQLite reads a quoted name that is no column as a text.
    assert source == "wh"
    assert found["it"].tolist() == [name, name]


@pytest.mark.parametrize(
    "hole",
    ["x.__class__", "x.__class__.__mro__[1]", "x()", "''.join(x)", "x|safe", "x|attr('y')", "7*7"],
)
def test_a_hole_is_no_expression(session: DataSession, names: dict[str, Any], hole: str) -> None:
    names["x"] = "ann"
    for source in ("wh", LOCAL):
        with pytest.raises(DeclarationError):
            session.sql(source, f"select {{{{{hole}}}}} from people")


@pytest.mark.parametrize("source", ["wh", LOCAL])
@pytest.mark.parametrize(
    "query",
    ["select 1; drop table people", "select 1; delete from people", "select 1 /* ; */ ; select 2"],
)
def test_a_second_statement_is_refused(session: DataSession, source: str, query: str) -> None:
    with pytest.raises(EtlError):
        session.sql(source, query)


@pytest.mark.parametrize(
    "target", ["wh.people; DROP TABLE people", 'wh.people"; DROP TABLE people--', "wh.people--"]
)
def test_a_table_is_one_of_the_catalogue(session: DataSession, target: str) -> None:
    with pytest.raises(EtlError):
        session.load(target)


def test_a_column_is_one_of_the_table(session: DataSession) -> None:
    for column in ('name"; DROP TABLE people--', "password from people--", "*"):
        with pytest.raises(EtlError):
            session.load("wh.people", columns=["name", column])


def test_a_rule_of_a_check_changes_nothing(session: DataSession, names: dict[str, Any]) -> None:
    for rule in (
        "1=1); DROP TABLE people--",
        "name in ('a'); DROP TABLE people",
        "count(*) > 0; x",
    ):
        with pytest.raises(EtlError):
            session.check("people", rule)
