"""Forms of CSV files: detected, named in an error, or set by options."""

from __future__ import annotations

import codecs
import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.files import opened, read, refusal, source_of
from jupyter_etl.errors import DeclarationError
from jupyter_etl.ports import Access, ReadRequest
from jupyter_etl.sources.csv import blocks, scan
from jupyter_etl.sources.file_connector import FileConnector

NOTHING = Access(secret=str, frame=str, publication=lambda name: None)  # type: ignore[arg-type,return-value]


def put(folder: Path, text: str | bytes, name: str = "a.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


FOUND: dict[str, tuple[str | bytes, dict[str, list[object]]]] = {
    "zeros behind a blank": ('id, zip\n1, 01234\n2,"00501 "\n', {" zip": [" 01234", "00501 "]}),
    "single column": ('"c"\n1\n\n3\n', {"c": [1, None, 3]}),
    "single column of pandas": ('c\n1\n""\n3\n', {"c": [1, None, 3]}),
    "blank lines": ("a,b\n1,2\n\n3,4\n\n", {"a": [1, 3], "b": [2, 4]}),
    "blank lines before the names": ("\n\na,b\n1,2\n", {"a": [1]}),
    "backslashes": ('id,n\n1,"He said \\"hi\\""\n2,z\n', {"n": ['He said "hi"', "z"]}),
    "backslashes in the names": ('id,"n \\"x\\""\n1,2\n', {'n "x"': [2]}),
    "backslash before the end": ('id,n\n1,"\\""\n2,"\\""\n', {"n": ['"', '"']}),
    "path that ends with a backslash": ('id,n\n1,"C:\\"\n2,"x"\n', {"n": ["C:\\", "x"]}),
    "inches": ('a,b\n1,5" pipe\n2,"x\ny"\n', {"b": ['5" pipe', "x\ny"]}),
    "a sep line": ("sep=;\r\na;b\r\n1;2\r\n", {"a": [1], "b": [2]}),
    "a sep line with a mark": ("\ufeffsep=|\na|b\n1|2\n", {"a": [1], "b": [2]}),
    "a quoted sep line": ('"sep=;"\na;b\n1;2\n', {"a": [1], "b": [2]}),
    "a mark": ("\ufeffa,b\n1,2\n", {"a": [1]}),
    "UTF-16": ("é;b\nü;2\n".encode("utf-16"), {"é": ["ü"], "b": [2]}),
    "UTF-16 big endian": (codecs.BOM_UTF16_BE + "é,b\nü,2\n".encode("utf-16-be"), {"é": ["ü"]}),
    "UTF-16 without a mark": ("name,b\nü,2\n".encode("utf-16-le"), {"name": ["ü"]}),
    "header alone": ("a,b", {"a": [], "b": []}),
    "header and newline": ("a,b\n", {"a": [], "b": []}),
    "index": (",a\n0,1\n", {"column_1": [0], "a": [1]}),
    "decimal commas": ("a;b\n1.375,45;2\n7,5;3\n", {"a": ["1.375,45", "7,5"], "b": [2, 3]}),
    "commas in the names": ("Price, EUR;Qty\n1,5;2\n3;4\n", {"Price, EUR": ["1,5", "3"]}),
    "tabs beside commas": ("x\tsome, text\n1\ta, b\n2\tc, d\n", {"some, text": ["a, b", "c, d"]}),
    "semicolons beside sentences": ("x;y\n1;a, b\n", {"y": ["a, b"]}),
    "semicolons beside commas": (
        "x;some, text\n1;a, b\n2;c, d\n",
        {"some, text": ["a, b", "c, d"]},
    ),
    "semicolons in cells": ("id,tags\n1,a;b\n2,c;d\n", {"tags": ["a;b", "c;d"]}),
    "delimiters in quotes": ('"a;b;c","d"\n1,2\n', {"a;b;c": [1], "d": [2]}),
    "carriage returns": ("a,b\r1,2\r", {"a": [1], "b": [2]}),
    "names over two lines": ('"a\nx",b\n1,2\n', {"a\nx": [1], "b": [2]}),
    "no last newline": ("a,b\n1,2", {"a": [1], "b": [2]}),
    "lines of blanks": ("  \na,b\n1,2\n \t \n3,4\n  ", {"a": [1, 3], "b": [2, 4]}),
    "a blank for a name": ('" "\n1\n2\n', {"column_1": [1, 2]}),
    "a quoted nothing for a name": ('""\n1\n2\n', {"column_1": [1, 2]}),
    "tabs for blanks": ("a\tb\n1\t2\n\t \t\n3\t4\n", {"a": [1, 3]}),
    "lines of blanks beside inches": ('a,b\n1,5" x\n \n', {"a": [1], "b": ['5" x']}),
    "the end of a file of DOS": ("a,b\r\n1,2\r\n\x1a", {"a": [1], "b": [2]}),
    "the end of a column of DOS": ("a\r\n1\r\n\x1a", {"a": [1]}),
    "delimiters behind rows alone": ("a,b\n1,2,\n3,4,\n", {"b": [2, 4], "column_3": [None] * 2}),
    "a mark in a cell": ("a,b\n\ufeffx,2\n", {"a": ["\ufeffx"]}),
    "a mark in a cell beside inches": ('a,b\n\ufeff5" x,2\n', {"a": ['\ufeff5" x']}),
    "backslashes of paths": (
        'a,b\n"x\\"y","C:\\new"\n"z\\\\","\\é"\n',
        {"a": ['x"y', "z\\"], "b": ["C:\\new", "\\é"]},
    ),
    "names in angle brackets": ("<TICKER>,<DATE>\nA,1\n", {"<TICKER>": ["A"]}),
    "words alone": ("country,n\nNA,1\nNA,NA\n", {"country": ["NA", "NA"], "n": [1, None]}),
}


@pytest.mark.parametrize("case", FOUND)
def test_forms_that_are_found(tmp_path: Path, case: str) -> None:
    text, columns = FOUND[case]
    table = read(source_of(put(tmp_path, text), "csv"))
    assert {name: table[name].to_pylist() for name in columns} == columns


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "euro": (b"a,b\n1,5 \x80\n", "encoding=cp1252"),
    "dashes": (b"a\nParis \x96 Lyon\n", "encoding=cp1252"),
    "Latin-1": ("a\nKöln\n".encode("latin-1"), "encoding=latin-1"),
    "Latin-1 in the names": ("Größe,b\n1,2\n".encode("latin-1"), "encoding=latin-1"),
    "Mac Roman": ("a\nMünchen\ncafé\n".encode("mac-roman"), "encoding=mac-roman"),
    "Mac Roman in the names": ("Größe,b\n1,2\n".encode("mac-roman"), "encoding=mac-roman"),
    "late": (b"a,b\n" + b"x,1\n" * 100_000 + "é,2\n".encode("latin-1"), "encoding=latin-1"),
    "Shift-JIS": ("名,都\n太郎さん,東京\n".encode("cp932"), "encoding=cp932"),
    "GBK": ("姓名,城市\n张三,北京\n李四,上海\n".encode("gbk"), "encoding=gb18030"),
    "Big5": ("姓名,城市\n張三,臺北\n王小明,高雄市\n".encode("big5"), "encoding=big5"),
    "Korean": ("이름,도시\n홍길동,서울\n".encode("cp949"), "encoding=cp949"),
    "Cyrillic": ("имя,город\nИван,Москва\n".encode("cp1251"), "encoding=cp1251"),
    "damaged UTF-8": ("a\nMüller\nKöln\n".encode() + b"x\xff\n", "UTF-8 with damaged bytes"),
    "half a character": ("a\nMüller Köln\ncafé".encode()[:-1], "UTF-8 with damaged bytes"),
    "half of UTF-16": ("a,b\n1,é\n".encode("utf-16")[:-1], "It may be truncated"),
    "JSON": ('[{"a": 1},\n{"a": 2}]', "is JSON, not CSV"),
    "an error in JSON": ('{"message":"Not Found"}', "is JSON, not CSV"),
    "an error in XML": ("<Error><Code>NoSuchKey</Code></Error>", "is XML, not CSV"),
    "blanks alone": (" \n \n", "no line with column names"),
    "text behind a quote": ('a,b\n1,"x"y\n', "line 2 of a.csv has text after a closing quote"),
    "an open quote": ('a,b\n1,"x\n2,y\n', "a quote that is not closed"),
    "an open quote behind inches": ('a,b\n1,5" x\n2,"y', "a quote that is not closed"),
    "a footer": ("a,b\n1,2\nTotal\n", "row 2 has 1 cell instead of 2: 'Total'"),
    "too many cells": ("a,b\n1,2\n1,2,3\n", "row 2 has 3 cells instead of 2: '1,2,3'"),
    "escaped delimiters": ("a,b\n1\\,2,3\n", "option escape=backslash"),
    "twins": ("a,a\n1,2\n", "two columns named 'a'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_forms_that_are_named(tmp_path: Path, case: str) -> None:
    text, message = REFUSED[case]
    assert message in str(refusal(source_of(put(tmp_path, text), "csv")))


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "mac-roman", "utf-16", "utf-8", "gbk"])
def test_declared_encodings(tmp_path: Path, encoding: str) -> None:
    text = "Größe;n\n" + "Köln;1\n" * 50_000 if encoding != "gbk" else "名;n\n" + "北;1\n" * 50_000
    table = read(source_of(put(tmp_path, text.encode(encoding)), "csv", encoding=encoding))
    assert (table.num_rows, table["n"].to_pylist()[-1]) == (50_000, 1)
    assert table.column(0).to_pylist()[-1] == text.splitlines()[-1].partition(";")[0]


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("a;b\n1.375,45;x\n-7,5;y\n", {"decimal": ",", "thousands": "."}, [1375.45, -7.5]),
        ("a\n31.12.2026\n", {"date": "%d.%m.%Y"}, [date(2026, 12, 31)]),
        ("a,b\n1,x\n,\n", {"type.a": "decimal(5,2)"}, [Decimal("1.00"), None]),
        ("a,b\n1,x\n", {"type.a": "text"}, ["1"]),
        ("a\n007\n", {"type.a": "int64"}, [7]),
        ("a\n1\n2\n", {"text": "a"}, ["1", "2"]),
        ("a,b\n-,x\n1,y\n", {"null": "-"}, [None, 1]),
        ("a|b\n'x|y'|2\n", {"quote": "'", "delimiter": "|"}, ["x|y"]),
        ("a,b\nx\\,y,1\n", {"escape": "\\"}, ["x,y"]),
        ("a,b\nx\\,y,1\n", {"escape": "backslash"}, ["x,y"]),
        ("# note\na\tb\n1\t2\n", {"skip": "1"}, [1]),
        ("a\tb\n1\t2\n", {"delimiter": "tab"}, [1]),
        ("a\x01b\n1\x012\n", {"delimiter": "\\x01"}, [1]),
        ('a,b\n"5,2\n', {"quote": "\\x01"}, ['"5']),
        ("a,b\n\\N,2\n1,3\n", {"escape": "backslash"}, [None, 1]),
        ("a,b\nx\\ny\\,z,2\n", {"escape": "backslash"}, ["x\\ny,z"]),
        ("a,b\n-,x\n?,y\n1,z\n", {"null": "-, ?"}, [None, None, 1]),
        ("\ufeffa,b\nü,1\n", {"encoding": "latin-1"}, ["ü"]),
        ("a,b\n1,2\n", {"encoding": "utf-8-sig"}, [1]),
        ("a,b\n1,2\n3,4\nTotal: 2 rows\n", {"footer": "1"}, [1, 3]),
        ("a,b\n1,2\n\nTotal\n\nby me\n\n", {"footer": "2"}, [1]),
        ("a\n1\n\n2\nTotal", {"footer": "1"}, [1, None, 2]),
        ('a,b\n1,5" x\nTotal\n', {"footer": "1"}, [1]),
    ],
)
def test_options(
    tmp_path: Path, text: str, options: dict[str, str], expected: list[object]
) -> None:
    assert read(source_of(put(tmp_path, text), "csv", **options)).column(0).to_pylist() == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"thousands": ".."}, "option thousands is '..'"),
        ({"thousands": "."}, "decimal and thousands are both '.'"),
        ({"thousands": "5"}, "option thousands is '5'"),
        ({"decimal": "-"}, "option decimal is '-'"),
        ({"escape": "ab"}, "option escape is 'ab'"),
        ({"quote": ";", "delimiter": ";"}, "delimiter and quote are both ';'"),
        ({"date": "dd.mm.yyyy"}, "not the form of a date"),
        ({"date": "%d.%m."}, "not the form of a date"),
        ({"date": "%d.%m.%Y|%H:%M"}, "not the form of a date"),
        ({"type.a": "number"}, "option type.a is 'number', which is not a type"),
        ({"text": "a", "type.a": "date"}, "declared as text"),
        ({"typ.a": "text"}, "no option 'typ.a'"),
        ({"encoding": "klingon"}, "encoding is 'klingon'"),
        ({"footer": "-1"}, "option footer is '-1'"),
        ({"skip": "x"}, "option skip is 'x'"),
        ({"delimiter": "\\x0a"}, "option delimiter is"),
    ],
)
def test_options_that_are_refused(tmp_path: Path, options: dict[str, str], message: str) -> None:
    problem = refusal(source_of(put(tmp_path, "a,b\n1,2\n"), "csv", **options))
    assert isinstance(problem, DeclarationError)
    assert message in problem.message


