"""Excel: errors and formulas in cells, hidden sheets, headers, large integers."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.worksheet.worksheet import Worksheet

from contracts.connector_contract import no_access
from fakes.binary_workbooks import xls, xlsb
from fakes.files import NAIVE, opened, read, refusal, source_of
from jupyter_etl.sources.file_connector import FileConnector
from jupyter_etl.sources.files.workbook_cells import cell_name

ERRORS = ("#DIV/0!", "#REF!", "#N/A", "#VALUE!", "#NAME?", "#NUM!", "#NULL!")


def saved(path: Path, *rows: list[object], change: Callable[[Worksheet], object] = id) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    change(book.active)
    book.save(path)
    return path


def edited(path: Path, old: str, new: str, part: str = "xl/worksheets/sheet1.xml") -> Path:
    """Change the XML of a sheet by a regular expression, which must match."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    text, count = re.subn(old, new, parts[part].decode(), flags=re.DOTALL)
    assert count
    parts[part] = text.encode()
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return path


def error_at(place: str, error: str = "#DIV/0!") -> Callable[[Worksheet], None]:
    def change(sheet: Worksheet) -> None:
        sheet[place].value = error
        sheet[place].data_type = "e"

    return change


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "cell"),
    [
        ([["a"], ["=1+1"]], "A2"),
        ([["a", "b"], [1, 2], [3, 4], [None, "=B2+B3"]], "B4"),
        ([["a"], [1, "=A2"]], "B2"),
    ],
)
def test_formulas_behind_the_last_value_are_named(
    tmp_path: Path, rows: list[list[object]], cell: str
) -> None:
    problem = refusal(source_of(saved(tmp_path / "a.xlsx", *rows), "excel"))
    assert f"cell {cell}" in problem.message
    assert "a formula whose value is not in the file" in problem.message


@pytest.mark.parametrize("number", [-0.5, -1, -0.02])
def test_negative_times_are_named(tmp_path: Path, number: float) -> None:
    def shown(sheet: Worksheet) -> None:
        for row in sheet.iter_rows(min_row=2):
            row[0].number_format = "h:mm"

    path = saved(tmp_path / "a.xlsx", ["t", "n"], [0.5, -1], [number, 2], change=shown)
    assert (
        "cell A3 (column 't') contains the error ########"
        in refusal(source_of(path, "excel")).message
    )
    table = read(source_of(path, "excel", null="########"))
    assert table["t"].to_pylist() == [time(12), None]
    assert table["n"].to_pylist() == [-1, 2]


def test_words_for_missing_values_stand_apart_by_commas_and_blanks(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["a"], [1], ["-"], ["?"])
    assert read(source_of(path, "excel", null="-, ?"))["a"].to_pylist() == [1, None, None]


@pytest.mark.parametrize("error", ERRORS)
def test_an_error_in_a_cell_is_named_and_never_missing(tmp_path: Path, error: str) -> None:
    path = saved(
        tmp_path / "a.xlsx", ["id", "v"], [1, 5], [2, None], [3, 7], change=error_at("B3", error)
    )
    problem = refusal(source_of(path, "excel"))
    assert (
        "a.xlsx, sheet 'Sheet': cell B3 (column 'v') contains the error " + error in problem.message
    )
    assert f"--option null={error}" in problem.hint
    assert not problem.retryable
    assert read(source_of(path, "excel", null=error))["v"].to_pylist() == [5, None, 7]
    assert read(source_of(path, "excel", text="v"))["v"].to_pylist() == ["5", error, "7"]


def test_all_errors_of_a_sheet_are_in_the_hint(tmp_path: Path) -> None:
    def change(sheet: Worksheet) -> None:
        error_at("B3", "#N/A")(sheet)
        error_at("A2", "#REF!")(sheet)

    path = saved(tmp_path / "a.xlsx", ["id", "v"], [None, 5], [2, None], change=change)
    problem = refusal(source_of(path, "excel", null="#N/A"))
    assert "cell A2" in problem.message
    assert "null=#N/A,#REF!" in problem.hint
    assert read(source_of(path, "excel", null="#N/A,#REF!")).to_pylist() == [
        {"id": None, "v": 5},
        {"id": 2, "v": None},
    ]


@pytest.mark.parametrize(
    "rows", [[["id", "v"], [1, None]], [[], [], ["", "id", "v"], ["", 1, None]]]
)
def test_the_name_of_a_cell_is_that_of_the_sheet(tmp_path: Path, rows: list[list[object]]) -> None:
    place = cell_name(len(rows) - 1, len(rows[-1]) - 1)
    path = saved(tmp_path / "a.xlsx", *rows, change=error_at(place))
    assert f"cell {place} (column 'v')" in refusal(source_of(path, "excel")).message


def test_an_error_in_the_header_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["id", None], [1, 2], change=error_at("B1"))
    assert "cell B1 (the header) contains the error" in refusal(source_of(path, "excel")).message


def test_an_error_in_another_sheet_or_above_the_header_does_not_matter(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["x", None], ["id", "v"], [1, 2], change=error_at("B1"))
    book = openpyxl.load_workbook(path)
    error_at("A2")(book.create_sheet("other"))
    book.save(path)
    source = source_of(path, "excel", skip="1")
    assert read(source, table="Sheet").to_pylist() == [{"id": 1, "v": 2}]
    assert "cell A2" in refusal(source, table="other").message


