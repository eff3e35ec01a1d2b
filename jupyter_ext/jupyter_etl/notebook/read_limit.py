"""The memory limit of interactive reads, and versions of publications read within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from jupyter_etl.errors import LimitExceeded
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Read, Source, SourceKind
from jupyter_etl.ports import Access, Channel, Reading, ReadRequest
from jupyter_etl.runner.limits import machine_memory_bytes
from jupyter_etl.services.reading import choose_version, instant_given, open_version

if TYPE_CHECKING:
    import pyarrow as pa


LEAST_BYTES = 2_000_000_000
"""Minimum of the default limit, however little memory is available."""

SMALLER = (
    "Load less: --limit N, --columns A,B, a sample (%etl sample NAME 1%), or from a database a "
    "query that aggregates (%%etl sql)."
)
ALL = "To read all of it: --anyway (in Python anyway=True), or a higher JUPYTER_ETL_QUERY_LIMIT."
SETTING = "To read all of it, set a higher JUPYTER_ETL_QUERY_LIMIT."


def default_read_bytes() -> int:
    """Return half of the available memory, at least `LEAST_BYTES`."""
    # Slow to import.
    import psutil

    available = min(psutil.virtual_memory().available, machine_memory_bytes())
    return max(LEAST_BYTES, available // 2)


@dataclass(kw_only=True)
class ReadLimit:
    """Counts the bytes of one read as they arrive, and stops it above a limit.

    Args:
        what: Subject of the messages: ``'orders'``, with its quotes.
        most_bytes: The limit, in bytes of Arrow data; 0 for none.
        hint: How to read less, or all.
    """

    what: str
    most_bytes: int
    hint: str = f"{SMALLER} {ALL}"
    _rows: int = field(default=0, init=False)
    _bytes: int = field(default=0, init=False)

    def expect(self, source: Source, request: ReadRequest, access: Access) -> None:
        """Query a database for the size of a table or result before it is read.

        Args:
            source: A source of any kind; only PostgreSQL is queried.
            request: What will be read.
            access: Provides its password.

        Raises:
            LimitExceeded: It is expected to be larger than the limit.
        """
        from jupyter_etl.sources.sql.cost import estimate_query

        if not self.most_bytes or source.kind != SourceKind.SQL:
            return
        estimate = estimate_query(source, request, access)
        if estimate is not None and estimate.bytes > self.most_bytes:
            raise self._exceeded(
                f"{self.what} is expected to have {estimate.rows:,} rows of "
                f"{estimate.width_bytes} bytes, {rounded_size(estimate.bytes)} in all",
                rows=estimate.rows,
                size_bytes=estimate.bytes,
            )

    def applied(self, reading: Reading, request: ReadRequest) -> Reading:
        """Return a reading that fails once more than the limit has arrived.

        Args:
            reading: Newly opened; it is closed when it fails.
            request: The request that opened it.

        Raises:
            LimitExceeded: The row count and column types alone show that it is too large.
                Later, the reader raises the error.
        """
        if not self.most_bytes:
            return reading
        try:
            self._check_known(reading, request)
        except LimitExceeded:
            reading.batches.close()
            raise
        return replace(reading, batches=self._counted(reading.batches))

    def collect(self, batches: pa.RecordBatchReader) -> pa.Table:
        """Read all rows; raises `LimitExceeded`."""
        return (self._counted(batches) if self.most_bytes else batches).read_all()

    def add(self, batch: pa.RecordBatch) -> None:
        """Count a batch that stays in memory; raises `LimitExceeded`."""
        self._rows += batch.num_rows
        self._bytes += batch.nbytes
        self.check(self._bytes, self._rows)

    def check(self, size_bytes: int, rows: int) -> None:
        """Compare the data in memory with the limit; raises `LimitExceeded`."""
        if self.most_bytes and size_bytes > self.most_bytes:
            raise self._exceeded(
                f"{self.what}: reading was stopped at {rounded_size(size_bytes)} in {rows:,} rows",
                rows=rows,
                size_bytes=size_bytes,
            )

    def _exceeded(self, clause: str, *, rows: int, size_bytes: int) -> LimitExceeded:
        return LimitExceeded(
            f"{clause}; an interactive read may take {rounded_size(self.most_bytes)} of memory.",
            hint=self.hint,
            data={"rows": rows, "bytes": size_bytes, "limit": self.most_bytes},
        )

    def _check_known(self, reading: Reading, request: ReadRequest) -> None:
        rows = reading.total_rows
        if rows is None or request.since is not None:
            return
        rows = rows if request.limit is None else min(rows, request.limit)
        size = rows * sum(_least_bits(one.type) for one in reading.batches.schema) // 8
        if size > self.most_bytes:
            raise self._exceeded(
                f"{self.what} was not read: its {rows:,} rows take at least {rounded_size(size)}",
                rows=rows,
                size_bytes=size,
            )

    def _counted(self, batches: pa.RecordBatchReader) -> pa.RecordBatchReader:
        import pyarrow as pa

        def counted() -> Iterator[pa.RecordBatch]:
            with batches:
                for batch in batches:
                    self.add(batch)
                    yield batch

        return pa.RecordBatchReader.from_batches(batches.schema, counted())


def _least_bits(kind: pa.DataType) -> int:
    """Return the bits of every value of a type; 0 if its values differ in size."""
    try:
        return int(kind.bit_width)
    except ValueError:
        return 0


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
