"""Files as pandas, polars, DuckDB and pyarrow write them by default."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

Writer = Callable[[pa.Table, Path], None]


def frame_of(table: pa.Table) -> pd.DataFrame:
    """Return a pandas frame with nullable types, so that integers stay integers."""
    nullable = {
        kind(): dtype()
        for kind, dtype in (
            (pa.int8, pd.Int8Dtype),
            (pa.int32, pd.Int32Dtype),
            (pa.int64, pd.Int64Dtype),
            (pa.uint64, pd.UInt64Dtype),
            (pa.bool_, pd.BooleanDtype),
        )
    }
    frame: pd.DataFrame = table.to_pandas(types_mapper=nullable.get)
    for place, field in enumerate(table.schema):
        if pa.types.is_nested(field.type):
            # pyarrow converts integers to floats if there are NULLs among them.
            frame.isetitem(place, pd.Series(table.column(place).to_pylist(), dtype=object))
    return frame


def polars_of(table: pa.Table) -> pl.DataFrame:
    """Return the polars frame of a table."""
    return pl.DataFrame(table)


@cache
def duckdb_base() -> duckdb.DuckDBPyConnection:
    """Return one in-memory database, because opening one takes longer than writing a small file."""
    base = duckdb.connect()
    base.execute("SET TimeZone = 'UTC'")
    return base


def _copy(table: pa.Table, path: Path, options: str) -> None:
    duckdb_base().register("written", table)
    duckdb_base().execute(f"COPY written TO '{path}' ({options})")


def _pandas_csv(table: pa.Table, path: Path) -> None:
    frame_of(table).to_csv(path, index=False)


def _pandas_csv_with_index(table: pa.Table, path: Path) -> None:
    frame_of(table).to_csv(path)


def _polars_csv(table: pa.Table, path: Path) -> None:
    polars_of(table).write_csv(path)


def _duckdb_csv(table: pa.Table, path: Path) -> None:
    _copy(table, path, "FORMAT csv, HEADER")


def _arrow_csv(table: pa.Table, path: Path) -> None:
    pyarrow.csv.write_csv(table, path)


def _pandas_json(table: pa.Table, path: Path) -> None:
    frame_of(table).to_json(path, orient="records", date_format="iso", date_unit="us")


def _pandas_jsonl(table: pa.Table, path: Path) -> None:
    frame_of(table).to_json(path, orient="records", lines=True, date_format="iso", date_unit="us")


def _polars_json(table: pa.Table, path: Path) -> None:
    polars_of(table).write_json(path)


def _polars_jsonl(table: pa.Table, path: Path) -> None:
    polars_of(table).write_ndjson(path)


def _duckdb_json(table: pa.Table, path: Path) -> None:
    _copy(table, path, "FORMAT json, ARRAY true")


def _duckdb_jsonl(table: pa.Table, path: Path) -> None:
    _copy(table, path, "FORMAT json")


def _pandas_excel(table: pa.Table, path: Path) -> None:
    frame_of(table).to_excel(path, index=False)


def _polars_excel(table: pa.Table, path: Path) -> None:
    polars_of(table).write_excel(path)


def _pandas_parquet(table: pa.Table, path: Path) -> None:
    frame_of(table).to_parquet(path)


def _polars_parquet(table: pa.Table, path: Path) -> None:
    polars_of(table).write_parquet(path)


def _duckdb_parquet(table: pa.Table, path: Path) -> None:
    _copy(table, path, "FORMAT parquet")


def _arrow_parquet(table: pa.Table, path: Path) -> None:
    pyarrow.parquet.write_table(table, path)


CSV: dict[str, Writer] = {
    "pandas": _pandas_csv,
    "pandas with index": _pandas_csv_with_index,
    "polars": _polars_csv,
    "duckdb": _duckdb_csv,
    "pyarrow": _arrow_csv,
}
JSON: dict[str, Writer] = {
    "pandas": _pandas_json,
    "pandas lines": _pandas_jsonl,
    "polars": _polars_json,
    "polars lines": _polars_jsonl,
    "duckdb": _duckdb_json,
    "duckdb lines": _duckdb_jsonl,
}
EXCEL: dict[str, Writer] = {"pandas": _pandas_excel, "polars": _polars_excel}
PARQUET: dict[str, Writer] = {
    "pandas": _pandas_parquet,
    "polars": _polars_parquet,
    "duckdb": _duckdb_parquet,
    "pyarrow": _arrow_parquet,
}
