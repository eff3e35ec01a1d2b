"""One pass over CSV files that collects evidence for column types, and values within limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from jupyter_etl.sources.csv.blocks import (
    BLOCK_BYTES,
    Block,
    BlockFault,
    in_order,
    parse_block,
    split_blocks,
    stream_batches,
)
from jupyter_etl.sources.csv.columns import Part, TextReader
from jupyter_etl.sources.csv.opening import CsvFile
from jupyter_etl.sources.text.inference import Evidence
from jupyter_etl.sources.text.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

KEEP_BYTES = 1 << 30
"""Maximum total size of tables that stay in memory after their types have been inferred."""

_HEAD_BLOCK_BYTES = 1 << 20
_SAMPLE_ROWS = 1_000

Result = TypeVar("Result")


@dataclass(frozen=True, kw_only=True)
class Scanned:
    """A file that was read for its types.

    Args:
        file: Its format.
        blocks: Number of rows of each block, and a `Part` for each wanted column that the file
            has; None if they were too many to keep.
        rows: Number of rows read.
        size: Bytes of a block.
    """

    file: CsvFile
    blocks: list[tuple[int, dict[str, Part]]] | None
    rows: int
    size: int


class Scan:
    """Reads files one after another and collects the evidence for their types.

    Args:
        reader: Converts strings to values.
        pool: Processes blocks.
        workers: Number of blocks to process at a time.
        limit: Maximum number of rows; None for all.
    """

    def __init__(
        self, *, reader: TextReader, pool: Executor, workers: int, limit: int | None
    ) -> None:
        self.reader = reader
        self.pool = pool
        self.workers = workers
        self.limit = limit
        self.scanned: list[Scanned] = []
        self.evidence: dict[str, Evidence] = {}
        self.samples: dict[str, list[str]] = {}
        self.complete = True
        self._kept_bytes = 0

    @property
    def rows(self) -> int:
        """Rows read so far."""
        return sum(scanned.rows for scanned in self.scanned)

    def read(self, file: CsvFile, wanted: Sequence[str]) -> None:
        """Read one more file.

        Args:
            file: Its format.
            wanted: Columns to read; the file may lack some.

        Raises:
            SourceError: It is not CSV, or a value does not have its declared type.
        """
        before = dict(self.evidence)
        found = self._scan(file, wanted)
        if found is None:
            self.evidence = before
            found = self._scan(file.resolved(), wanted)
        if found is not None:
            self.scanned.append(found)

    def _scan(self, file: CsvFile, wanted: Sequence[str]) -> Scanned | None:
        """Read a file; return None if it cannot be split by counting its quotes."""
        there = set(file.names)
        names = [name for name in wanted if name in there]
        known: dict[str, frozenset[Kind] | None] = {}
        blocks: list[tuple[int, dict[str, Part]]] | None = []
        rows = kept = 0

        def read(texts: pa.RecordBatch) -> tuple[int, dict[str, Part]]:
            return texts.num_rows, self.reader.read(texts.select(names), known)

        size = BLOCK_BYTES if self.limit is None else _HEAD_BLOCK_BYTES
        every = worked(file, names, read, self.pool, ahead=self.workers, size=size)
        for found in every:
            if isinstance(found, BlockFault):
                if found.what == "quotes":
                    return None
                raise file.refusal(found, rows)
            count, parts = found
            parts = self._checked(file, parts, rows)
            known.update(self._joined(parts))
            rows += count
            kept += sum(part.values.nbytes for part in parts.values())
            if blocks is not None:
                blocks.append((count, parts))
            if self._kept_bytes + kept > KEEP_BYTES:
                blocks = None
            if self.limit is not None and self.rows + rows >= self.limit:
                self.complete = next(every, None) is None
                break
        self._kept_bytes += kept
        return Scanned(file=file, blocks=blocks, rows=rows, size=size)

    def _checked(self, file: CsvFile, parts: dict[str, Part], rows: int) -> dict[str, Part]:
        """Convert columns that failed in their thread again, now with the row for the message."""
        return {
            name: part
            if not part.failed
            else replace(
                part,
                values=self.reader.converted(name, part.values, what=file.what, first_row=rows + 1),
                failed=False,
            )
            for name, part in parts.items()
        }

    def _joined(self, parts: dict[str, Part]) -> dict[str, frozenset[Kind] | None]:
        """Add the evidence of a block; return the remaining kinds."""
        import pyarrow as pa

        known: dict[str, frozenset[Kind] | None] = {}
        for name, part in parts.items():
            if part.evidence is None:
                continue
            before = self.evidence.get(name, Evidence())
            self.evidence[name] = joined = before.joined(part.evidence)
            known[name] = joined.kinds
            if pa.types.is_string(part.values.type) and name not in self.samples:
                head = part.values.slice(0, _SAMPLE_ROWS)
                self.samples[name] = [text for text in head.to_pylist() if text is not None]
        return known


def worked(
    file: CsvFile,
    names: Sequence[str],
    work: Callable[[pa.RecordBatch], Result],
    pool: Executor,
    *,
    ahead: int,
    size: int,
) -> Iterator[Result | BlockFault]:
    """Process the blocks of a file in several threads.

    Args:
        file: Its format.
        names: Columns to parse; the file has all of them.
        work: Called with one block, whose columns are strings.
        pool, ahead: See `in_order`.
        size: Bytes of a block.

    Returns:
        The results of the blocks, in order.
    """
    # Without any column, a batch would have no rows.
    layout = replace(file.layout, wanted=tuple(names) or file.names[:1])

    def parsed(block: Block | None) -> Result | BlockFault:
        found = parse_block(block, layout)
        return found if isinstance(found, BlockFault) else work(found)

    with file.rows() as stream:
        if file.irregular:
            batches = stream_batches(stream, layout, size)
            yield from in_order(pool, batches, work, ahead=ahead)
        else:
            blocks = split_blocks(stream, layout.quote, size)
            yield from in_order(pool, blocks, parsed, ahead=ahead)