def test_a_file_that_is_utf8_beside_another_encoding_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a\nKöln\n".encode("latin-1"), "a.csv")
    put(tmp_path, "a\nKöln\n".encode(), "b.csv")
    put(tmp_path, "a\nBonn\n", "c.csv")
    found = opened(source_of(tmp_path, "csv", encoding="latin-1"))
    assert found.notes == ("b.csv looks like UTF-8, but is read as iso8859-1.",)


def test_a_footer_behind_many_pieces(tmp_path: Path) -> None:
    rows = "".join(f"{n},x{n}\n" for n in range(200_000))
    path = put(tmp_path, f"a,b\n{rows}\nTotal 200000\n\n")
    table = read(source_of(path, "csv", footer="1"))
    assert table["a"].to_pylist() == list(range(200_000))


@pytest.mark.parametrize(
    "kind",
    ["int64", "uint8", "float", "double", "decimal(5,2)", "bool", "date", "time", "timestamp"],
)
def test_a_declared_column_may_be_empty(tmp_path: Path, kind: str) -> None:
    path = put(tmp_path, "a,b\n,x\nNA,y\n")
    assert read(source_of(path, "csv", **{"type.a": kind}))["a"].to_pylist() == [None, None]
    late = put(tmp_path, "a,b\n" + ",x\n" * 10 + "zz,y\n")
    assert "row 11 has 'zz'" in refusal(source_of(late, "csv", **{"type.a": kind})).message


