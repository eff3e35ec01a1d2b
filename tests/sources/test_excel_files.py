"""Excel: hidden sheets, headers, large integers."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.worksheet.worksheet import Worksheet

from contracts.connector_contract import no_access
from fakes.files import NAIVE, opened, read, refusal, source_of
from jupyter_etl.sources.file_connector import FileConnector
from sources.workbooks import edited, saved

# -- sheets --------------------------------------------------------------------------------------


@pytest.fixture
def book(tmp_path: Path) -> Path:
    made = openpyxl.Workbook()
    made.active.title = "data"
    made.active.append(["a"])
    made.active.append([1])
    for name, state in (("cfg", "hidden"), ("secret", "veryHidden")):
        sheet = made.create_sheet(name, 0)
        sheet.append(["b"])
        sheet.append([2])
        sheet.sheet_state = state
    made.active = made.sheetnames.index("data")
    chart = BarChart()
    chart.add_data(Reference(made["data"], min_col=1, min_row=1, max_row=2))
    made.create_chartsheet("plot", 0).add_chart(chart)
    made.save(tmp_path / "book.xlsx")
    return tmp_path / "book.xlsx"


def test_hidden_and_chart_sheets_do_not_count(book: Path) -> None:
    source = source_of(book, "excel")
    found = opened(source)
    assert found.batches.read_all().to_pylist() == [{"a": 1}]
    assert found.notes == ("Skipped 3 hidden or chart sheets: plot, secret and cfg.",)
    (table,) = FileConnector().tables(source, no_access())
    assert (table.name, table.notes) == ("", found.notes)


def test_a_hidden_sheet_can_be_named(book: Path) -> None:
    for name in ("cfg", "secret"):
        assert read(source_of(book, "excel"), table=name).to_pylist() == [{"b": 2}]
        assert read(source_of(book, "excel", sheet=name)).to_pylist() == [{"b": 2}]
    assert opened(source_of(book, "excel", sheet="cfg")).notes == ()


def test_a_chart_sheet_has_no_cells(book: Path) -> None:
    problem = refusal(source_of(book, "excel", sheet="plot"))
    assert "'plot' of book.xlsx is a chart" in problem.message
    assert "data" in problem.hint


def test_several_visible_sheets_have_to_be_named(book: Path) -> None:
    made = openpyxl.load_workbook(book)
    made.create_sheet("more").append(["c"])
    made.save(book)
    problem = refusal(source_of(book, "excel"))
    assert "its sheets are data and more" in problem.message
    names = [table.name for table in FileConnector().tables(source_of(book, "excel"), no_access())]
    assert names == ["data", "more"]


def test_the_owner_file_of_excel_is_left_out(tmp_path: Path) -> None:
    saved(tmp_path / "book.xlsx", ["a"], [1])
    (tmp_path / "~$book.xlsx").write_bytes(b"\x03sam" + bytes(161))
    for place in ("", "*.xlsx"):
        found = opened(source_of(tmp_path / place, "excel"))
        assert found.batches.read_all().num_rows == 1
        assert found.notes == ("Skipped 1 file: ~$book.xlsx.",)


# -- headers and layout --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        (2024, "2024"),
        (2024.0, "2024"),
        (0.5, "0.5"),
        (date(2026, 1, 1), "2026-01-01"),
        (NAIVE, "2026-01-01 10:00:00"),
        (True, "TRUE"),
        (" padded ", "padded"),
        (None, "column_2"),
    ],
)
def test_headers_that_are_no_text(tmp_path: Path, cell: object, name: str) -> None:
    path = saved(tmp_path / "a.xlsx", ["a", cell, "z"], [1, 2, 3])
    assert read(source_of(path, "excel")).column_names == ["a", name, "z"]


def test_headers_that_become_equal_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", [2024, "2024"], [1, 2])
    assert "two columns named '2024'" in refusal(source_of(path, "excel")).message


@pytest.mark.parametrize("title", [["Sales of 2026"], [None, "made", "by hand"]])
def test_rows_above_the_header_are_skipped(tmp_path: Path, title: list[object]) -> None:
    path = saved(tmp_path / "a.xlsx", title, [], ["id", "v"], [1, 2])
    rows = read(source_of(path, "excel", skip="2")).select(["id", "v"]).to_pylist()
    assert rows == [{"id": 1, "v": 2}]


def test_skipped_rows_are_those_of_the_sheet(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", [], [], ["Title", None], ["id", "v"], [1, 2])
    assert read(source_of(path, "excel", skip="3")).to_pylist() == [{"id": 1, "v": 2}]
    assert "empty below row 9" in refusal(source_of(path, "excel", skip="9")).message


def test_a_sheet_without_header(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", [1, "x"], [2, "y"])
    assert read(source_of(path, "excel", header="no")).to_pylist() == [
        {"column_1": 1, "column_2": "x"},
        {"column_1": 2, "column_2": "y"},
    ]


# -- values --------------------------------------------------------------------------------------


def test_integers_of_more_than_53_bits_are_exact(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["id"], [1], [2**53 - 1], [111], [222])
    edited(path, r"<v>111</v>", "<v>9007199254740993</v>")
    edited(path, r"<v>222</v>", "<v>-9223372036854775808</v>")
    assert read(source_of(path, "excel"))["id"].to_pylist() == [
        1, 2**53 - 1, 2**53 + 1, -(2**63),
    ]  # fmt: skip


def test_a_large_integer_beside_fractions_is_refused_or_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["n"], [1.5], [111])
    edited(path, r"<v>111</v>", "<v>9007199254740993</v>")
    problem = refusal(source_of(path, "excel"))
    assert "column 'n' has 9007199254740993 in row 3" in problem.message
    assert "text=n" in problem.hint
    texts = read(source_of(path, "excel", text="n"))["n"].to_pylist()
    assert texts == ["1.5", "9007199254740993"]


def test_large_doubles_stay_doubles(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["n"], [1.5e300], [1e20])
    assert read(source_of(path, "excel"))["n"].to_pylist() == [1.5e300, 1e20]


def test_numbers_stored_as_text_stay_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["zip", "mixed"], ["01234", 1], ["00501", "2"])
    assert "column 'mixed' mixes numbers and text" in refusal(source_of(path, "excel")).message
    source = source_of(path, "excel", **{"type.mixed": "int64"})
    assert read(source).to_pydict() == {"zip": ["01234", "00501"], "mixed": [1, 2]}


def test_days_beside_days_with_times(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["t"], [date(2026, 1, 1)], [NAIVE])
    midnight = datetime(2026, 1, 1)  # noqa: DTZ001 - a sheet has no timezone
    assert read(source_of(path, "excel"))["t"].to_pylist() == [midnight, NAIVE]
    problem = refusal(source_of(path, "excel", **{"type.t": "date"}))
    assert "column 't'" in problem.message
    assert "row 3" in problem.message


def test_percents_times_and_durations_are_as_excel_keeps_them(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        sheet["A2"].number_format = "0.00%"

    row = [0.125, time(10, 30), timedelta(hours=30)]
    path = saved(tmp_path / "a.xlsx", ["p", "t", "d"], row, change=change)
    assert list(read(source_of(path, "excel")).to_pylist()[0].values()) == row


def test_declared_types(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["n", "price", "zip"], [1, 0.1, 501], [2, 2, None])
    declared = {"type.n": "int8", "type.price": "decimal(12,2)", "type.zip": "text"}
    assert read(source_of(path, "excel", **declared)).to_pylist() == [
        {"n": 1, "price": Decimal("0.10"), "zip": "501"},
        {"n": 2, "price": Decimal("2.00"), "zip": None},
    ]
    saved(tmp_path / "a.xlsx", ["n"], [1], [1.5])
    problem = refusal(source_of(path, "excel", **{"type.n": "int64"}))
    assert "column 'n'" in problem.message
    assert "row 3" in problem.message


@pytest.mark.parametrize("null", ["-999", "n/a", "-999,n/a"])
def test_what_means_missing_may_be_a_number(tmp_path: Path, null: str) -> None:
    missing = [-999 if part == "-999" else part for part in null.split(",")]
    path = saved(tmp_path / "a.xlsx", ["n"], [1], *([part] for part in missing))
    assert read(source_of(path, "excel", null=null))["n"].to_pylist() == [1] + [None] * len(missing)


def test_a_workbook_with_another_ending_or_compressed_again(tmp_path: Path) -> None:
    body = saved(tmp_path / "a.xlsx", ["a"], [1]).read_bytes()
    (tmp_path / "b.dat").write_bytes(body)
    assert read(source_of(tmp_path / "b.dat", "excel")).num_rows == 1
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xlsx", body)
    (tmp_path / "c.xlsx.zip").write_bytes(packed.getvalue())
    assert read(source_of(tmp_path / "c.xlsx.zip", "excel")).num_rows == 1
