from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.connector_contract import ConnectorContract, no_access
from fakes.files import (
    NAIVE,
    ROWS,
    opened,
    read,
    refusal,
    source_of,
    write_csv,
    write_json,
    write_jsonl,
    write_parquet,
)
from jupyter_etl.errors import DeclarationError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Connector
from jupyter_etl.sources.file_connector import FileConnector
from jupyter_etl.sources.locations.paths import reading


class _Files(ConnectorContract):
    kind = ""
    ending = ""
    write: Callable[[Path], Path]

    @pytest.fixture
    def connector(self) -> Connector:
        return FileConnector()

    @pytest.fixture
    def source(self, tmp_path: Path) -> Source:
        return source_of(type(self).write(tmp_path / f"trips.{self.ending}"), self.kind)


class TestCsv(_Files):
    kind, ending, write = "csv", "csv", staticmethod(write_csv)


class TestParquet(_Files):
    kind, ending, write = "parquet", "parquet", staticmethod(write_parquet)


class TestJson(_Files):
    kind, ending, write = "json", "json", staticmethod(write_json)


class TestJsonLines(_Files):
    kind, ending, write = "jsonl", "jsonl", staticmethod(write_jsonl)


# -- which files -------------------------------------------------------------------------------


def test_a_folder_and_a_glob_are_read_in_the_order_of_names(tmp_path: Path) -> None:
    for number in (3, 1, 2):
        write_csv(tmp_path / f"day{number}.csv", [{"n": number}])
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".hidden.csv").write_text("m\n1\n")
    (tmp_path / "notes.md").write_text("no data")
    assert read(source_of(tmp_path, "csv"))["n"].to_pylist() == [1, 2, 3]
    assert read(source_of(tmp_path / "day[12].csv", "csv"))["n"].to_pylist() == [1, 2]
    assert read(source_of(f"file://{tmp_path}/day*.csv", "csv"))["n"].to_pylist() == [1, 2, 3]


def test_columns_are_united_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n1,\n")
    (tmp_path / "b.csv").write_text("y,z\n2.5,c\n")
    table = read(source_of(tmp_path, "csv"))
    assert table.schema == pa.schema([("x", "int64"), ("y", "double"), ("z", "string")])
    assert table.to_pylist() == [
        {"x": 1, "y": None, "z": None},
        {"x": None, "y": 2.5, "z": "c"},
    ]


def test_files_that_disagree_are_named_with_the_column(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n')
    (tmp_path / "b.jsonl").write_text('{"n": "x"}\n')
    error = refusal(source_of(tmp_path, "jsonl"))
    assert "column 'n' is string in b" in error.message
    assert "int64 in a" in error.message


def test_the_version_follows_the_files(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    source = source_of(tmp_path, "csv")
    first = opened(source).version
    assert opened(source).version == first
    assert len(first) == 64
    os.utime(path, ns=(1, 1))
    second = opened(source).version
    write_csv(tmp_path / "b.csv")
    assert len({first, second, opened(source).version}) == 3


def test_an_absent_path_names_the_nearest(tmp_path: Path) -> None:
    write_csv(tmp_path / "flights.csv")
    error = refusal(source_of(tmp_path / "fligths.csv", "csv"))
    assert error.hint == "Did you mean 'flights.csv'?"
    assert "contains flights.csv" in error.message
    assert not error.retryable


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("", "has no csv file"),
        ("*.csv", "no file matches"),
        ("nowhere/*.csv", "no file matches"),
    ],
)
def test_nothing_matches(tmp_path: Path, place: str, said: str) -> None:
    (tmp_path / "a.txt2").write_text("x")
    error = refusal(source_of(tmp_path / place, "csv"))
    assert not error.retryable
    assert said in error.message


@pytest.mark.parametrize("kind", ["csv", "parquet", "json", "jsonl", "excel"])
def test_an_empty_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "a.x"
    path.touch()
    error = refusal(source_of(path, kind))
    assert "a.x is empty" in error.message
    assert error.retryable


def test_a_delta_table_is_not_read_as_a_folder_of_files(tmp_path: Path) -> None:
    write_parquet(tmp_path / "part-0.parquet")
    (tmp_path / "_delta_log").mkdir()
    (tmp_path / "_delta_log" / "0.json").write_text("{}")
    assert "Delta table" in refusal(source_of(tmp_path, "parquet")).message


def test_no_permission_is_reported_and_not_retried() -> None:
    with pytest.raises(SourceError, match="no permission to read") as caught:  # noqa: SIM117
        with reading(source_of("a.csv", "csv"), "a.csv"):
            raise PermissionError(13, "Permission denied")
    assert not caught.value.retryable


def test_a_filesystem_that_fails_may_be_asked_again() -> None:
    with pytest.raises(SourceError, match="cannot be read") as caught:  # noqa: SIM117
        with reading(source_of("a.csv", "csv"), "a.csv"):
            raise OSError(5, "Input/output error")
    assert caught.value.retryable


