"""Data files of Delta tables: names that identify batches, add actions and their statistics."""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Batch, Partition, Staged
from jupyter_etl.publishing.lake.layout import is_local, place_linked
from jupyter_etl.publishing.tables.staging import partition_values

if TYPE_CHECKING:
    import pyarrow.parquet as pq
    from deltalake.transaction import AddAction


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NAME = re.compile(r"part-(?:([0-9a-f]{16})(?:\.(-?\d+)\.(-?\d+))?-)?[0-9a-f]{32}\.parquet")


def file_name(batch: Batch | None) -> str:
    """Return a new random name for a data file, so that commits never share files.

    Args:
        batch: The batch of the rows; None for rows that cannot be added a second time.
    """
    mark = "" if batch is None else f"{_mark(batch)}-"
    return f"part-{mark}{secrets.token_hex(16)}.parquet"


def renewed_name(path: str) -> str:
    """Return a new path for the rows of a data file, in the same folder and batch."""
    folder, slash, name = path.rpartition("/")
    mark, _, _ = name.removesuffix(".parquet").rpartition("-")
    kept = f"{mark}-" if _NAME.fullmatch(name) else "part-"
    return f"{folder}{slash}{kept}{secrets.token_hex(16)}.parquet"


def earlier_files(staged: Staged, live: Iterable[str]) -> list[str]:
    """Return the live files whose rows an append contains again.

    Args:
        staged: The append.
        live: Paths of the table's data files in its log.

    Raises:
        PublishError: The interval of an earlier batch overlaps this one's only in part.
    """
    batch = staged.batch
    if batch is None:
        return []
    found = []
    for path in live:
        match = _NAME.fullmatch(unquote(path).rpartition("/")[2])
        if match is None or match[1] != _hash(batch.key):
            continue
        if batch.interval is None or match[2] is None:
            if batch.interval is None and match[2] is None:
                found.append(path)
            continue
        earlier = Partition(start=_instant(match[2]), end=_instant(match[3]))
        if batch.interval.start <= earlier.start and earlier.end <= batch.interval.end:
            found.append(path)
        elif earlier.start < batch.interval.end and batch.interval.start < earlier.end:
            raise _overlapping(staged.name, batch.interval, earlier)
    return found


def _overlapping(name: str, interval: Partition, earlier: Partition) -> PublishError:
    return PublishError(
        f"{name!r} already has the rows of {_words(earlier)}. Appending those of {_words(interval)} "
        "would duplicate some of them.",
        hint="Run the longer interval again, or use --mode upsert with a --key.",
        data={"earlier": _words(earlier), "interval": _words(interval)},
    )


def _words(interval: Partition) -> str:
    ends = (at.astimezone(UTC).replace(tzinfo=None) for at in (interval.start, interval.end))
    return " to ".join(f"{at.isoformat()}Z" for at in ends)


def _mark(batch: Batch) -> str:
    if batch.interval is None:
        return _hash(batch.key)
    return f"{_hash(batch.key)}.{_number(batch.interval.start)}.{_number(batch.interval.end)}"


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:16]


def _number(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _instant(number: str) -> datetime:
    return _EPOCH + int(number) * _MICROSECOND


_LONGEST_BOUND = 32


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Rows on disk in the format of a table.

    Args:
        folder: Folder of the files.
        files: Relative paths.
        partition_by: The columns that are folders.
        batch: The batch of an append.
    """

    folder: Path
    files: tuple[str, ...]
    partition_by: tuple[str, ...]
    batch: Batch | None = None


def place_files(layout: Layout, location: str) -> list[AddAction]:
    """Place data files in a table's folder without committing them, and return their actions.

    Names are random: a file that a killed commit left behind is never taken for another's.
    """
    return [
        place_file(
            layout.folder / file,
            location,
            _renamed(file, layout.batch),
            partition_values(file),
        )
        for file in layout.files
    ]


def place_file(
    source: Path, location: str, path: str, values: Mapping[str, str | None]
) -> AddAction:
    """Place one data file in a table's folder and return its action.

    Args:
        values: Partition values in the form of the log.
    """
    from deltalake.transaction import AddAction

    if is_local(location):
        place_linked(source, Path(location, path))
    else:
        _upload(source, f"{location}/{path}")
    return AddAction(
        path=path,
        size=source.stat().st_size,
        partition_values=dict(values),
        modification_time=time.time_ns() // 1_000_000,
        data_change=True,
        stats=_statistics(source),
    )


def stored_values(file: dict[str, object], by: Sequence[str]) -> dict[str, str | None]:
    """Return the partition of a live data file, with the values from the log."""
    partition = file.get("partition")
    values = partition if isinstance(partition, dict) else {}
    return {name: _value_text(values.get(name)) for name in by}


def _value_text(value: object) -> str | None:
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _renamed(file: str, batch: Batch | None) -> str:
    folder, slash, _ = file.rpartition("/")
    return f"{folder}{slash}{file_name(batch)}"


def _upload(source: Path, location: str) -> None:
    import fsspec

    filesystem, remote = fsspec.core.url_to_fs(location)
    filesystem.put_file(str(source), remote)


def partitions_of(files: Sequence[str]) -> set[tuple[tuple[str, str | None], ...]]:
    """Return the distinct partitions of staged files."""
    return {tuple(sorted(partition_values(file).items())) for file in files}


def _statistics(file: Path) -> str:
    """Return Delta's statistics: row count, and NULL count and bounds per column.

    Bounds are given only for integers, dates and short strings: readers skip files by them, and
    those are the types whose JSON form is exact. (Delta protocol, "Per-file Statistics".)
    """
    import pyarrow.parquet as pq

    metadata = pq.read_metadata(file)
    nulls: dict[str, int] = {}
    low: dict[str, object] = {}
    high: dict[str, object] = {}
    for place in range(metadata.num_columns):
        name = metadata.schema.column(place).path
        if metadata.schema.column(place).max_repetition_level or "." in name:
            continue
        chunks = [
            metadata.row_group(group).column(place).statistics
            for group in range(metadata.num_row_groups)
        ]
        if not chunks or any(s is None or not s.has_null_count for s in chunks):
            continue
        nulls[name] = sum(chunk.null_count for chunk in chunks)
        bounds = _bounds(chunks)
        if bounds is not None:
            low[name], high[name] = bounds
    return json.dumps(
        {"numRecords": metadata.num_rows, "nullCount": nulls, "minValues": low, "maxValues": high}
    )


def _bounds(chunks: list[pq.Statistics]) -> tuple[object, object] | None:
    known = [chunk for chunk in chunks if chunk.has_min_max]
    if not known or any(not c.has_min_max and c.num_values for c in chunks):
        return None
    low, high = min(chunk.min for chunk in known), max(chunk.max for chunk in known)
    if type(low) is int:
        return low, high
    if type(low) is date:
        return low.isoformat(), high.isoformat()
    if isinstance(low, str) and max(len(low), len(high)) <= _LONGEST_BOUND:
        return low, high
    return None
