"""Rows for DuckDB: in memory, or as a stream that each pass opens anew."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

from jupyter_etl.checks.missing import nan_as_null
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
