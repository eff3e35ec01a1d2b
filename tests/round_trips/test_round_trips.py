"""Random typed tables, written by other tools and read by this package: equal, or refused with the column.

``FUZZ=10000`` tries so many examples a pair instead of 40: `make fuzz`.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.files import read, source_of
from fakes.published_table import PublishedTable
from jupyter_etl.errors import EtlError
from round_trips import writers
from round_trips.values import (
    BINARY,
    FLAT,
    NESTED,
    differences,
    same_json,
    same_text,
    same_value,
    tables,
)

Kinds = Mapping[pa.DataType, st.SearchStrategy[object]]

EXAMPLES = int(os.environ.get("FUZZ", "40"))
many = settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))

_FINITE = st.floats(allow_nan=False, allow_infinity=False)
JSON_KINDS: Kinds = {
    **{kind: cells for kind, cells in FLAT.items() if not pa.types.is_floating(kind)},
    **NESTED,
    # JSON cannot represent NaN and infinity.
    pa.float64(): _FINITE,
}


def _without(kinds: Kinds, *left_out: Callable[[pa.DataType], bool]) -> Kinds:
    return {kind: cells for kind, cells in kinds.items() if not any(is_(kind) for is_ in left_out)}


_EXCEL_DATES = st.dates(date(1901, 1, 1), date(2100, 1, 1))
_EXCEL_MOMENTS = st.datetimes(datetime(1901, 1, 1), datetime(2100, 1, 1)).map(  # noqa: DTZ001
    lambda at: at.replace(microsecond=0)
)
_EXCEL_TEXTS = st.one_of(
    # A cell that begins with '=' is a formula, and XML has no control characters.
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
    st.sampled_from(["", " ", "NA", "007", "0x1F", "1e5", "1.50", "true", "2026-01-01", "10:00"]),
).filter(lambda text: not text.startswith("=") and not re.search("[\ufffe\uffff]|_x", text))
EXCEL_KINDS: Kinds = {
    pa.bool_(): st.booleans(),
    pa.int32(): FLAT[pa.int32()],
    # XlsxWriter, which pandas and polars use, writes numbers with 16 digits. Sheets have no -0.
    pa.int64(): st.integers(-(10**15), 10**15),
    pa.float64(): _FINITE.map(lambda value: float(f"{value:.15g}") + 0.0),
    pa.string(): _EXCEL_TEXTS,
    pa.date32(): _EXCEL_DATES,
    pa.timestamp("us"): _EXCEL_MOMENTS,
}

WRITTEN: Mapping[str, Mapping[str, Kinds]] = {
    "csv": dict.fromkeys(writers.CSV, FLAT) | {"pyarrow": _without(FLAT, pa.types.is_time)},
    "json": {
        # pandas rounds fractions to ten digits, and writes integers through doubles in lists.
        "pandas": _without(
            JSON_KINDS, pa.types.is_floating, pa.types.is_decimal, pa.types.is_nested
        ),
        "polars": JSON_KINDS,
        "duckdb": JSON_KINDS,
    },
    "excel": {"pandas": EXCEL_KINDS, "polars": EXCEL_KINDS},
    "parquet": {
        "pandas": {**FLAT, **NESTED, **BINARY},
        "polars": {**FLAT, **NESTED, **BINARY},
        "duckdb": {**FLAT, **NESTED, **BINARY},
        "pyarrow": {**FLAT, **NESTED, **BINARY},
    },
}
"""By format and writer, the types that the writer writes without changing a value."""


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


def _try(
    table: pa.Table,
    write: writers.Writer,
    kind: str,
    same: Callable[[object, object, pa.DataType], bool],
    *,
    with_index: bool = False,
) -> None:
    ending = {"excel": "xlsx"}.get(kind, kind)
    with _folder() as folder:
        path = folder / f"a.{ending}"
        write(table, path)
        try:
            got = read(source_of(path, kind))
        except EtlError as problem:
            _assert_named(problem, table)
            return
    if with_index:
        assert got.column(0).to_pylist() == list(range(table.num_rows))
        got = got.remove_column(0)
    assert differences(table, got, same) == []


def _assert_named(problem: EtlError, table: pa.Table) -> None:
    assert any(name in problem.message for name in table.column_names), problem
    assert problem.hint


@pytest.mark.parametrize("writer", writers.CSV)
def test_csv(writer: str) -> None:
    @many
    @given(table=tables(WRITTEN["csv"][writer]))
    def check(table: pa.Table) -> None:
        _try(table, writers.CSV[writer], "csv", same_text, with_index="index" in writer)

    check()


@pytest.mark.parametrize("writer", writers.JSON)
def test_json(writer: str) -> None:
    tool, _, lines = writer.partition(" ")

    @many
    # A list without records has no names.
    @given(table=tables(WRITTEN["json"][tool], least_rows=1))
    def check(table: pa.Table) -> None:
        _try(table, writers.JSON[writer], "jsonl" if lines else "json", same_json)

    check()


@pytest.mark.parametrize("writer", writers.EXCEL)
def test_excel(writer: str) -> None:
    @many
    @given(table=tables(WRITTEN["excel"][writer]))
    def check(table: pa.Table) -> None:
        # Blanks around the name of a column are not part of it; a row without a cell is no row.
        written = table.rename_columns([name.strip() for name in table.column_names])
        numbered = written.add_column(0, "row number", pa.array(range(table.num_rows), pa.int64()))
        _try(numbered, writers.EXCEL[writer], "excel", same_text)

    check()


@pytest.mark.parametrize("writer", writers.PARQUET)
def test_parquet(writer: str) -> None:
    @many
    @given(table=tables(WRITTEN["parquet"][writer]))
    def check(table: pa.Table) -> None:
        _try(table, writers.PARQUET[writer], "parquet", same_value)

    check()


FRAMES: Mapping[str, Callable[[pa.Table], object]] = {
    "pandas": writers.frame_of,
    "polars": writers.polars_of,
    "duckdb": lambda table: writers.duckdb_base().from_arrow(table),
    "pyarrow": lambda table: table,
}


@pytest.mark.parametrize("tool", FRAMES)
def test_published_frames(tool: str) -> None:
    @many
    @given(table=tables({**FLAT, **NESTED, **BINARY}))
    def check(table: pa.Table) -> None:
        with _folder() as folder:
            place = PublishedTable(folder)
            try:
                got = place.reading(place.publish(FRAMES[tool](table)))
            except EtlError as problem:
                _assert_named(problem, table)
                return
        assert differences(table, got, same_value) == []

    check()
