"""Every value SQLite holds arrives exact, or with an error that names the column."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.sql import execute, query, refusal
from jupyter_etl.model import Source

ARRIVES: dict[str, tuple[str, list[object]]] = {
    "(1), (NULL)": ("int64", [1, None]),
    "(9223372036854775807)": ("int64", [2**63 - 1]),
    "(-9223372036854775807 - 1)": ("int64", [-(2**63)]),
    "(0.1), (NULL)": ("double", [0.1, None]),
    "(1), (1.5)": ("double", [1.0, 1.5]),
    "(9e999)": ("double", [float("inf")]),
    "(''), ('Žofie')": ("string", ["", "Žofie"]),
    "('2026-01-01')": ("string", ["2026-01-01"]),
    "(x''), (x'ff00')": ("binary", [b"", b"\xff\x00"]),
    "(true), (false)": ("int64", [1, 0]),
    "(NULL)": ("null", [None]),
}

REFUSED = (
    "(1), ('x')",
    "('x'), (x'00')",
    "(9007199254740993), (1.5)",
    "(1), (x'00')",
)


def lite(folder: Path) -> Source:
    return Source(name="lite", kind="sql", location=f"sqlite:///{folder / 'a.db'}", readonly=True)


@pytest.mark.parametrize("declared", ["", "TEXT COLLATE NOCASE", "NUMERIC", "BLOB"])
def test_a_declared_type_does_not_change_what_is_there(tmp_path: Path, declared: str) -> None:
    execute(tmp_path / "a.db", f"CREATE TABLE t (v {declared}); INSERT INTO t VALUES (x'ff')")
    assert query(lite(tmp_path), "SELECT v FROM t")["v"].to_pylist() == [b"\xff"]


@pytest.mark.parametrize("values", ARRIVES)
def test_the_matrix(tmp_path: Path, values: str) -> None:
    execute(tmp_path / "a.db", f"CREATE TABLE t (v); INSERT INTO t VALUES {values}")
    got = query(lite(tmp_path), "SELECT v FROM t ORDER BY rowid")["v"]
    assert (str(got.type), got.to_pylist()) == ARRIVES[values]


@pytest.mark.parametrize("values", REFUSED)
def test_a_mix_names_the_column(tmp_path: Path, values: str) -> None:
    execute(tmp_path / "a.db", f"CREATE TABLE t (v); INSERT INTO t VALUES {values}")
    error = refusal(lite(tmp_path), "SELECT 1 AS fine, v AS odd FROM t")
    assert "column 'odd'" in error.message
    assert not error.retryable


_VALUES = st.one_of(
    st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), min_size=1),
    st.lists(st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1),
    st.lists(
        st.one_of(st.none(), st.text(st.characters(codec="utf-8", exclude_characters="\0"))),
        min_size=1,
    ),
    st.lists(st.one_of(st.none(), st.binary()), min_size=1),
    st.lists(st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)), min_size=1),
)


@settings(deadline=None, max_examples=60)
@given(values=_VALUES)
def test_round_trips(
    tmp_path_factory: pytest.TempPathFactory, values: list[int | float | str | bytes | None]
) -> None:
    folder = tmp_path_factory.mktemp("lite")
    with closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        connection.execute("CREATE TABLE t (v)")
        connection.executemany("INSERT INTO t VALUES (?)", [(value,) for value in values])
    if len({type(value) for value in values if value is not None}) > 1 and any(
        isinstance(value, int) and abs(value) > 2**53 for value in values
    ):
        assert "column 'v'" in refusal(lite(folder), "SELECT v FROM t").message
        return
    got = query(lite(folder), "SELECT v FROM t ORDER BY rowid")["v"]
    assert got.to_pylist() == values
    if any(value is not None for value in values):
        assert got.type != pa.null()
