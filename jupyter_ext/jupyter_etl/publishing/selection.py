"""Selection of columns and rows when a version is read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationVersion
from jupyter_etl.ports import ReadRequest

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as pads

_BATCH_ROWS = 128 * 1024
_READ_AHEAD = 4
"""Number of batches to prefetch; a quarter of pyarrow's default, to save memory."""


def wanted_columns(
    version: PublicationVersion, request: ReadRequest, known: Sequence[str]
) -> list[str]:
    """Return the columns to read, in order.

    Raises:
        PublishError: There is no such column, or a query is requested.
    """
    if request.query is not None:
        raise PublishError(
            f"{version.name!r} can only be read as a whole, not with a query.",
            hint="Use %%etl sql local, where publications are tables.",
        )
    if request.columns is None:
        return list(known)
    absent = [name for name in request.columns if name not in known]
    if absent:
        raise PublishError(
            f"Version {version.number} of {version.name!r} has no column {absent[0]!r}.",
            hint=f"The columns are: {', '.join(known)}.",
            data={"column": absent[0], "columns": list(known)},
        )
    return list(request.columns)


def limited(rows: pads.Dataset, columns: list[str], limit: int | None) -> pa.RecordBatchReader:
    """Read a dataset batch by batch, up to ``limit`` rows."""
    import pyarrow as pa

    if limit is None:
        return rows.scanner(
            columns=columns,
            batch_size=_BATCH_ROWS,
            batch_readahead=_READ_AHEAD,
            fragment_readahead=1,
        ).to_reader()
    scanner = rows.scanner(
        columns=columns,
        batch_size=max(1, min(_BATCH_ROWS, limit)),
        # A preview of 20 rows must not prefetch all files.
        batch_readahead=1,
        fragment_readahead=1,
    )
    schema = scanner.projected_schema
    return pa.RecordBatchReader.from_batches(schema, first_rows(scanner.to_batches(), limit))


def first_rows(batches: Iterator[pa.RecordBatch], limit: int) -> Iterator[pa.RecordBatch]:
    """Yield batches until ``limit`` rows have been read."""
    left = limit
    if left <= 0:
        return
    for batch in batches:
        yield batch.slice(0, left)
        left -= batch.num_rows
        if left <= 0:
            return
