"""Rows as JSON, CSV, Arrow or parquet, encoded batch by batch while they are sent."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.errors import DeclarationError
from jupyter_etl.services.preview import values_of

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, kw_only=True)
class Format:
    """A format of rows: its media type, the extension of a download and its encoder."""

    media_type: str
    extension: str
    encode: Callable[[pa.Schema, Iterator[pa.RecordBatch]], Iterator[bytes]]


def page(batches: Iterator[pa.RecordBatch], offset: int, limit: int) -> Iterator[pa.RecordBatch]:
    """Yield the rows ``[offset, offset + limit)``."""
    skip, left = offset, limit
    for batch in batches:
        if left <= 0:
            return
        if skip >= batch.num_rows:
            skip -= batch.num_rows
            continue
        piece = batch.slice(skip, left)
        skip = 0
        left -= piece.num_rows
        yield piece


def json_rows(head: dict[str, object], batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield one JSON object: ``head`` followed by ``rows``, an array of arrays.

    Decimals are strings with all their digits, bytes base64, NaN and infinity null.
    """
    encoder = msgspec.json.Encoder()
    yield encoder.encode(head)[:-1] + b',"rows":['
    first = True
    for batch in batches:
        columns = [values_of(column) for column in batch.columns]
        lines = [encoder.encode(row) for row in zip(*columns, strict=True)]
        if lines:
            yield (b"" if first else b",\n") + b",\n".join(lines)
            first = False
    yield b"]}\n"


def csv_rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield CSV with a header line."""
    import pyarrow.csv as pacsv

    return _through(batches, lambda sink: pacsv.CSVWriter(sink, schema))


def arrow_rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield an Arrow IPC stream."""
    import pyarrow as pa

    return _through(batches, lambda sink: pa.ipc.new_stream(sink, schema))


def parquet_rows(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield a parquet file."""
    import pyarrow.parquet as pq

    return _through(batches, lambda sink: pq.ParquetWriter(sink, schema))


def refuse_in_csv(schema: pa.Schema) -> None:
    """Raise `DeclarationError` for a column that CSV cannot represent, before anything is sent."""
    import pyarrow as pa

    for field in schema:
        if pa.types.is_nested(field.type) or pa.types.is_binary(field.type):
            raise DeclarationError(
                f"Column {field.name!r} of type {field.type} does not fit into CSV.",
                hint="Ask for format=json, arrow or parquet, or leave it out by columns=.",
            )


class _Sink(io.RawIOBase):
    """Buffers the output of a writer until it is sent."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        piece = bytes(memoryview(data))  # type: ignore[arg-type]
        self._pieces.append(piece)
        return len(piece)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


def _through(
    batches: Iterator[pa.RecordBatch], open_writer: Callable[[pa.PythonFile], object]
) -> Iterator[bytes]:
    import pyarrow as pa

    sink = _Sink()
    writer = open_writer(pa.PythonFile(sink, mode="w"))
    for batch in batches:
        writer.write_batch(batch)  # type: ignore[attr-defined]
        yield sink.taken()
    writer.close()  # type: ignore[attr-defined]
    yield sink.taken()


FORMATS = {
    "csv": Format(media_type="text/csv; charset=utf-8", extension="csv", encode=csv_rows),
    "arrow": Format(
        media_type="application/vnd.apache.arrow.stream", extension="arrows", encode=arrow_rows
    ),
    "parquet": Format(
        media_type="application/vnd.apache.parquet", extension="parquet", encode=parquet_rows
    ),
}
"""All formats except JSON, which includes the version and the total."""
