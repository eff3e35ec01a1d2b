"""Conversion of any frame to Arrow, shared by queries, checks, tables and sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.errors import EtlError, SourceError
from jupyter_etl.sources.duckdb_types import is_relation, table_of_relation
from jupyter_etl.sources.frames.plain_arrow import plain_table
from jupyter_etl.sources.frames.polars_frames import is_polars, table_of_polars

if TYPE_CHECKING:
    import pyarrow as pa


def arrow_of(data: object, *, what: str, error: type[EtlError] = SourceError) -> pa.Table:
    """Convert a frame to an Arrow table.

    Args:
        data: A pandas or polars frame or series, an Arrow table, reader or record batch, a
            DuckDB relation, a dictionary of columns, or any object with an Arrow C stream. Named
            levels of a pandas index become the first columns; unnamed ones are dropped.
        error: Class of the errors.

    Returns:
        All rows. An Arrow table of plain types is returned unchanged.

    Raises:
        EtlError: Of class ``error``: it is not a frame, or no Arrow type holds the values of a
            column exactly.

    Source:
        Arrow PyCapsule interface, https://arrow.apache.org/docs/format/CDataInterface
    """
    import pyarrow as pa

    if isinstance(data, pa.Table):
        return plain_table(data, what, error)
    if is_polars(data):
        return table_of_polars(what, data, error=error)
    if type(data).__module__.partition(".")[0] == "pandas":
        import pandas as pd

        from jupyter_etl.sources.frames.pandas_columns import table_of_pandas

        if isinstance(data, pd.DataFrame | pd.Series):
            return table_of_pandas(what, data, error)
    if is_relation(data):
        return plain_table(table_of_relation(what, data, error), what, error)
    try:
        if isinstance(data, dict):
            from jupyter_etl.sources.frames.pandas_columns import table_of_columns

            return plain_table(table_of_columns(what, data, error), what, error)
        return plain_table(pa.table(data), what, error)
    except pa.ArrowException as problem:
        raise error(
            f"{what!r} cannot be turned into a table: {problem}",
            hint="Convert the column to one type, for example with frame[column].astype(str).",
            retryable=False,
        ) from problem
    except (TypeError, ValueError) as problem:
        named = "None" if data is None else f"a {type(data).__name__}"
        raise error(
            f"{what!r} is {named}, not a frame.",
            hint="A pandas, polars or Arrow table is needed."
            if data is not None
            else "Run the cell that defines it, and check that it assigns a value.",
            retryable=False,
        ) from problem
