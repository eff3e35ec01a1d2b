"""Errors and formulas in the cells of workbooks: named, never missing."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from datetime import time
from functools import partial
from pathlib import Path

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from fakes.binary_workbooks import xls, xlsb
from fakes.files import read, refusal, source_of
from jupyter_etl.sources.files.workbook_cells import cell_name
from sources.workbooks import ERRORS, edited, error_at, saved

BINARY: dict[str, Callable[..., bytes]] = {
    "xlsb": xlsb,
    "xls": xls,
    "large.xls": partial(xls, bytes_at_least=9000),
}


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
