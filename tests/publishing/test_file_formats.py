"""Values in published files: exact in every format, or refused by name."""

from __future__ import annotations

import csv
import gzip
import json
import math
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pyarrow as pa
import pytest

from fakes.published_file import publish_and_read, written
from jupyter_etl.errors import PublishError


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
            "f": [0.1, None],
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
    assert cells[1][2].value == "2026-01-01T00:00:00.000000Z"


@pytest.mark.parametrize(
    ("path", "rows", "words"),
    [
        ("x.doc", pa.table({"x": [1]}), "not a known format.*Use one of .parquet"),
        ("x.csv", pa.table({"x": [[1]]}), "'x' of type list.*cannot be stored in .csv"),
        ("x.xlsx", pa.table({"x": [b"1"]}), "'x' of type binary cannot be stored"),
        ("x.json", pa.table([[1], [2]], names=["x", "x"]), "Two columns"),
        ("x.json", pa.table({}), "no columns"),
    ],
)
def test_what_a_format_cannot_hold(folder: Path, path: str, rows: pa.Table, words: str) -> None:
    with pytest.raises(PublishError, match=words):
        written(folder, path, rows)


@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz", "x.json", "x.jsonl", "x.xlsx", "x.parquet"])
def test_texts_that_look_like_something_else_stay_texts(path: str) -> None:
    rows = pa.table(
        {
            "us": ["01/02/2026", "03/02/2026"],
            "code": ["1e5", "007"],
            "flag": ["true", "FALSE"],
            "day": ["2026-01-01", "10:00"],
            "missing": ["NA", "null"],
            "edges": [" a ", "\t"],
            "marks": ['"', "a,b\r\nc"],
        }
    )
    assert publish_and_read(path, rows).equals(rows)


@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz", "x.json", "x.jsonl", "x.xlsx", "x.parquet"])
def test_numbers_keep_every_digit(path: str) -> None:
    rows = pa.table(
        {
            "d": pa.array([Decimal("12345678901234567890.12"), None], pa.decimal128(38, 2)),
            "i": pa.array([2**63 - 1, -(2**63)]),
            "u": pa.array([2**64 - 1, 0], pa.uint64()),
            "f": [0.1 + 0.2, -0.0],
            "at": pa.array([1_767_225_600_000_000_001, None], pa.timestamp("ns", "Europe/Paris")),
            "old": pa.array([-2_208_988_800, 253_402_300_799], pa.timestamp("s", "Europe/Paris")),
            "t": pa.array([86_399_999_999_999, None], pa.time64("ns")),
            "s": pa.array([-1, 86_400_000_000_001], pa.duration("ns")),
        }
    )
    back = publish_and_read(path, rows)
    assert back.equals(rows)
    assert math.copysign(1, back["f"][1].as_py()) == -1


@pytest.mark.parametrize("path", ["x.csv", "x.xlsx", "x.parquet"])
def test_numbers_that_json_does_not_have(path: str) -> None:
    rows = pa.table({"f": [math.nan, math.inf, -math.inf, None], "n": [1, 2, 3, 4]})
    assert str(publish_and_read(path, rows)["f"].to_pylist()) == "[nan, inf, -inf, None]"


@pytest.mark.parametrize("path", ["x.csv", "x.csv.gz"])
@pytest.mark.parametrize(
    "cells",
    [
        pa.array([1, None, 3]),
        pa.array([None, None, None], pa.int64()),
        pa.array(["a", None, 'b"']),
        pa.array(["", "", "a"]),
        pa.array([None, None], pa.null()),
    ],
)
def test_no_row_of_a_single_column_is_an_empty_line(path: str, cells: pa.Array) -> None:
    rows = pa.table({"c": cells})
    assert publish_and_read(path, rows).equals(rows)


def test_a_single_missing_value_is_a_pair_of_quotes(folder: Path) -> None:
    file = written(folder, "x.csv", pa.table({"c": [1, None, 3]}))
    assert file.read_text() == '"c"\n1\n""\n3\n'


def test_other_readers_tell_null_from_an_empty_text(folder: Path) -> None:
    rows = pa.table({"a": ["", None], "n": [1, 2]})
    assert written(folder, "x.csv", rows).read_text() == '"a","n"\n"",1\n,2\n'


def test_a_cell_that_is_longer_than_a_block_of_the_reader() -> None:
    rows = pa.table({"long": ["x" * 3_000_000, '"' * 2_000_000], "n": [1, 2]})
    assert publish_and_read("x.csv", rows).equals(rows)


@pytest.mark.parametrize("path", ["x.csv", "x.json", "x.xlsx", "x.parquet"])
def test_categories_and_their_order_come_back(path: str) -> None:
    plain = pa.array(["b", None, "a"]).dictionary_encode()
    levels = pa.array(["low", "high", "never"])
    ordered = pa.DictionaryArray.from_arrays(
        pa.array([1, 0, None], pa.int8()), levels, ordered=True
    )
    back = publish_and_read(path, pa.table({"plain": plain, "ordered": ordered}))
    assert back["plain"].type == plain.type
    assert back["plain"].to_pylist() == ["b", None, "a"]
    assert back["ordered"].type == ordered.type
    assert back["ordered"].chunk(0).dictionary.to_pylist()[:2] == ["low", "high"]
    assert back["ordered"].to_pylist() == ["high", "low", None]


