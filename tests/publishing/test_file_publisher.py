"""Publishing files: where they lie, what is refused, and a commit that is cut off."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.publisher_contract import PublisherContract
from fakes.object_store import KEY, SECRET, object_store, put
from fakes.published_file import committed_file, file_request
from jupyter_etl.errors import PublishError, StorageError
from jupyter_etl.model import PublicationKind, Staged
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.files.publisher import FilePublisher
from jupyter_etl.services.reading import open_version


class FileContract(PublisherContract):
    path = "out/day.parquet"

    def publisher(self) -> FilePublisher:
        return FilePublisher()

    def request(self, folder: Path, content: int) -> Staged:
        return Staged(
            name="daily",
            kind=PublicationKind.FILE,
            folder=str(folder),
            options={"path": self.path},
        )

    def data(self, content: int) -> pa.RecordBatchReader | None:
        return pa.table({"id": [content, content + 1], "text": ["a", 'b,"c']}).to_reader()


class TestParquetFile(FileContract):
    pass


class TestCsvFile(FileContract):
    path = "day.csv"


class TestPackedCsvFile(FileContract):
    path = "day.csv.gz"


class TestJsonFile(FileContract):
    path = "a/b/day.json"


class TestJsonLinesFile(FileContract):
    path = "day.jsonl"


class TestExcelFile(FileContract):
    path = "day.xlsx"


class TestOpaqueFile(FileContract):
    has_rows = False

    def request(self, folder: Path, content: int) -> Staged:
        source = folder.parent / f"source-{content}"
        source.write_bytes(b"\0\1" * content)
        return replace(
            super().request(folder, content), options={"path": "m.bin", "source": str(source)}
        )

    def data(self, content: int) -> None:
        return None


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/x.csv",
        "../x.csv",
        "a/../x.csv",
        "a//x.csv",
        "x\0.csv",
        "a\\x.csv",
        ".x.csv",
        "C:x.csv",
    ],
)
def test_a_path_that_leads_elsewhere_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(PublishError, match=r"not a relative path|not allowed"):
        FilePublisher().stage(file_request(folder, path), pa.table({"x": [1]}).to_reader())
    assert not list(folder.iterdir())


def test_a_path_is_checked_again_when_it_is_committed(folder: Path, tmp_path: Path) -> None:
    staged = FilePublisher().stage(file_request(folder, "x.csv"), pa.table({"x": [1]}).to_reader())
    forged = replace(staged, options={"path": "../../x.csv"})
    with pytest.raises(PublishError, match="not allowed"):
        FilePublisher().commit(
            forged, lake=str(tmp_path / "lake"), draft=False, number=1, token="t", previous=None
        )


def test_where_a_file_lies_and_what_is_reported_about_it(folder: Path, tmp_path: Path) -> None:
    staged = FilePublisher().stage(
        file_request(folder, "a/x.csv"), pa.table({"x": [1]}).to_reader()
    )
    what = FilePublisher().commit(
        staged, lake=str(tmp_path / "lake"), draft=False, number=7, token="t", previous=None
    )
    target = tmp_path / "lake" / "files" / "daily" / "7" / "a" / "x.csv"
    assert what.location == str(target)
    assert what.content_hash == hashlib.sha256(target.read_bytes()).hexdigest()
    assert what.bytes == target.stat().st_size
    assert (what.rows, what.changed_rows) == (1, 1)


def test_a_crash_in_the_middle_of_a_commit_leaves_no_half_file(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    staged = FilePublisher().stage(file_request(folder, "x.csv"), pa.table({"x": [1]}).to_reader())
    lake = tmp_path / "lake"

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    def commit() -> str:
        return (
            FilePublisher()
            .commit(staged, lake=str(lake), draft=False, number=1, token="t", previous=None)
            .location
        )

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", killed)
        with pytest.raises(KeyboardInterrupt):
            commit()
    assert not list(lake.rglob("x.csv"))
    assert Path(commit()).read_text() == '"x"\n1\n'
    assert not list(lake.rglob("*.part"))


@pytest.mark.parametrize("source", ["", "absent.bin", "."])
def test_a_source_that_is_no_file(folder: Path, source: str) -> None:
    with pytest.raises(PublishError, match="There is no file"):
        FilePublisher().stage(file_request(folder, "x.bin", source=source), None)


@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz", "x.json", "x.jsonl"])
def test_a_version_from_before_layouts_were_kept_is_read_with_the_types_on_record(
    folder: Path, tmp_path: Path, path: str
) -> None:
    rows = pa.table(
        {
            "us": ["01/02/2026"],
            "d": pa.array([Decimal("12345678901234567890.12")], pa.decimal128(38, 2)),
            "at": pa.array([1], pa.timestamp("us", "Europe/Paris")),
            "c": pa.array(["x"]).dictionary_encode(),
        }
    )
    contract = TestCsvFile()
    staged = FilePublisher().stage(file_request(folder, path), rows.to_reader())
    what = contract.committed(staged, str(tmp_path / "lake"), 1, "t")
    old = contract.version(replace(what, layout=""))
    assert FilePublisher().read(old, ReadRequest()).batches.read_all().equals(rows)


@pytest.mark.parametrize("path", ["x.csv", "x.json", "x.xlsx", "x.parquet"])
def test_a_file_that_was_changed_afterwards_is_not_read_as_something_else(
    folder: Path, tmp_path: Path, path: str
) -> None:
    contract = TestCsvFile()
    staged = FilePublisher().stage(
        file_request(folder, path), pa.table({"n": [1], "m": [2]}).to_reader()
    )
    what = contract.committed(staged, str(tmp_path / "lake"), 1, "t")
    file = Path(what.location)
    file.write_bytes(b'"n","m"\nx'.ljust(file.stat().st_size, b"x")[: file.stat().st_size])
    with pytest.raises(PublishError, match=r"Version 1 of 'daily' cannot be read: .*[^.]\.$"):
        FilePublisher().read(contract.version(what), ReadRequest()).batches.read_all()


@pytest.mark.parametrize("path", ["x.csv", "x.parquet"])
@pytest.mark.parametrize("content", [b"", b"half"])
def test_a_file_that_lost_a_part_is_not_read(
    folder: Path, tmp_path: Path, path: str, content: bytes
) -> None:
    contract = TestCsvFile()
    staged = FilePublisher().stage(file_request(folder, path), pa.table({"n": [1]}).to_reader())
    what = contract.committed(staged, str(tmp_path / "lake"), 1, "t")
    Path(what.location).write_bytes(content)
    with pytest.raises(StorageError, match=f"has {len(content)} bytes, but"):
        FilePublisher().read(contract.version(what), ReadRequest())


def test_reading_columns_and_limit(folder: Path, tmp_path: Path) -> None:
    contract = TestParquetFile()
    staged = FilePublisher().stage(
        file_request(folder, "x.csv"), pa.table({"x": range(50), "y": range(50)}).to_reader()
    )
    what = contract.committed(staged, str(tmp_path / "lake"), 1, "t")
    reading = FilePublisher().read(contract.version(what), ReadRequest(columns=("y",), limit=3))
    assert reading.batches.read_all().to_pydict() == {"y": [0, 1, 2]}
    assert reading.total_rows == 50
    with pytest.raises(PublishError, match="no column 'z'"):
        FilePublisher().read(contract.version(what), ReadRequest(columns=("z",)))


def test_an_opaque_file_has_no_rows(folder: Path, tmp_path: Path) -> None:
    contract = TestOpaqueFile()

    def folders() -> Iterator[Path]:
        yield folder

    what = contract.committed(contract.staged(folders(), 3), str(tmp_path / "lake"), 1, "t")
    with pytest.raises(PublishError, match="without rows"):
        FilePublisher().read(contract.version(what), ReadRequest())


REMOTE_ROWS = pa.table({"t": ["01/02/2026", None], "n": [1, 2]})


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    with object_store() as url:
        yield url


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the name of a bucket whose credentials come from the environment, as for a lake."""
    put(endpoint, "lake/note.txt", b"")
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return "lake"


