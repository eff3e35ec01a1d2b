"""Rows that are read in several passes without loading all of them into memory."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING

from jupyter_etl.notebook.frames import to_arrow

if TYPE_CHECKING:
    import pyarrow as pa

    from jupyter_etl.services.targets import Target

_KEPT_BYTES = 64 << 20
"""Maximum size of rows to keep in memory for re-reading; larger ones are stored on disk."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Rows that have not been read yet.

    Args:
        first: A reader of the rows.
        again: Opens another reader; None if the rows can be read only once or may change.
    """

    first: pa.RecordBatchReader
    again: Callable[[], pa.RecordBatchReader] | None = None


def rows_of(data: object, *, what: str) -> pa.Table | Stream:
    """Return a frame as a table, or an Arrow reader as a stream; arguments as in `to_arrow`."""
    import pyarrow as pa

    return (
        Stream(first=data) if isinstance(data, pa.RecordBatchReader) else to_arrow(data, what=what)
    )


def is_rereadable(target: Target) -> bool:
    """Return whether a target is re-readable: a file or a version, not a query."""
    # Imported on the first check: file readers would slow down every start.
    from jupyter_etl.sources.files.kinds import FILE_READERS
    from jupyter_etl.sources.http.options import is_http

    source = target.source
    if source is None or source.kind in {"frame", "publication"}:
        return True
    return source.kind in FILE_READERS and not is_http(source.location)


@contextmanager
def rereadable(rows: pa.Table | Stream) -> Iterator[pa.Table | Callable[[], pa.RecordBatchReader]]:
    """Make rows readable as often as a check needs them.

    Returns:
        The table, or a function that opens a reader of all rows; the previous reader must be
        closed.
    """
    if not isinstance(rows, Stream):
        yield rows
    elif rows.again is not None:
        yield _reopened(rows.first, rows.again).__next__
    else:
        with (
            SpooledTemporaryFile(max_size=_KEPT_BYTES) as file,
            closing(_kept(rows.first, file)) as kept,
        ):
            yield kept.__next__


def _reopened(
    first: pa.RecordBatchReader, again: Callable[[], pa.RecordBatchReader]
) -> Iterator[pa.RecordBatchReader]:
    yield first
    while True:
        yield again()


def _kept(
    first: pa.RecordBatchReader, file: SpooledTemporaryFile[bytes]
) -> Generator[pa.RecordBatchReader, None, None]:
    """Write the rows of the first pass to a file, for later passes."""
    import pyarrow as pa

    options = pa.ipc.IpcWriteOptions(compression="lz4", emit_dictionary_deltas=True)
    with pa.ipc.new_stream(file, first.schema, options=options) as writer:

        def batches() -> Iterator[pa.RecordBatch]:
            for batch in first:
                writer.write_batch(batch)
                yield batch

        yield pa.RecordBatchReader.from_batches(first.schema, batches())
    while True:
        file.seek(0)
        yield pa.ipc.open_stream(file)
