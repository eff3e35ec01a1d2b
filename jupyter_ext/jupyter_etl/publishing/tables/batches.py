"""Batches of appended rows: file names identify them, so that no batch is added twice."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Batch, Partition, Staged

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
