from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from contracts.publisher_contract import PublisherContract
from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationKind, Staged
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing import lake as lake_module
from jupyter_etl.publishing.file_publisher import FilePublisher


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "stage"
    made.mkdir()
    return made


def request(folder: Path, path: str, **options: str) -> Staged:
    return Staged(
        name="daily",
        kind=PublicationKind.FILE,
        folder=str(folder),
        options={"path": path, **options},
    )


def written(folder: Path, path: str, rows: pa.Table) -> Path:
    staged = FilePublisher().stage(request(folder, path), rows.to_reader())
    return folder / staged.files[0]


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
        FilePublisher().stage(request(folder, path), pa.table({"x": [1]}).to_reader())
    assert not list(folder.iterdir())


def test_a_path_is_checked_again_when_it_is_committed(folder: Path, tmp_path: Path) -> None:
    staged = FilePublisher().stage(request(folder, "x.csv"), pa.table({"x": [1]}).to_reader())
    forged = replace(staged, options={"path": "../../x.csv"})
    with pytest.raises(PublishError, match="not allowed"):
        FilePublisher().commit(
            forged, lake=str(tmp_path / "lake"), draft=False, number=1, token="t", previous=None
        )


def test_where_a_file_lies_and_what_is_said_of_it(folder: Path, tmp_path: Path) -> None:
    staged = FilePublisher().stage(request(folder, "a/x.csv"), pa.table({"x": [1]}).to_reader())
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
    staged = FilePublisher().stage(request(folder, "x.csv"), pa.table({"x": [1]}).to_reader())
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
        patch.setattr(lake_module, "_sync", killed)
        with pytest.raises(KeyboardInterrupt):
            commit()
    assert not list(lake.rglob("x.csv"))
    assert Path(commit()).read_text() == '"x"\n1\n'
    assert not list(lake.rglob("*.part"))


def test_csv_holds_values_exactly(folder: Path) -> None:
    rows = pa.table(
        {
            "n": [1, None],
            "f": [0.1, 1e300],
            "t": ['a,"b"\n', ""],
            "d": [date(2026, 1, 1), None],
            "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
            "m": [Decimal("1.10"), None],
            "c": pa.array(["x", None]).dictionary_encode(),
        }
    )
    with written(folder, "x.csv", rows).open(newline="") as file:
        got = list(csv.reader(file))
    assert got[0] == ["n", "f", "t", "d", "at", "m", "c"]
    assert float(got[1][1]) == 0.1
    assert got[1][2] == 'a,"b"\n'
    assert got[1][3:] == ["2026-01-01", "2026-01-01 00:00:00.000000Z", "1.10", "x"]


def test_packed_csv_of_the_same_rows_is_the_same_file(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    rows = pa.table({"x": [1]})
    first, second = written(folder, "x.csv.gz", rows), written(other, "y.csv.gz", rows)
    assert first.read_bytes() == second.read_bytes()
    assert gzip.decompress(first.read_bytes()) == b'"x"\n1\n'


@pytest.mark.parametrize("path", ["x.json", "x.jsonl"])
def test_json_holds_values_exactly(folder: Path, path: str) -> None:
    rows = pa.table(
        {
            "n": [2**63 - 1, None],
            "f": [0.1, math.nan],
            "m": [Decimal("1.10"), None],
            "l": [[1, 2], None],
            "at": pa.array([1_767_229_323, None], pa.timestamp("s")),
        }
    )
    text = written(folder, path, rows).read_text()
    records = (
        json.loads(text, parse_float=Decimal)
        if path == "x.json"
        else [json.loads(line, parse_float=Decimal) for line in text.splitlines()]
    )
    assert records[0] == {
        "n": 2**63 - 1,
        "f": Decimal("0.1"),
        "m": Decimal("1.10"),
        "l": [1, 2],
        "at": "2026-01-01T01:02:03",
    }
    assert records[1] == {"n": None, "f": None, "m": None, "l": None, "at": None}


@pytest.mark.parametrize("path", ["x.json", "x.jsonl", "x.csv", "x.csv.gz", "x.parquet", "x.xlsx"])
def test_no_rows_are_a_valid_file(folder: Path, path: str) -> None:
    file = written(folder, path, pa.table({"x": pa.array([], pa.int64())}))
    assert file.exists()
    if path == "x.json":
        assert json.loads(file.read_text()) == []


def test_excel_holds_rows_and_makes_no_formula_of_a_value(folder: Path) -> None:
    rows = pa.table(
        {
            "t": ["=1+1", "b"],
            "n": [1, None],
            "at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("us", "UTC")),
        }
    )
    sheet = openpyxl.load_workbook(written(folder, "x.xlsx", rows)).active
    assert sheet is not None
    cells = list(sheet.iter_rows())
    assert [cell.value for cell in cells[0]] == ["t", "n", "at"]
    assert cells[1][0].value == "=1+1"
    assert cells[1][0].data_type == "s"
    assert cells[1][2].value == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("path", "rows", "words"),
    [
        ("x.doc", pa.table({"x": [1]}), "names no format.*Use one of .parquet"),
        ("x.csv", pa.table({"x": [[1]]}), "'x' of type list.*does not fit into .csv"),
        ("x.xlsx", pa.table({"x": [b"1"]}), "'x' of type binary does not fit"),
        ("x.json", pa.table([[1], [2]], names=["x", "x"]), "Two columns"),
        ("x.json", pa.table({}), "no columns"),
    ],
)
def test_what_a_format_cannot_hold(folder: Path, path: str, rows: pa.Table, words: str) -> None:
    with pytest.raises(PublishError, match=words):
        written(folder, path, rows)


@pytest.mark.parametrize("source", ["", "absent.bin", "."])
def test_a_source_that_is_no_file(folder: Path, source: str) -> None:
    with pytest.raises(PublishError, match="There is no file"):
        FilePublisher().stage(request(folder, "x.bin", source=source), None)


def test_reading_columns_and_limit(folder: Path, tmp_path: Path) -> None:
    contract = TestParquetFile()
    staged = FilePublisher().stage(
        request(folder, "x.csv"), pa.table({"x": range(50), "y": range(50)}).to_reader()
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