def test_errors_are_found_however_the_xml_is_written(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["id", "v"], [1, None], [2, 5], change=error_at("B2"))
    edited(path, r'<c r="B2" t="e">', "<c t='e' r='B2'>")
    assert "cell B2" in refusal(source_of(path, "excel")).message
    edited(path, r' r="[A-Z]\d"', "")
    edited(path, r" r='[A-Z]\d'", "")
    edited(path, r'<row r="\d"', "<row")
    assert "cell B2" in refusal(source_of(path, "excel")).message


def test_text_that_looks_like_an_error_is_text(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["id", "v"], [1, "ok"], [2, 't="e"'])
    with_text = saved(
        tmp_path / "b.xlsx",
        ["id", "v"],
        [1, "#N/A"],
        change=lambda sheet: setattr(sheet["B2"], "data_type", "s"),
    )
    assert read(source_of(path, "excel"))["v"].to_pylist() == ["ok", 't="e"']
    assert read(source_of(with_text, "excel"))["v"].to_pylist() == ["#N/A"]


@pytest.mark.parametrize("formula", ["=A2*2", "=SUM(A2:A3)"])
def test_a_formula_that_was_never_calculated_is_named(tmp_path: Path, formula: str) -> None:
    path = saved(tmp_path / "a.xlsx", ["id", "v"], [1, formula], [2, 5])
    problem = refusal(source_of(path, "excel"))
    assert (
        "cell B2 (column 'v') contains a formula whose value is not in the file" in problem.message
    )
    assert "save it" in problem.hint
    edited(path, r"(<f>.*?</f>)<v ?/>", r"\1")
    assert "cell B2" in refusal(source_of(path, "excel")).message


def test_a_formula_with_its_value_is_read(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.xlsx", ["id", "v", "t"], [1, "=A2*2", '=""'], [2, 5, "x"])
    edited(path, r"<f>A2\*2</f><v ?/>", "<f>A2*2</f><v>2</v>")
    edited(path, r'<c r="C2"[^>]*><f>""</f><v ?/>', '<c r="C2" t="str"><f>""</f><v></v>')
    assert read(source_of(path, "excel")).to_pylist() == [
        {"id": 1, "v": 2, "t": None},
        {"id": 2, "v": 5, "t": "x"},
    ]


def test_errors_of_libreoffice_are_named(tmp_path: Path) -> None:
    cell = '<table:table-cell office:value-type="float" office:value="{}"/>'
    error = (
        '<table:table-cell office:value-type="string" office:string-value="" '
        'calcext:value-type="error"><text:p>#DIV/0!</text:p></table:table-cell>'
    )
    head = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    rows = (
        f"<table:table-row>{head.format('a')}{head.format('b')}</table:table-row>"
        f'<table:table-row table:number-rows-repeated="2">{cell.format(1)}{cell.format(2)}'
        "</table:table-row>"
        f"<table:table-row>{cell.format(1)}{error}</table:table-row>"
    )
    names = {
        "office": "office:1.0",
        "table": "table:1.0",
        "text": "text:1.0",
    }
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{urn}"' for name, urn in names.items()
    )
    content = (
        f'<office:document-content {spaces} xmlns:calcext="urn:org:documentfoundation:names:'
        'experimental:calc:xmlns:calcext:1.0"><office:body><office:spreadsheet>'
        f'<table:table table:name="S">{rows}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(tmp_path / "a.ods", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    problem = refusal(source_of(tmp_path / "a.ods", "excel"))
    assert "cell B4 (column 'b') contains the error #DIV/0!" in problem.message
    kept = read(source_of(tmp_path / "a.ods", "excel", null="#DIV/0!"))
    assert kept["b"].to_pylist() == [2, 2, None]


BINARY: dict[str, Callable[..., bytes]] = {
    "xlsb": xlsb,
    "xls": xls,
    "large.xls": partial(xls, bytes_at_least=9000),
}


@pytest.mark.parametrize("ending", BINARY)
def test_errors_in_binary_workbooks_are_named(tmp_path: Path, ending: str) -> None:
    rows: list[list[object]] = [["id", "v"], [1, b"\x07"], [2, (b"\x2a",)], [3, 5]]
    path = tmp_path / f"a.{ending}"
    path.write_bytes(BINARY[ending]({"fine": [["x"], [1]], "odd": rows}))
    assert read(source_of(path, "excel", sheet="fine")).to_pylist() == [{"x": 1}]
    problem = refusal(source_of(path, "excel", sheet="odd"))
    assert "sheet 'odd': cell B2 (column 'v') contains the error #DIV/0!" in problem.message
    assert "null=#DIV/0!,#N/A" in problem.hint
    kept = read(source_of(path, "excel", sheet="odd", null="#DIV/0!,#N/A"))
    assert kept["v"].to_pylist() == [None, None, 5]
    assert "cell B3" in refusal(source_of(path, "excel", sheet="odd", null="#DIV/0!")).message


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
