"""The kinds of frame that a notebook may ask for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.app.frames import to_pandas
from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.polars_frames import to_polars

if TYPE_CHECKING:
    import pyarrow as pa


def as_frame(table: pa.Table, kind: str) -> object:
    """Turn an Arrow table into a frame.

    Args:
        table: All rows.
        kind: ``pandas``, ``arrow`` or ``polars``.

    Raises:
        DeclarationError: There is no such kind.
        MissingDependency: polars is not installed.
    """
    if kind == "arrow":
        return table
    if kind == "pandas":
        return to_pandas(table)
    if kind == "polars":
        return to_polars(table)
    raise DeclarationError(f"as is {kind!r}; it must be one of: pandas, arrow, polars.")
