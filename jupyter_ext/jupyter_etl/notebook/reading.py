"""Reading of publication versions from a notebook or any other process."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.model import Read
from jupyter_etl.notebook.read_limit import ReadLimit
from jupyter_etl.ports import Channel, ReadRequest
from jupyter_etl.services.reading import choose_version, instant_given, open_version

if TYPE_CHECKING:
    import pyarrow as pa


def read_version(
    line: Channel,
    name: str,
    request: ReadRequest,
    *,
    number: int | None,
    as_of: datetime | str | None,
    draft: bool,
    most: ReadLimit,
) -> pa.Table:
    """Read a version, and report the read.

    Args:
        line: Looks up the publication, and receives the report.
        number: Version number; None for the live one.
        as_of: The version that was live at this time.
        draft: Whether to read the newest draft instead.
        most: The limit of the read.

    Raises:
        DeclarationError: ``as_of`` is not a valid time, or is combined with ``number``.
        NotFound: There is no such publication or version.
        PublishError: It has no rows to read, or its files are missing.
        LimitExceeded: It is too large.
    """
    at = None if as_of is None else instant_given(as_of, line.context.timezone)
    found = choose_version(line, name, number=number, as_of=at, draft=draft)
    reading = most.applied(open_version(found, request), request)
    table: pa.Table = reading.batches.read_all()
    line.report_read(
        Read(
            source=name,
            version=str(found.number),
            rows=table.num_rows,
            bytes=table.nbytes,
            seconds=reading.seconds,
        )
    )
    return table