@pytest.mark.parametrize("text", ["1e-400", "-1.5e-999", "1e400"])
def test_a_declared_double_is_not_zero_or_infinite(tmp_path: Path, text: str) -> None:
    source = source_of(put(tmp_path, f"a\n0.0\n{text}\n"), "csv", **{"type.a": "double"})
    assert f"row 2 has '{text}'" in refusal(source).message


def test_a_declared_type_names_the_row_in_any_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "BLOCK_BYTES", 64)
    path = put(tmp_path, "a,b\n" + "1,x\n" * 1000 + "?,y\n" + "1,x\n" * 10)
    problem = refusal(source_of(path, "csv", **{"type.a": "int64"}))
    assert "column 'a' is declared as int64; row 1,001 has '?'" in problem.message
    assert "no column 'c'" in refusal(source_of(path, "csv", **{"type.c": "int64"})).message


def test_a_column_is_decided_once_for_all_files(tmp_path: Path) -> None:
    put(tmp_path, "zip,n,day\n12345,1,2026-12-31\n", "a.csv")
    put(tmp_path, "zip,n,day,more\n02215,1.5,NA,x\n", "b.csv")
    put(tmp_path, "zip,n\n1,NA\n", "c.csv")
    table = read(source_of(tmp_path, "csv"))
    assert table.to_pydict() == {
        "zip": ["12345", "02215", "1"],
        "n": [1.0, 1.5, None],
        "day": [date(2026, 12, 31), None, None],
        "more": [None, "x", None],
    }


