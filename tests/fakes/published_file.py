"""A file that is published into a separate lake and read back."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa

from jupyter_etl.model import PublicationKind, PublicationVersion, Staged
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.files.layouts import with_leaves
from jupyter_etl.publishing.files.publisher import FilePublisher


def file_request(folder: Path, path: str, **options: str) -> Staged:
    """Return a request to stage ``daily`` in a folder as a file."""
    return Staged(
        name="daily",
        kind=PublicationKind.FILE,
        folder=str(folder),
        options={"path": path, **options},
    )


def written(folder: Path, path: str, rows: pa.Table) -> Path:
    """Stage rows as a file, and return its path."""
    staged = FilePublisher().stage(file_request(folder, path), rows.to_reader())
    return folder / staged.files[0]


def publish_and_read(path: str, rows: pa.Table) -> pa.Table:
    """Return the published file as a reader gets it."""
    with tempfile.TemporaryDirectory() as folder:
        version = committed_file(path, rows, lake=f"{folder}/lake")
        return FilePublisher().read(version, ReadRequest()).batches.read_all()


def committed_file(path: str, rows: pa.Table, *, lake: str) -> PublicationVersion:
    """Publish rows as a file, as the first version of ``x``."""
    publisher = FilePublisher()
    with tempfile.TemporaryDirectory() as stage:
        request = Staged(name="x", kind=PublicationKind.FILE, folder=stage, options={"path": path})
        staged = publisher.stage(request, rows.to_reader())
        what = publisher.commit(staged, lake=lake, draft=False, number=1, token="t", previous=None)
    return PublicationVersion(
        name="x",
        number=1,
        draft=False,
        what=what,
        owner="sam",
        pipeline="",
        run_id=None,
        notebook="",
        published_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def bits_of(column: pa.ChunkedArray) -> list[str]:
    """Return values that are equal if the stored ones are, including NaN and the sign of zero."""

    def number(kind: pa.DataType) -> pa.DataType:
        if not pa.types.is_temporal(kind):
            return kind
        return pa.int32() if kind.bit_width == 32 else pa.int64()

    return [repr(value) for value in column.cast(with_leaves(column.type, number)).to_pylist()]
