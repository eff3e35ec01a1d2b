"""Remote files are fetched once, and their copies are deleted."""

from __future__ import annotations

import gzip
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from jupyter_etl.errors import SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.sources.csv import reader, scan
from jupyter_etl.sources.locations import download
from jupyter_etl.sources.locations.paths import FileSet, SourceFile

SOURCE = Source(name="far", kind="csv", location="far://lake/*.csv")


class FarFiles(MemoryFileSystem):
    """Files in memory that know how often each was opened."""

    protocol = "far"
    cachable = False

    def __init__(self, files: dict[str, bytes]) -> None:
        super().__init__()
        self.store: dict[str, Any] = {}
        self.pseudo_dirs = [""]
        for path, body in files.items():
            self.pipe_file(path, body)
        self.opened: Counter[str] = Counter()

    def open(self, path: str, mode: str = "rb", **options: Any) -> Any:
        if hasattr(self, "opened"):
            self.opened[path] += 1
        return super().open(path, mode, **options)


@pytest.fixture
def copies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where copies are put: nothing else is there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def far() -> FarFiles:
    plain = "id,big\n" + "".join(f"{n},\n" for n in range(1000)) + "7,12345678901234567890\n"
    return FarFiles(
        {"/lake/a.csv": plain.encode(), "/lake/b.csv.gz": gzip.compress(plain.encode())}
    )


def files_of(far: FarFiles) -> FileSet:
    files = (
        SourceFile(path=path, name=path.rpartition("/")[2], size=far.size(path), stamp="1")
        for path in sorted(far.store)
    )
    return FileSet(fs=far, files=tuple(files))


def read(far: FarFiles, limit: int | None = None) -> Reading:
    return reader.read_csv(SOURCE, files_of(far), ReadRequest(limit=limit))


@pytest.mark.parametrize("keep_bytes", [scan.KEEP_BYTES, 0])
def test_each_file_is_fetched_once(
    far: FarFiles, copies: Path, monkeypatch: pytest.MonkeyPatch, keep_bytes: int
) -> None:
    monkeypatch.setattr(scan, "KEEP_BYTES", keep_bytes)
    reading = read(far)
    assert reading.batches.read_all().num_rows == 2002
    assert set(far.opened.values()) == {1}
    assert len(far.opened) == 2
    assert list(copies.iterdir()) == []


def test_more_than_fits_stays_where_it_is_and_shows_the_same(
    far: FarFiles, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = read(far)
    monkeypatch.setattr(download, "FETCH_BYTES", 100)
    far.opened.clear()
    often = read(far)
    assert min(far.opened.values()) > 1
    assert often.version == once.version
    assert often.batches.read_all().equals(once.batches.read_all())


def test_a_preview_fetches_no_copy(far: FarFiles, copies: Path) -> None:
    reading = read(far, limit=5)
    assert list(copies.iterdir()) == []
    assert reading.batches.read_all().num_rows == 5


def test_the_copy_goes_with_a_reader_that_is_let_go(
    far: FarFiles, copies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "KEEP_BYTES", 0)
    reading = read(far)
    assert len(list(copies.iterdir())) == 1
    del reading
    assert list(copies.iterdir()) == []


def test_a_file_that_cannot_be_read_leaves_no_copy(copies: Path) -> None:
    with pytest.raises(SourceError, match=r"b\.csv cannot be read as CSV"):
        read(FarFiles({"/lake/b.csv": b"a,b\n1\n2,3,4\n"}))
    assert list(copies.iterdir()) == []


def test_a_file_that_changed_meanwhile_is_an_error_for_later(far: FarFiles, copies: Path) -> None:
    files = files_of(far)
    far.pipe_file("/lake/a.csv", b"id\n1\n")
    with pytest.raises(SourceError, match=r"a\.csv had .* bytes") as caught:
        reader.read_csv(SOURCE, files, ReadRequest())
    assert caught.value.retryable
    assert list(copies.iterdir()) == []


def test_a_missing_file_is_an_error(far: FarFiles, copies: Path) -> None:
    files = files_of(far)
    far.rm("/lake/a.csv")
    with pytest.raises(SourceError, match="no longer exists"):
        reader.read_csv(SOURCE, files, ReadRequest())
    assert list(copies.iterdir()) == []