LATE: dict[str, tuple[str, str, str]] = {
    "integers": ("17", "02215", "string"),
    "dates": ("2026-12-31", "soon", "string"),
    "doubles with zeros": ("1.50", "x", "string"),
    "blanks": (" 17", "x", "string"),
    "bools": ("true", "NA", "string"),
    "times": ("10:00", "10:00:00", "string"),
    "timestamps": ("2026-12-31 10:00:00", "later", "string"),
    "integers and fractions": ("17", "1.5", "double"),
    "fractions of seconds": (
        "2026-12-31 10:00:00",
        "2026-12-31 10:00:00.123456789",
        "timestamp[ns]",
    ),
    "words first": ("NA", "5", "int64"),
    "words, then text": ("NA", "x", "string"),
    "bools after words": ("NA", "true", "string"),
}


@pytest.mark.parametrize("keep_bytes", [scan.KEEP_BYTES, 0])
@pytest.mark.parametrize("case", LATE)
def test_a_value_far_behind_decides_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, keep_bytes: int
) -> None:
    monkeypatch.setattr(scan, "BLOCK_BYTES", 256)
    monkeypatch.setattr(scan, "KEEP_BYTES", keep_bytes)
    usual, last, kind = LATE[case]
    texts = [usual] * 500 + [last] + [usual] * 50
    path = put(tmp_path, "x,n\n" + "".join(f"{text},1\n" for text in texts))
    table = read(source_of(path, "csv"))
    assert str(table["x"].type) == kind
    assert table["n"].to_pylist() == [1] * 551
    if kind == "string":
        assert table["x"].to_pylist() == texts
    else:
        assert table["x"].slice(500, 1).is_valid().to_pylist() == [True]
        assert table["x"].null_count == (550 if usual == "NA" else 0)


