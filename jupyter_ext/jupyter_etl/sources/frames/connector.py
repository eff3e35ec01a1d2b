"""A frame of the notebook as a source."""

from __future__ import annotations

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.frames.arrow import arrow_of
from jupyter_etl.sources.options import refuse_options
from jupyter_etl.sources.readings import columns_of, reading_of_table


class FrameConnector:
    """Reads a variable that is a pandas or polars frame, an Arrow table, or has an Arrow stream."""

    kinds: tuple[str, ...] = ("frame",)

    def check(self, source: Source) -> None:
        """Reject all options, because the kind has none; raises `DeclarationError`."""
        refuse_options(source, ())

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the table of the frame.

        Raises:
            NotFound: The notebook has no such variable.
            SourceError: It is not a frame.
        """
        table = arrow_of(access.frame(source.location), what=source.location)
        return [TableInfo(name="", columns=columns_of(table.schema), rows=table.num_rows)]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Return the current rows of the frame.

        Raises:
            NotFound: The notebook has no such variable.
            SourceError: It is not a frame, or lacks a column.
            DeclarationError: SQL is not supported.
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
