"""A frame of the notebook as a source."""

from __future__ import annotations

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.options import refuse_options
from jupyter_etl.sources.readings import columns_of, reading_of_table


class FrameConnector:
    """Reads a variable that is a pandas or polars frame, an Arrow table, or offers an Arrow stream."""

    kinds: tuple[str, ...] = ("frame",)

    def check(self, source: Source) -> None:
        """Refuse options, which the kind does not have; raises `DeclarationError`."""
        refuse_options(source, ())

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the one table that the frame is.

        Raises:
            NotFound: The notebook has no such variable.
            SourceError: It is no frame.
        """
        table = arrow_of(access.frame(source.location), what=source.location)
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
                f"Source '{source.name}' is a frame, which does not support SQL directly.",
                hint=f"Use '%%etl sql local' and select from {source.location}.",
            )
        if request.table:
            raise SourceError(
                f"Source '{source.name}' is one table; it has no '{request.table}'.",
                retryable=False,
            )
        table = arrow_of(access.frame(source.location), what=source.location)
        return reading_of_table(
            table,
            what=f"frame '{source.location}'",
            columns=request.columns,
            limit=request.limit,
        )
