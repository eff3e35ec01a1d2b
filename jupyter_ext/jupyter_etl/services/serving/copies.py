"""Serving copies of the versions of this ledger: the lake is read and checked in a child process."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from jupyter_etl.errors import LimitExceeded
from jupyter_etl.model import PublicationVersion
from jupyter_etl.ports import ReadRequest
from jupyter_etl.runner.limited_calls import CallLimits, LimitedCalls
from jupyter_etl.services.reading import open_version
from jupyter_etl.serving.queries.copies import Copies, CopyOf, write_copy
from jupyter_etl.serving.queries.pages import CopyRef

if TYPE_CHECKING:
    import pyarrow as pa

_LIMITS = CallLimits(memory_bytes=2_000_000_000, seconds=900.0)
_PRELOAD = (
    __name__, "jupyter_etl.publishing.tables.publisher", "jupyter_etl.publishing.files.publisher",
    "pyarrow.dataset", "pyarrow.parquet", "duckdb", "deltalake",
)  # fmt: skip


class ServingCopies:
    """Builds the copies of versions on demand; thread-safe, and shared with other processes.

    Args:
        folder: Only for copies, on a local disk.
        limits: Limits of the process that builds one.
    """

    def __init__(self, folder: Path, limits: CallLimits | None = None) -> None:
        self.folder = folder
        self._copies = Copies(folder)
        self._limits = limits or _LIMITS
        self._calls = LimitedCalls(_PRELOAD, self._limits)

    def prepare(self) -> None:
        """Prepare for the first copy without blocking; raises `ExecutionError`."""
        self._calls.prepare()

    def ensure(self, version: PublicationVersion, keys: Sequence[str] = ()) -> CopyRef:
        """Return the copy of a version with indexes on columns; blocks while it is built.

        Args:
            keys: Columns of the version.

        Raises:
            EtlError: The version cannot be read, or a limit is exceeded.
        """
        build = partial(self._build, version)
        path = self._copies.ensure(copy_of(version), keys, build)
        return CopyRef(version.number, path.name)

    def drop_unused(self, live: Iterable[PublicationVersion]) -> list[str]:
        """Delete copies of other versions that no call has used for 15 minutes."""
        return self._copies.drop_unused([copy_of(one) for one in live])

    def close(self) -> None:
        """End the process that builds copies."""
        self._calls.close()

    def _build(self, version: PublicationVersion, target: Path, keys: Sequence[str]) -> None:
        arguments = {
            "version": msgspec.json.encode(version).decode(),
            "target": str(target),
            "keys": list(keys),
            "memory_bytes": self._limits.memory_bytes // 2,
        }
        what = f"The serving copy of {version.name!r} version {version.number}"
        try:
            self._calls.call(f"{__name__}:build_copy", arguments, what=what, env=dict(os.environ))
        except TimeoutError as problem:
            raise LimitExceeded(str(problem), hint="Publish a smaller table.") from problem


def schema_of(version: PublicationVersion) -> pa.Schema:
    """Return the Arrow schema of a version, for `define_query`; reads no row, errors as in a read."""
    with open_version(version, ReadRequest(limit=0)).batches as rows:
        return rows.schema


def copy_of(version: PublicationVersion) -> CopyOf:
    """Return the identity of a version; a restored ledger may use its number for other content."""
    what = version.what
    content = f"{what.content_hash or what.token} {what.location} {what.delta_version}"
    digest = hashlib.sha256(content.encode()).hexdigest()
    return CopyOf(name=version.name, number=version.number, content=digest)


def build_copy(version: str, target: str, keys: Sequence[str], memory_bytes: int) -> bytes:
    """Read a version, with the checks of every read, and write its copy; called in a child.

    Args:
        version: A `PublicationVersion` in JSON.
        target: The file to write.
        keys: Columns to index.
        memory_bytes: Memory for DuckDB.
    """
    read = msgspec.json.decode(version, type=PublicationVersion)
    with open_version(read, ReadRequest()).batches as rows:
        what = f"{read.name!r} version {read.number}"
        write_copy(Path(target), rows, keys, what=what, memory_bytes=memory_bytes)
    return b""
