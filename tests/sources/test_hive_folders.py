"""Folders named ``key=value`` add a column, for files of every kind."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.connector_contract import no_access
from fakes.files import read, refusal, source_of
from jupyter_etl.sources.file_connector import FileConnector


def _excel(path: Path, row: dict[str, object]) -> None:
    book = openpyxl.Workbook()
    book.active.append(list(row))
    book.active.append(list(row.values()))
    book.save(path)


WRITERS: dict[str, tuple[str, Callable[[Path, dict[str, object]], object]]] = {
    "csv": ("csv", lambda p, r: p.write_text(f"{','.join(r)}\n{','.join(map(str, r.values()))}\n")),
    "parquet": ("parquet", lambda p, r: pq.write_table(pa.Table.from_pylist([r]), p)),
    "json": ("json", lambda p, r: p.write_text(json.dumps([r]))),
    "jsonl": ("jsonl", lambda p, r: p.write_text(json.dumps(r) + "\n")),
    "excel": ("xlsx", _excel),
}
kinds = pytest.mark.parametrize("kind", WRITERS)


def put(folder: Path, kind: str, row: dict[str, object], name: str = "a") -> None:
    ending, write = WRITERS[kind]
    folder.mkdir(parents=True, exist_ok=True)
    write(folder / f"{name}.{ending}", row)


@kinds
@pytest.mark.parametrize(
    ("folders", "type_", "values"),
    [
        (("zip=01234", "zip=90210"), "string", ["01234", "90210"]),
        (("zip=90210", "zip=A1"), "string", ["90210", "A1"]),
        (("year=2025", "year=2026"), "int64", [2025, 2026]),
        (("n=1.5", "n=2"), "double", [1.5, 2.0]),
        (("n=1.50", "n=2"), "string", ["1.50", "2"]),
        (("n=+1", "n=2"), "string", ["+1", "2"]),
        (("n=1", "n=99999999999999999999"), "string", ["1", "99999999999999999999"]),
        (("ok=false", "ok=true"), "bool", [False, True]),
        (("ok=0", "ok=true"), "string", ["0", "true"]),
        (("day=2026-01-01", "day=2026-01-02"), "date32[day]", [date(2026, 1, 1), date(2026, 1, 2)]),
        (("day=2026-01-01", "day=2026-1-2"), "string", ["2026-01-01", "2026-1-2"]),
        (("c=NA", "c=US"), "string", ["NA", "US"]),
        (("c=1", "c=NA"), "string", ["1", "NA"]),
        (("c= 1", "c=2"), "string", [" 1", "2"]),
        (("c=a", "c=__HIVE_DEFAULT_PARTITION__"), "string", [None, "a"]),
        (("n=1", "n=__HIVE_DEFAULT_PARTITION__"), "int64", [1, None]),
        (("c=a%2Fb", "c=a%3Db%20c"), "string", ["a/b", "a=b c"]),
        (("c=a+b", "c=a%2Bb "), "string", ["a+b", "a+b "]),
        (("c=50%25", "c=%C5%BDofie"), "string", ["50%", "Žofie"]),
        (("c=a=b", "c=x"), "string", ["a=b", "x"]),
        (("c%20d=1", "c%20d=2"), "int64", [1, 2]),
    ],
)
def test_folders_are_columns(
    tmp_path: Path, kind: str, folders: tuple[str, ...], type_: str, values: list[object]
) -> None:
    for folder in folders:
        put(tmp_path / folder, kind, {"x": 1})
    name = "c d" if "%20d" in folders[0] else folders[0].partition("=")[0]
    for place in ("", "**/*"):
        table = read(source_of(tmp_path / place, kind))
        assert table.column_names == ["x", name]
        assert str(table.schema.field(name).type) == type_
        assert sorted(table[name].to_pylist(), key=str) == sorted(values, key=str)
    if kind != "excel":
        (described,) = FileConnector().tables(source_of(tmp_path, kind), no_access())
        assert [column.type for column in described.columns] == ["int64", type_]


@kinds
def test_the_columns_of_folders_can_be_chosen(tmp_path: Path, kind: str) -> None:
    for day in (1, 2):
        put(tmp_path / f"year=2026/day={day}", kind, {"x": day * 10, "y": "a"})
    source = source_of(tmp_path, kind)
    assert read(source, columns=("day", "x")).to_pylist() == [
        {"day": 1, "x": 10},
        {"day": 2, "x": 20},
    ]
    assert read(source, columns=("day",)).to_pylist() == [{"day": 1}, {"day": 2}]
    assert read(source, columns=("year",), limit=1).to_pylist() == [{"year": 2026}]
    assert "no column 'month'" in refusal(source, columns=("month",)).message


@kinds
def test_types_are_decided_over_all_files_also_for_a_preview(tmp_path: Path, kind: str) -> None:
    for zip_ in ("12345", "99999x"):
        put(tmp_path / f"zip={zip_}", kind, {"x": 1})
    assert read(source_of(tmp_path, kind), limit=1).to_pylist() == [{"x": 1, "zip": "12345"}]


@kinds
def test_declared_types_hold_for_folders(tmp_path: Path, kind: str) -> None:
    put(tmp_path / "day=01", kind, {"x": 1})
    as_text = source_of(tmp_path, kind, **{"type.day": "text", "type.x": "text"})
    assert read(as_text).to_pylist() == [{"x": "1", "day": "01"}]
    assert read(source_of(tmp_path, kind, **{"type.day": "int64"}))["day"].to_pylist() == [1]
    put(tmp_path / "day=x", kind, {"x": 1})
    error = refusal(source_of(tmp_path, kind, **{"type.day": "int64"}))
    assert "column 'day'" in error.message
    assert "day=" in error.message


@kinds
def test_a_column_that_is_in_the_files_too_must_have_the_value_of_the_folder(
    tmp_path: Path, kind: str
) -> None:
    put(tmp_path / "month=01", kind, {"x": 1, "month": 1})
    put(tmp_path / "month=12", kind, {"x": 2, "month": 12})
    source = source_of(tmp_path, kind)
    assert read(source).to_pylist() == [{"x": 1, "month": 1}, {"x": 2, "month": 12}]
    put(tmp_path / "month=03", kind, {"x": 3})
    assert [row["month"] for row in read(source).to_pylist()] == [1, 3, 12]
    put(tmp_path / "month=04", kind, {"x": 3, "month": 5})
    error = refusal(source)
    assert "month=04" in error.message
    assert "column 'month' is 5 in the file and 4" in error.message
    assert not error.retryable


@kinds
def test_a_folder_that_is_not_of_the_type_of_the_column_in_the_files(
    tmp_path: Path, kind: str
) -> None:
    put(tmp_path / "n=abc", kind, {"x": 1, "n": 1})
    error = refusal(source_of(tmp_path, kind))
    assert "column 'n'" in error.message
    assert "n=abc" in error.message


@kinds
def test_files_outside_of_the_folders_lack_their_column(tmp_path: Path, kind: str) -> None:
    put(tmp_path, kind, {"x": 1})
    put(tmp_path / "day=2", kind, {"x": 2})
    rows = read(source_of(tmp_path, kind)).to_pylist()
    assert rows == [{"x": 1, "day": None}, {"x": 2, "day": 2}]


@kinds
def test_only_folders_below_the_declared_one_count(tmp_path: Path, kind: str) -> None:
    put(tmp_path / "year=2026" / "plain", kind, {"x": 1}, name="n=5")
    assert read(source_of(tmp_path / "year=2026", kind)).to_pylist() == [{"x": 1}]
    ending = WRITERS[kind][0]
    only = tmp_path / "year=2026" / "plain" / f"n=5.{ending}"
    assert read(source_of(only, kind)).to_pylist() == [{"x": 1}]


@pytest.mark.parametrize(
    ("folder", "says"),
    [("a=1/a=2", "give the column 'a' twice"), ("a=%FF", "not percent-encoded UTF-8")],
)
def test_folders_that_cannot_be_columns(tmp_path: Path, folder: str, says: str) -> None:
    put(tmp_path / folder, "csv", {"x": 1})
    error = refusal(source_of(tmp_path, "csv"))
    assert says in error.message
    assert not error.retryable


def test_a_stranger_is_found_in_spite_of_the_columns_of_folders(tmp_path: Path) -> None:
    put(tmp_path / "day=1", "csv", {"x": 1})
    put(tmp_path / "day=2", "csv", {"x": 1})
    put(tmp_path / "day=2", "csv", {"code": 1}, name="codes")
    assert "day=2/codes.csv has no column in common" in refusal(source_of(tmp_path, "csv")).message
