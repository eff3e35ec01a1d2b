"""Rows that are read in several passes without being in memory all at once."""

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
"""Rows that come only once are kept in memory up to this size, and beyond it on disk."""


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Rows that have not been read yet.

    Args:
        first: Them.
        again: Opens them anew; None where they come only once, or may be others the next time.
    """

    first: pa.RecordBatchReader
    again: Callable[[], pa.RecordBatchReader] | None = None


def rows_of(data: object, *, what: str) -> pa.Table | Stream:
    """Return a frame as a table, and an Arrow reader unread; arguments, errors as `to_arrow`."""
    import pyarrow as pa

    return (
        Stream(first=data) if isinstance(data, pa.RecordBatchReader) else to_arrow(data, what=what)
    )


def comes_again(target: Target) -> bool:
    """Tell whether what a name stands for can be read once more: a file or a version, no query."""
    # Imported when something is checked: the readers of files would slow every start.
    from jupyter_etl.sources.files.kinds import FILE_READERS
    from jupyter_etl.sources.http.options import is_http

    source = target.source
    if source is None or source.kind in {"frame", "publication"}:
        return True
    return source.kind in FILE_READERS and not is_http(source.location)


@contextmanager
def passes(rows: pa.Table | Stream) -> Iterator[pa.Table | Callable[[], pa.RecordBatchReader]]:
    """Make rows readable as often as a check needs them.

    Returns:
        The table; or what opens a reader of all rows, where the one before has been closed.
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
    """Write down what passes, for the passes that follow."""
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