def test_quotes_over_the_ends_of_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scan, "BLOCK_BYTES", 64)
    cells = [f'line {n}\nsays ""x"", {n}' for n in range(300)]
    path = put(tmp_path, "a,b\n" + "".join(f'{n},"{cell}"\n' for n, cell in enumerate(cells)))
    table = read(source_of(path, "csv"))
    assert table["b"].to_pylist() == [cell.replace('""', '"') for cell in cells]
    assert table["a"].to_pylist() == list(range(300))


@pytest.mark.parametrize("end", ["\n", "\r"])
def test_blocks_without_an_end_of_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, end: str
) -> None:
    monkeypatch.setattr(scan, "BLOCK_BYTES", 1024)
    cells = ['5" pipe' if end == "\n" and n == 0 else f"c{n}" for n in range(3_000)]
    path = put(tmp_path, end.join(["a,b", *(f"{n},{cell}" for n, cell in enumerate(cells))]))
    table = read(source_of(path, "csv"))
    assert table["b"].to_pylist() == cells
    assert table["a"].to_pylist() == list(range(3_000))


def test_notes_and_reasons(tmp_path: Path) -> None:
    path = put(tmp_path, ',amount,zip\n0,"1.375,45",007\n1,"2,5",123\n')
    notes = opened(source_of(path, "csv")).notes
    assert notes == (
        "Columns without a name are named column_1.",
        "amount looks like 1.375,45: add --option decimal=, --option thousands=.",
    )
    (table,) = FileConnector().tables(source_of(path, "csv"), NOTHING)
    assert table.rows == 2
    assert "zip: string, '007' (row 1) is not a number, date or bool." in table.notes
    assert "column_1: int64, every value is a 64-bit integer." in table.notes


