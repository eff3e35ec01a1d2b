"""A frame of the notebook as a source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.duck_types import is_relation, table_of_relation
from jupyter_etl.sources.polars_frames import is_polars, table_of_polars
from jupyter_etl.sources.readings import columns_of, reading_of_table

if TYPE_CHECKING:
    import pyarrow as pa


class FrameConnector:
    """Reads a variable that is a pandas or polars frame, an Arrow table, or offers an Arrow stream."""

    kinds: tuple[str, ...] = ("frame",)

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the one table that the frame is.

        Raises:
            NotFound: The notebook has no such variable.
            SourceError: It is no frame.
        """
        table = arrow_table(source.location, access.frame(source.location))
        return [TableInfo(name="", columns=columns_of(table.schema), rows=table.num_rows)]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Hand out the rows the frame has now.

        Raises:
            NotFound: The notebook has no such variable.
            SourceError: It is no frame, or a column is not in it.
            DeclarationError: SQL.
        """
        if request.query is not None:
            raise DeclarationError(
                f"Source '{source.name}' is a frame, which answers no SQL itself.",
                hint=f"Use '%%etl sql local' and select from {source.location}.",
            )
        if request.table:
            raise SourceError(
                f"Source '{source.name}' is one table; it has no '{request.table}'.",
                retryable=False,
            )
        table = arrow_table(source.location, access.frame(source.location))
        return reading_of_table(
            table,
            what=f"frame '{source.location}'",
            columns=request.columns,
            limit=request.limit,
        )


def arrow_table(name: str, frame: object) -> pa.Table:
    """Make an Arrow table of a frame; an index that was given a meaning becomes columns.

    Args:
        name: Of the variable, for messages.
        frame: A pandas or polars frame, an Arrow table or batch, any object with an Arrow stream.

    Raises:
        SourceError: It is none of these, or a column mixes types that Arrow does not.
    """
    import pandas as pd
    import pyarrow as pa

    try:
        if isinstance(frame, pd.DataFrame):
            plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
            made = pa.Table.from_pandas(frame, preserve_index=not plain)
            return made.replace_schema_metadata(None)
        if isinstance(frame, pa.Table):
            return frame
        if is_polars(frame):
            return table_of_polars(name, frame)
        if is_relation(frame):
            return table_of_relation(name, frame)
        return pa.table(frame)
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, TypeError) as problem:
        of_frame = isinstance(frame, pd.DataFrame)
        raise SourceError(
            f"'{name}' cannot be read as a table: {problem}"
            if of_frame
            else f"'{name}' is a {type(frame).__name__}, no pandas frame and no Arrow table.",
            hint="Give the column one type: frame['x'].astype('string'), for example."
            if of_frame
            else "",
            retryable=False,
        ) from problem
