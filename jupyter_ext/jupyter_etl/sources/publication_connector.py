"""Publications as sources."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source, TableInfo
from jupyter_etl.ports import Access, Reading, ReadRequest
from jupyter_etl.sources.options import refuse_options
from jupyter_etl.sources.readings import choose, columns_of, reader_of, take

if TYPE_CHECKING:
    import pyarrow as pa


class PublicationConnector:
    """Reads the live version of a publication, which the platform pins for each run."""

    kinds: tuple[str, ...] = ("publication",)

    def check(self, source: Source) -> None:
        """Reject all options, because the kind has none; raises `DeclarationError`."""
        refuse_options(source, ())

    def tables(self, source: Source, access: Access) -> list[TableInfo]:
        """List the table of the publication.

        Raises:
            NotFound: There is no such publication, or it has only drafts.
        """
        opened = access.publication(source.location)
        with opened.batches as batches:
            return [TableInfo(name="", columns=columns_of(batches.schema), rows=opened.total_rows)]

    def read(self, source: Source, request: ReadRequest, access: Access) -> Reading:
        """Start reading the live version.

        Raises:
            NotFound: There is no such publication, or it has only drafts.
            SourceError: It lacks a column.
            DeclarationError: SQL is not supported.
        """
        if request.query is not None:
            raise DeclarationError(
                f"Source '{source.name}' is a publication, which does not support SQL directly.",
                hint=f"Use '%%etl sql local' and select from \"{source.location}\".",
            )
        if request.table:
            raise SourceError(
                f"Source '{source.name}' is one table; it has no '{request.table}'.",
                retryable=False,
            )
        opened = access.publication(source.location)
        whole: pa.Schema = opened.batches.schema
        wanted = choose(f"publication '{source.location}'", whole.names, request.columns)

        def batches() -> Iterator[pa.RecordBatch]:
            with opened.batches as stream:
                for batch in take(stream, request.limit):
                    yield batch.select(wanted)

        schema = whole.empty_table().select(wanted).schema
        return Reading(
            batches=reader_of(schema, batches()),
            version=opened.version,
            total_rows=opened.total_rows,
        )