def test_a_preview_shows_that_it_has_not_seen_all(tmp_path: Path) -> None:
    path = put(tmp_path, "a\n" + "1\n" * 1_000_000 + "x\n")
    with opened(source_of(path, "csv"), limit=5).batches as batches:
        assert batches.read_all().num_rows == 5
    (note,) = opened(source_of(path, "csv"), limit=5).notes
    assert note.startswith("Types are inferred from the first ")
    (table,) = FileConnector().tables(source_of(path, "csv"), NOTHING)
    assert table.rows is None
    assert note.split(" rows")[0] in " ".join(table.notes)


def test_a_preview_that_has_seen_all_adds_no_note(tmp_path: Path) -> None:
    path = put(tmp_path, "a\n" + "1\n" * 20)
    assert opened(source_of(path, "csv"), limit=5).notes == ()
    put(tmp_path, "a\n1\n", "b.csv")
    assert len(opened(source_of(tmp_path, "csv"), limit=5).notes) == 1


def test_many_columns(tmp_path: Path) -> None:
    names = [f"c{n}" for n in range(3_000)]
    rows = [",".join(str(n * row) for n in range(3_000)) for row in range(1, 4)]
    path = put(tmp_path, "\n".join([",".join(names), *rows]))
    table = read(source_of(path, "csv"))
    assert table.column_names == names
    assert table.column(2_999).to_pylist() == [2_999, 5_998, 8_997]


def test_columns_that_are_not_asked_for_are_not_read(tmp_path: Path) -> None:
    path = put(tmp_path, "a,b,c\n1,x,2.5\n")
    with (
        FileConnector()
        .read(source_of(path, "csv"), ReadRequest(columns=("c", "a")), NOTHING)
        .batches as batches
    ):
        assert batches.read_all().to_pydict() == {"c": [2.5], "a": [1]}


@settings(deadline=None, max_examples=100)
@given(
    rows=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=6),
            st.sampled_from(["1", "-2", "03", "4.5", "NA", "", "1e5", "2026-12-31", "true", "x"]),
        ),
        min_size=1,
        max_size=12,
    ),
    block=st.integers(8, 64),
)
def test_every_table_of_texts_comes_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]], block: int
) -> None:
    folder = tmp_path_factory.mktemp("texts")
    cells = [[json.dumps(n), *row] for n, row in enumerate(rows)]
    quoted = [",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in cells]
    path = put(folder, "\n".join(["n,a,b", *quoted]) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scan, "BLOCK_BYTES", block)
        table = read(source_of(path, "csv"))
    for index, name in enumerate(("a", "b")):
        column = table[name]
        if pa.types.is_string(column.type) or pa.types.is_null(column.type):
            assert column.to_pylist() == [row[index] or None for row in rows]
            continue
        for value, row in zip(column.to_pylist(), rows, strict=True):
            text = row[index].strip()
            if value is None:
                assert text in ("", "NA")
            elif pa.types.is_floating(column.type):
                assert Decimal(repr(value)) == Decimal(text)
            else:
                assert str(value).lower() == text.lower()
    assert blocks.BLOCK_BYTES > 64
