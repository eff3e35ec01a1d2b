"""CSV files as blocks of whole rows, parsed to strings by pyarrow."""

from __future__ import annotations

import codecs
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, TypeVar

from jupyter_etl.sources.csv.dialect import BLANK_LINE, are_quotes_regular, quote_places
from jupyter_etl.sources.csv.encoding import likely_encoding
from jupyter_etl.sources.csv.streams import read_into

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pa_csv

BLOCK_BYTES = 8 << 20
_MOST_BLOCKS = 8
"""Number of blocks without a row end after which a file is not split by counting its quotes."""
_SHOWN = 80
_END_OF_FILE = b"\x1a"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The parameters for parsing a block.

    Args:
        delimiter, quote, escape: See `CsvFormat`; all of them are known here.
        names: Names of all columns.
        wanted: Columns to return; all required columns are in ``names``.
        null: Strings that mean a missing value in every column.
    """

    delimiter: str
    quote: str
    escape: str
    names: tuple[str, ...]
    wanted: tuple[str, ...]
    null: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class BlockFault:
    """Why a block could not be parsed.

    Args:
        what: ``quotes``, ``cells`` or ``encoding``.
        row: Row in the block, from 1; 0 if unknown.
        text: The row, or the likely encoding.
        cells: Number of cells of the row.
    """

    what: str
    row: int = 0
    text: str = ""
    cells: int = 0


@dataclass(frozen=True, kw_only=True)
class Block:
    """Whole rows of a file.

    Args:
        data: UTF-8, without the header.
        quotes: Positions of the quotes in it.
        memory: The buffer that contains the data.
        spare: Free buffers; `parse_block` returns this one to them.
    """

    data: memoryview
    quotes: np.ndarray
    memory: bytearray
    spare: deque[bytearray]


def split_blocks(stream: BinaryIO, quote: str, size: int) -> Iterator[Block | None]:
    """Split a stream at row ends.

    A line end is a row end if the number of quotes before it is even. That holds for regular
    quotes, which `parse_block` checks; a last block with an odd number fails.

    Args:
        stream: Positioned at the start of a row.
        quote: One ASCII character.

    Returns:
        Whole rows, which are valid until they are parsed; None as the last item if no row end can
        be found.
    """
    spare: deque[bytearray] = deque()
    rest = b""
    while True:
        memory = spare.pop() if spare else bytearray()
        if len(memory) < len(rest) + size:
            memory = bytearray(2 * (len(rest) + size))
        space = memoryview(memory)
        space[: len(rest)] = rest
        read = read_into(stream, space[len(rest) : len(rest) + size])
        data = space[: len(rest) + read]
        places = quote_places(data, quote)
        if not read:
            if rest.strip(_END_OF_FILE):
                yield Block(data=data, quotes=places, memory=memory, spare=spare)
            return
        end, inside = _last_row_end(memory, len(data), places)
        if not end and len(data) >= size * _MOST_BLOCKS:
            yield None
            return
        rest = bytes(data[end:])
        if not end:
            spare.append(memory)
        else:
            yield Block(data=data[:end], quotes=places[:inside], memory=memory, spare=spare)


def parse_block(block: Block | None, layout: Layout) -> pa.RecordBatch | BlockFault:
    """Parse whole rows.

    Args:
        block: From `split_blocks`.

    Returns:
        Columns of type ``string``; empty cells are NULL.
    """
    if block is None:
        return BlockFault(what="quotes")
    try:
        return _parse(block, layout)
    finally:
        block.spare.append(block.memory)


def _parse(block: Block, layout: Layout) -> pa.RecordBatch | BlockFault:
    import numpy as np
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    data = block.data
    if not are_quotes_regular(data, block.quotes, layout.delimiter, layout.quote):
        return BlockFault(what="quotes")
    ascii_only = bool(np.frombuffer(data, np.int8).min(initial=0) >= 0)
    if bytes(data[:3]) == codecs.BOM_UTF8:
        # pyarrow removes one byte order mark, here that of a cell.
        data = memoryview(codecs.BOM_UTF8 + bytes(data))
    invalid: list[pa_csv.InvalidRow] = []
    quoted = bool(len(block.quotes))
    options = arrow_options(
        layout, size=len(data) + 1, quoted=quoted, ascii_only=ascii_only, invalid=invalid
    )
    try:
        table = pa_csv.read_csv(pa.BufferReader(data), *options)
    except pa.ArrowInvalid as problem:
        if "UTF8" not in str(problem):
            raise
        return BlockFault(what="encoding", text=likely_encoding(bytes(block.data)))
    if invalid:
        first = invalid[0]
        return BlockFault(
            what="cells",
            row=first.number or 0,
            text=first.text[:_SHOWN],
            cells=first.actual_columns,
        )
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], schema=table.schema)


def stream_batches(stream: BinaryIO, layout: Layout, size: int) -> Iterator[pa.RecordBatch]:
    """Parse a file sequentially, with pyarrow's own splitting; correct for irregular quotes too.

    Args:
        stream: UTF-8, positioned after the header.
    """
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    try:
        reader = pa_csv.open_csv(stream, *arrow_options(layout, size=size, quoted=True))
    except pa.ArrowInvalid as problem:
        if "Empty CSV" in str(problem):
            return
        raise
    with reader:
        yield from reader


def arrow_options(
    layout: Layout,
    *,
    size: int,
    quoted: bool,
    ascii_only: bool = False,
    invalid: list[pa_csv.InvalidRow] | None = None,
) -> tuple[pa_csv.ReadOptions, pa_csv.ParseOptions, pa_csv.ConvertOptions]:
    """Translate to pyarrow's options.

    Args:
        size: Bytes to parse at a time.
        quoted: Whether there is a quote.
        ascii_only: Whether all characters are ASCII, so that UTF-8 need not be validated.
        invalid: Receives rows whose number of cells differs from the header; blank lines are
            not rows.
    """
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    def keep(row: pa_csv.InvalidRow) -> str:
        if not row.text.strip(BLANK_LINE):
            return "skip"
        if invalid is None:
            return "error"
        invalid.append(row)
        return "skip"

    return (
        pa_csv.ReadOptions(column_names=list(layout.names), block_size=size, use_threads=False),
        pa_csv.ParseOptions(
            delimiter=layout.delimiter,
            quote_char=layout.quote,
            escape_char=layout.escape or False,
            newlines_in_values=quoted,
            # In a file with one column, an empty line is a row with a missing value.
            ignore_empty_lines=len(layout.names) > 1,
            invalid_row_handler=keep,
        ),
        pa_csv.ConvertOptions(
            include_columns=list(layout.wanted),
            column_types=dict.fromkeys(layout.wanted, pa.string()),
            null_values=["", *layout.null],
            strings_can_be_null=True,
            check_utf8=not ascii_only,
        ),
    )


def in_order(
    pool: Executor, items: Iterable[Item], work: Callable[[Item], Result], *, ahead: int
) -> Iterator[Result]:
    """Process items in several threads; results are in the order of the items.

    Args:
        pool: Runs the work.
        items: Consumed lazily.
        work: Called with one item.
        ahead: Number of items that may be in progress while a result is used.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _last_row_end(data: bytearray, size: int, quotes: np.ndarray) -> tuple[int, int]:
    """Return the end of the last whole row and the number of quotes before it; 0 if none."""
    place = size
    while (newline := data.rfind(b"\n", 0, place)) >= 0:
        before = int(quotes.searchsorted(newline))
        if before % 2 == 0:
            return newline + 1, before
        # It is inside quotes, like all line ends back to the opening quote.
        place = int(quotes[before - 1])
    return 0, 0