def test_ordered_categories_that_differ_between_batches_are_refused(folder: Path) -> None:
    parts = [
        pa.DictionaryArray.from_arrays([0], [level], ordered=True) for level in ("low", "high")
    ]
    rows = pa.table({"c": pa.chunked_array(parts)})
    with pytest.raises(PublishError, match="'c' has ordered categories that differ"):
        written(folder, "x.csv", rows)


@pytest.mark.parametrize("path", ["x.csv", "x.json", "x.xlsx"])
def test_more_categories_in_all_than_the_index_of_each_batch_counts(path: str) -> None:
    kind = pa.dictionary(pa.int8(), pa.string())
    parts = [
        pa.array([f"{part}-{n}" for n in range(100)]).dictionary_encode().cast(kind)
        for part in range(3)
    ]
    back = publish_and_read(path, pa.table({"c": pa.chunked_array(parts), "n": range(300)}))
    assert back["c"].type == kind
    assert back["c"].to_pylist() == [value for part in parts for value in part.to_pylist()]


def test_a_sheet_keeps_rows_without_a_value_at_its_end() -> None:
    rows = pa.table({"a": [None, 1, None], "b": pa.array([None, None, None], pa.string())})
    assert publish_and_read("x.xlsx", rows).equals(rows)


def test_control_characters_in_a_sheet_are_written_as_excel_writes_them(folder: Path) -> None:
    sheet = openpyxl.load_workbook(written(folder, "x.xlsx", pa.table({"t": ["a\r\n\0_x0041_"]})))
    assert sheet.active is not None
    assert sheet.active["A2"].value == "a_x000D_\n_x0000__x005F_x0041_"


_FAR = pa.array([2_932_897, 0], pa.int32()).cast(pa.date32())


@pytest.mark.parametrize(
    ("path", "cells", "words"),
    [
        ("x.csv", _FAR, "'v' contains 10000-01-01; dates in .csv range from the year 0000 to 9999"),
        ("x.xlsx", _FAR, "'v' contains 10000-01-01"),
        ("x.json", _FAR, "'v' contains 10000-01-01"),
        ("x.csv", pa.array([-(2**62)] * 2).cast(pa.timestamp("us")), "'v' contains .*-46116"),
        (
            "x.jsonl",
            pa.array([[-(2**62)]] * 2, pa.list_(pa.timestamp("us"))),
            "'v' contains .*-4611",
        ),
        *(
            (path, pa.array(cells, pa.timestamp("ns", "UTC")), "'v' contains 1677-09-21.*from 1677")
            for path in ("x.csv", "x.json", "x.xlsx")
            for cells in ([-(2**63) + 1, None],)
        ),
        ("x.jsonl", pa.array([[-(2**63) + 1], None], pa.list_(pa.timestamp("ns"))), "'v' .*1677"),
        ("x.json", pa.array([1.0, math.nan]), "'v' contains nan, which JSON cannot represent"),
        ("x.jsonl", pa.array([[math.inf], None]), "'v' contains inf"),
        ("x.json", pa.array([{"a": -math.inf}, None]), "'v' contains -inf"),
        ("x.xlsx", pa.array(["", None]), "'v' contains both NULL and empty texts"),
        (
            "x.xlsx",
            pa.array(["a", "x" * 32_768]),
            "'v' contains a text of 32,768 characters in row 3",
        ),
        ("x.csv", pa.array([b"1", b"2"]), "'v' of type binary cannot be stored in .csv"),
        ("x.csv", pa.array([{"a": 1}, None]), "'v' of type struct.* cannot be stored in .csv"),
        (
            "x.csv",
            pa.array([pa.MonthDayNano([1, 2, 3]), None]),
            "'v' of type month_day_nano_interval cannot be stored in .csv",
        ),
        ("x.json", pa.array([pa.MonthDayNano([1, 2, 3]), None]), "'v' of type .* in JSON"),
        ("x.parquet", pa.array([pa.MonthDayNano([1, 2, 3]), None]), "'v' of type .* in .parquet"),
        ("x.parquet", pa.array([100, None], pa.decimal128(4, -2)), "'v' of type .* in .parquet"),
    ],
)
def test_a_value_that_a_format_cannot_hold_is_refused_by_name(
    folder: Path, path: str, cells: pa.Array, words: str
) -> None:
    with pytest.raises(PublishError, match=words) as caught:
        written(folder, path, pa.table({"v": cells, "n": [1, 2]}))
    assert caught.value.hint


def test_one_column_of_texts_that_csv_cannot_distinguish(folder: Path) -> None:
    with pytest.raises(PublishError, match="'v' contains both NULL and empty texts"):
        written(folder, "x.csv", pa.table({"v": ["", None]}))
