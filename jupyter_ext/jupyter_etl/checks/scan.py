"""Rows for DuckDB, in memory or as a new stream for each pass; NaN counts as missing, as NULL does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from jupyter_etl.checks.rules_sql import DATA
from jupyter_etl.language.sql.exact_names import inner_columns

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


Rows: TypeAlias = "pa.Table | Callable[[], pa.RecordBatchReader]"
"""The input of a check runner."""


@contextmanager
def sandbox(*, streams: bool, timezone: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an in-memory database that can access registered tables only: no files, no network.

    Args:
        streams: Whether it reads streams. They may use a driver or ledger that belongs to the
            current thread, so DuckDB must not read them in another one.
        timezone: IANA name of the time zone for days.
    """
    import duckdb

    config: dict[str, str | bool | int | float | list[str]] = {
        "python_enable_replacements": False,
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        # A stream has no known size, so the optimizer would use it as the build side of a join,
        # which is held in memory; the joined keys must be that side.
        "disabled_optimizers": "build_side_probe_side,join_order",
    }
    if streams:
        config["threads"] = 1
    with duckdb.connect(":memory:", config=config) as connection:
        connection.execute(f"SET TimeZone = '{timezone}'")
        yield connection


@contextmanager
def opened(rows: Rows) -> Iterator[pa.Table | pa.RecordBatchReader]:
    """Provide rows for one pass, with NaN as NULL, and close a stream afterwards."""
    if not callable(rows):
        yield nan_as_null(rows)
        return
    with rows() as stream:
        yield nan_as_null(stream)


@contextmanager
def scanned(
    connection: duckdb.DuckDBPyConnection, rows: pa.Table | pa.RecordBatchReader
) -> Iterator[None]:
    """Register rows as table `DATA`; exceptions of their source are raised unchanged.

    Args:
        rows: A table, or a stream for one query.
    """
    import duckdb
    import pyarrow as pa

    failures: list[Exception] = []
    inner = inner_columns(rows.schema.names)
    names = [inner.get(name, name) for name in rows.schema.names]
    stream = (
        rows.rename_columns(names) if isinstance(rows, pa.Table) else _noting(rows, failures, names)
    )
    connection.register(DATA, stream)
    try:
        yield
    except duckdb.Error:
        if failures:
            raise failures[0] from None
        raise
    finally:
        connection.unregister(DATA)


def _noting(
    rows: pa.RecordBatchReader, failures: list[Exception], names: Sequence[str]
) -> pa.RecordBatchReader:
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        try:
            for batch in rows:
                yield batch.rename_columns(names)
        except Exception as problem:
            failures.append(problem)
            raise

    schema = pa.schema([one.with_name(name) for one, name in zip(rows.schema, names, strict=True)])
    return pa.RecordBatchReader.from_batches(schema, batches())


def nan_as_null(rows: pa.Table | pa.RecordBatchReader) -> pa.Table | pa.RecordBatchReader:
    """Replace NaN by NULL in all columns of floats, including those in lists, structs and maps.

    Half floats become floats, because DuckDB has none.

    Args:
        rows: A table, or a stream, which is processed batch by batch.
    """
    import pyarrow as pa

    schema = pa.schema([field.with_type(_type_of(field.type)) for field in rows.schema])
    if isinstance(rows, pa.Table):
        columns = [
            pa.chunked_array([_cleaned(chunk) for chunk in column.chunks], field.type)
            for column, field in zip(rows.columns, schema, strict=True)
        ]
        # A table without columns still has a number of rows.
        return pa.Table.from_arrays(columns, schema=schema) if columns else rows
    if not any(_holds_floats(field.type) for field in rows.schema):
        return rows

    def batches() -> Iterator[pa.RecordBatch]:
        for batch in rows:
            arrays = [_cleaned(column) for column in batch.columns]
            yield pa.RecordBatch.from_arrays(arrays, schema=schema)

    return pa.RecordBatchReader.from_batches(schema, batches())


def _type_of(kind: pa.DataType) -> pa.DataType:
    import pyarrow as pa

    if pa.types.is_dictionary(kind) and pa.types.is_floating(kind.value_type):
        kind = kind.value_type
    return pa.float32() if pa.types.is_float16(kind) else kind


def _holds_floats(kind: pa.DataType) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _holds_floats(kind.value_type)
    if kind.num_fields:
        return any(_holds_floats(kind.field(place).type) for place in range(kind.num_fields))
    return bool(pa.types.is_floating(kind))


def _cleaned(values: pa.Array) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = values.type
    if not _holds_floats(kind):
        return values
    if kind.num_fields:
        if not _has_nan(values):
            return values
        # Arrow has no function for nested values; pandas' NaN is NULL at any depth.
        return pa.array(values.to_pylist(), kind, from_pandas=True)
    values = values.cast(_type_of(kind))
    absent = pc.is_nan(values)
    if not pc.any(absent).as_py():
        return values
    return pc.if_else(absent, pa.scalar(None, values.type), values)


def _has_nan(values: pa.Array) -> bool:
    import pyarrow as pa
    import pyarrow.compute as pc

    if not _holds_floats(values.type):
        return False
    if pa.types.is_struct(values.type):
        return any(_has_nan(part) for part in values.flatten())
    if pa.types.is_map(values.type):
        return _has_nan(values.keys) or _has_nan(values.items)
    if values.type.num_fields:
        return _has_nan(values.flatten())
    return bool(pc.any(pc.is_nan(values)).as_py())