@pytest.mark.slow
@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz", "x.json", "x.jsonl", "x.xlsx", "x.parquet"])
def test_a_file_in_an_object_store(bucket: str, path: str) -> None:
    version = committed_file(path, REMOTE_ROWS, lake=f"s3://{bucket}/etl")
    assert open_version(version, ReadRequest()).batches.read_all().equals(REMOTE_ROWS)
    assert open_version(version, ReadRequest(limit=1)).batches.read_all().num_rows == 1
    gone = replace(version.what, location=f"s3://{bucket}/etl/not-{path}")
    with pytest.raises(StorageError, match="its file is not in the lake"):
        open_version(replace(version, what=gone), ReadRequest()).batches.read_all()


@pytest.mark.slow
def test_a_file_in_an_object_store_that_the_notebook_wrote(bucket: str, endpoint: str) -> None:
    version = committed_file("own.csv", REMOTE_ROWS, lake=f"s3://{bucket}/etl")
    put(endpoint, "lake/etl/own.csv", b"zip,n\n01234,1\n00501,2\n")
    own = replace(version.what, location=f"s3://{bucket}/etl/own.csv", layout="", columns=())
    rows = open_version(replace(version, what=own), ReadRequest()).batches.read_all()
    assert rows.to_pydict() == {"zip": ["01234", "00501"], "n": [1, 2]}