def test_an_unknown_option_names_the_known(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv")
    error = refusal(source_of(path, "csv", delimeter=";"))
    assert isinstance(error, DeclarationError)
    assert error.hint == "Did you mean 'delimiter'?"


def test_sql_is_refused_with_the_way_to_do_it(tmp_path: Path) -> None:
    error = refusal(source_of(write_csv(tmp_path / "a.csv"), "csv"), query="select 1")
    assert "sql local" in error.hint


# -- parquet -------------------------------------------------------------------------------------


def test_parquet_keeps_every_type(tmp_path: Path) -> None:
    table = pa.table(
        {
            "i8": pa.array([1, None], pa.int8()),
            "u64": pa.array([2**64 - 1, None], pa.uint64()),
            "dec": pa.array([None, 1], pa.decimal128(20, 3)),
            "ts": pa.array([datetime(2026, 1, 1, tzinfo=UTC), None], pa.timestamp("ns", "UTC")),
            "day": pa.array([date(2026, 1, 1), None]),
            "list": pa.array([[1, None], None], pa.list_(pa.int32())),
            "bytes": pa.array([b"\xff", None]),
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    reading = opened(source_of(tmp_path, "parquet"))
    assert reading.total_rows == 2
    got = reading.batches.read_all()
    assert got.schema.types == table.schema.types
    assert got.to_pylist() == table.to_pylist()


def test_folders_named_by_a_key_are_columns(tmp_path: Path) -> None:
    for day in (1, 2):
        folder = tmp_path / f"day={day}"
        folder.mkdir()
        pq.write_table(pa.table({"n": [day * 10]}), folder / "part.parquet")
    assert read(source_of(tmp_path, "parquet")).to_pylist() == [
        {"n": 10, "day": 1},
        {"n": 20, "day": 2},
    ]


def test_parquet_that_is_cut_off(tmp_path: Path) -> None:
    path = write_parquet(tmp_path / "a.parquet")
    path.write_bytes(path.read_bytes()[:-10])
    error = refusal(source_of(path, "parquet"))
    assert "a.parquet is not a complete Parquet file" in error.message
    assert error.retryable


# -- json ----------------------------------------------------------------------------------------


def test_json_below_a_path(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"data": {"rows": ROWS, "n": 4}}))
    assert read(source_of(path, "json", path="data.rows")).to_pylist() == ROWS
    assert "'row'" in refusal(source_of(path, "json", path="data.row")).message
    assert "Did you mean 'rows'?" in refusal(source_of(path, "json", path="data.row")).hint
    assert "path=data.rows" in refusal(source_of(path, "json", path="data")).hint


def test_json_names_and_types_are_united_over_records(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n\n{"b": {"c": [1]}, "a": 2.5}\n')
    assert read(source_of(path, "jsonl")).to_pylist() == [
        {"a": 1.0, "b": None},
        {"a": 2.5, "b": {"c": [1]}},
    ]


@pytest.mark.parametrize(
    ("kind", "text", "says"),
    [
        ("json", '[{"a": 1}, {"a"', "is not JSON"),
        ("json", "3", "contains a number"),
        ("json", "[1, 2]", "record 1 is a number"),
        ("json", '[{"a": 1}, {"a": "x"}]', "column 'a' mixes"),
        ("json", f'[{{"a": {"9" * 39}}}]', "column 'a' mixes"),
        ("jsonl", '{"a": 1}\n{"a"', "line 2 of a.x is not JSON"),
    ],
)
def test_json_that_cannot_be_a_table(tmp_path: Path, kind: str, text: str, says: str) -> None:
    path = tmp_path / "a.x"
    path.write_text(text)
    assert says in refusal(source_of(path, kind)).message


# -- excel ---------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Path:
    from openpyxl import Workbook

    workbook = Workbook()
    trips = workbook.active
    trips.title = "trips"
    trips.append(["n", "x", "when", "note", "mixed"])
    trips.append([1, 1.5, NAIVE, "a", 1])
    trips.append([None, 2, None, None, "n/a"])
    workbook.create_sheet("more trips").append(["k"])
    workbook.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_each_sheet_is_a_table(book: Path) -> None:
    source = source_of(book, "excel", null="n/a")
    assert [t.name for t in FileConnector().tables(source, no_access())] == ["trips", "more trips"]
    table = read(source, table="trips")
    assert [str(t) for t in table.schema.types] == [
        "int64", "double", "timestamp[us]", "string", "int64",
    ]  # fmt: skip
    assert table["n"].to_pylist() == [1, None]
    assert table["when"].to_pylist() == [NAIVE, None]
    assert read(replace(source, options={"sheet": "trips", "null": "n/a"})).equals(table)
    assert read(source, table="more trips").num_rows == 0


def test_a_wrong_sheet_or_a_mixed_column_is_named(book: Path) -> None:
    source = source_of(book, "excel")
    assert "trips and more trips" in refusal(source).message
    assert "Did you mean 'trips'?" in refusal(source, table="trip").hint
    error = refusal(source, table="trips")
    assert "column 'mixed' mixes numbers and text; row 3 has 'n/a'" in error.message
    text = source_of(book, "excel", text="mixed")
    assert read(text, table="trips")["mixed"].to_pylist() == ["1", "n/a"]


def test_a_workbook_that_is_cut_off(book: Path) -> None:
    book.write_bytes(book.read_bytes()[:-200])
    assert "book.xlsx is not a complete workbook" in refusal(source_of(book, "excel")).message
