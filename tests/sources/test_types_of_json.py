"""Values of JSON: exact or refused, with one type per column, whatever the batches."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.connector_contract import no_access
from jupyter_etl.errors import DeclarationError, EtlError, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import ReadRequest
from jupyter_etl.sources.file_connector import FileConnector
from jupyter_etl.sources.files import json_records

BIG = 2**53 + 1
LONG = "0.12345678901234567890"


def read(path: Path, kind: str = "jsonl", **options: str) -> pa.Table:
    source = Source(name="s", kind=kind, location=str(path), options=options)
    return FileConnector().read(source, ReadRequest(), no_access()).batches.read_all()


def refusal(path: Path, kind: str = "jsonl", **options: str) -> EtlError:
    with pytest.raises(EtlError) as caught:
        read(path, kind, **options)
    return caught.value


def written(path: Path, values: list[str]) -> Path:
    path.write_text("".join(f'{{"x": {text}}}\n' for text in values))
    return path


def cut(monkeypatch: pytest.MonkeyPatch, records: int) -> None:
    monkeypatch.setattr(json_records, "CHUNK_RECORDS", records)


# -- one type for all parts ------------------------------------------------------------------------

COLUMNS: list[tuple[list[str], str]] = [
    (["1", "2"], "int64"),
    (["1", "null", "2"], "int64"),
    (["null", "null"], "null"),
    (["1", "2.5"], "double"),
    (["2.5", "1"], "double"),
    (["1.0", "2"], "double"),
    (["1.5", LONG], "decimal128(21, 20)"),
    ([LONG, "1"], "decimal128(21, 20)"),
    ([LONG, "0"], "decimal128(21, 20)"),
    ([LONG, "0.0"], "decimal128(21, 20)"),
    (["1", str(2**63)], "decimal128(19, 0)"),
    (["1.5", str(2**63)], "decimal128(20, 1)"),
    (["2.0", str(2**64)], "decimal128(20, 0)"),
    (["1.5", str(BIG)], "decimal128(17, 1)"),
    ([str(BIG), "1.5"], "decimal128(17, 1)"),
    ([str(2**53), "1.5"], "double"),
    ([str(BIG), "1"], "int64"),
    (['"a"', "null"], "string"),
    (["true", "null", "false"], "bool"),
    (["[1, null]", f"[{BIG}]"], "list<item: int64>"),
    (["[]", "[1]"], "list<item: int64>"),
    (["[]", "[1.5]", "[]"], "list<item: double>"),
    (["[1]", "[1.5]"], "list<item: double>"),
    (["[1.5]", f"[{LONG}]", "null"], "list<item: decimal128(21, 20)>"),
    (["[[1]]", "[[]]", f"[[{2**63}]]"], "list<item: list<item: decimal128(19, 0)>>"),
    (['{"a": 1}', '{"b": "x"}'], "struct<a: int64, b: string>"),
    (['{"a": 1}', "null", '{"a": 2.5}'], "struct<a: double>"),
    (['{"a": 1.5}', f'{{"a": {LONG}, "b": {2**64}}}'], "struct<a: decimal128(21, 20), b: decimal128(20, 0)>"),
    (['{"a": {"b": null}}', '{"a": {"c": 1}}'], "struct<a: struct<b: null, c: int64>>"),
    (['[{"a": 1}]', f'[{{"a": {2**63}}}, null]'], "list<item: struct<a: decimal128(19, 0)>>"),
    (["{}", '{"a": 1}'], "struct<a: int64>"),
    (["1e22", "1.5"], "double"),
    (["1e22", str(2**64)], "decimal128(23, 0)"),
]  # fmt: skip


@pytest.mark.parametrize(("values", "kind"), COLUMNS, ids=str)
@pytest.mark.parametrize("records", [1, 2, 50_000])
def test_a_type_is_that_of_all_records(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[str], kind: str, records: int
) -> None:
    cut(monkeypatch, records)
    column = read(written(tmp_path / "a.jsonl", values))["x"]
    assert str(column.type) == kind
    there = json.loads(f"[{','.join(values)}]", parse_float=Decimal)
    assert [plain(v) for v in column.to_pylist()] == [filled(v, column.type) for v in there]


@pytest.mark.parametrize(("values", "kind"), COLUMNS, ids=str)
def test_a_type_is_that_of_all_files(tmp_path: Path, values: list[str], kind: str) -> None:
    for number, value in enumerate(values):
        (tmp_path / f"{number}.json").write_text(f'[{{"x": {value}}}]')
    assert str(read(tmp_path, "json")["x"].type) == kind


def plain(value: Any) -> Any:
    """Make numbers comparable: a double as the decimal of its text."""
    if isinstance(value, float):
        return Decimal(repr(value))
    if isinstance(value, dict):
        return {name: plain(inner) for name, inner in value.items()}
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def filled(value: Any, kind: pa.DataType) -> Any:
    """Add the names that an object lacks and its type has."""
    if isinstance(value, dict):
        return {field.name: filled(value.get(field.name), field.type) for field in kind}
    return [filled(v, kind.value_type) for v in value] if isinstance(value, list) else value


def test_49999_and_50001_records_have_the_same_rules(tmp_path: Path) -> None:
    for rows in (49_999, 50_001):
        path = written(tmp_path / f"{rows}.jsonl", ["1.5"] * (rows - 1) + [LONG])
        table = read(path)
        assert str(table.schema.field("x").type) == "decimal128(21, 20)"
        assert table["x"][rows - 1].as_py() == Decimal(LONG)


_SCALAR = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20).map(str),
    st.integers(-(2**54), 2**54).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**9), max_value=10**9).map(lambda d: format(d, "f")),
    st.text(st.characters(codec="utf-8"), max_size=3).map(json.dumps),
)  # fmt: skip
_SHAPES = st.sampled_from(["{0}", "[{0}]", "[]", '{{"a": {0}}}', '{{"b": [{0}, null]}}', "[[{0}]]"])


def texts() -> st.SearchStrategy[list[str]]:
    """Mostly columns of one kind, so that many have a type."""

    def of(kind: st.SearchStrategy[Any], shapes: list[str]) -> st.SearchStrategy[list[str]]:
        value = st.builds(
            lambda shape, v: shape.format(v if isinstance(v, str) else json.dumps(v)),
            st.sampled_from(shapes),
            kind,
        )
        return st.lists(st.one_of(st.just("null"), value), min_size=1, max_size=9)

    numbers = st.one_of(
        st.integers(-3, 3).map(str),
        st.integers(-(10**20), 10**20).map(str),
        st.integers(2**53 - 1, 2**53 + 1).map(str),
        st.floats(-1e18, 1e18).map(repr),
        st.decimals(-10, 10, places=17).map(lambda d: format(d, "f")),
    )
    shapes = st.sampled_from(
        [["{}"], ["[{}]", "[]"], ['{{"a": {}}}', '{{"b": [{}]}}'], ["[[{}]]", '[{{"a": {}}}]']]
    )
    return st.one_of(
        shapes.flatmap(lambda names: of(numbers, names)),
        shapes.flatmap(lambda names: of(_SCALAR, names)),
        st.lists(st.builds(lambda shape, v: shape.format(v if isinstance(v, str) else json.dumps(v)), _SHAPES, _SCALAR), min_size=1, max_size=5),
    )  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(values=texts(), records=st.integers(1, 4))
def test_where_records_are_cut_makes_no_difference(
    tmp_path_factory: pytest.TempPathFactory, values: list[str], records: int
) -> None:
    path = written(tmp_path_factory.mktemp("cut") / "a.jsonl", values)
    with pytest.MonkeyPatch.context() as patch:
        try:
            whole = read(path)
        except SourceError:
            whole = None
        patch.setattr(json_records, "CHUNK_RECORDS", records)
        if whole is None:
            error = refusal(path)
            assert error.data["column"] == "x"
            assert "type.x=text" in error.hint
            assert read(path, **{"type.x": "text"}).num_rows == len(values)
            return
        parts = read(path)
    assert parts.schema == whole.schema
    assert parts.to_pylist() == whole.to_pylist()
    there = json.loads(f"[{','.join(values)}]", parse_float=Decimal)
    kind = whole.schema.field("x").type
    assert [plain(v) for v in whole["x"].to_pylist()] == [filled(v, kind) for v in there]


# -- refused, with the record ----------------------------------------------------------------------

MIXED = [
    (["1", "null", '"x"'], 3),
    (['"x"', "1"], 2),
    (["1.5", "true"], 2),
    (["1", "true"], 2),
    (["[1]", "[2]", '["x"]'], 3),
    (["[1]", "1"], 2),
    (['{"a": 1}', "[1]"], 2),
    (['{"a": {"b": 1}}', '{"a": {"b": 2}}', '{"a": {"b": "x"}}'], 3),
    (['{"a": 1.5}', '{"a": false}'], 2),
    (["1", "9" * 39], 2),
    (["1e-30", "12345678901234567890.5"], 2),
    (["1e400", "1"], 1),
    (["1", "1e-400"], 2),
    (["1E+999999", "1"], 1),
    (["1", "9" * 100], 2),
    ([LONG, "NaN"], 2),
    (['"a"', r'"\ud800"'], 2),
]


@pytest.mark.parametrize(("values", "record"), MIXED, ids=str)
@pytest.mark.parametrize("records", [1, 2, 50_000])
def test_what_no_type_holds_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: list[str], record: int, records: int
) -> None:
    cut(monkeypatch, records)
    path = written(tmp_path / "a.jsonl", ["null", *values])
    error = refusal(path)
    assert "column 'x' mixes values without a common type" in error.message
    assert error.data["record"] == record + 1
    assert f"record {record + 1} has" in error.message
    assert not error.retryable
    if r"\ud800" in values[-1]:
        assert "Repair" in error.hint
    else:
        assert "type.x=text" in error.hint
        texts = [json.loads(v) if v[0] in '"n' else v for v in values]
        assert read(path, **{"type.x": "text"})["x"].to_pylist() == [None, *texts]


def test_files_that_disagree_are_named(tmp_path: Path) -> None:
    written(tmp_path / "a.jsonl", ["1"])
    written(tmp_path / "b.jsonl", ["null", '"x"'])
    error = refusal(tmp_path)
    assert "'x' is string in b.jsonl and int64 in a.jsonl" in error.message
    assert 'record 2 of b.jsonl has "x"' in error.message


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("-0.0", -0.0),
        ("0.0", 0.0),
        ("0.10", 0.1),
        ("1E5", 100000.0),
        ("5e-324", 5e-324),
        ("1.7976931348623157e308", 1.7976931348623157e308),
        ("0.1234567890123456", 0.1234567890123456),
        ("NaN", math.nan),
        ("-Infinity", -math.inf),
    ],
)
def test_a_double_is_what_is_written(tmp_path: Path, text: str, value: float) -> None:
    column = read(written(tmp_path / "a.jsonl", [text]))["x"]
    assert column.type == pa.float64()
    assert repr(column[0].as_py()) == repr(value)


def test_a_number_beyond_what_python_reads(tmp_path: Path) -> None:
    for text in ("9" * 5000, "1e99999999999999999999"):
        path = written(tmp_path / "a.jsonl", [text])
        assert "type.NAME=text" in refusal(path).hint
        assert read(path, **{"type.x": "text"})["x"].to_pylist() == [text]


@pytest.mark.parametrize("text", ["1e400", "1e-400", "1.2345e-320", "-1e400"])
def test_a_number_beyond_every_type_is_never_rounded(tmp_path: Path, text: str) -> None:
    path = written(tmp_path / "a.jsonl", [text])
    assert isinstance(refusal(path), SourceError)
    assert read(path, **{"type.x": "text"})["x"].to_pylist() == [text]


# -- text ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_unicode_is_known_by_its_bytes(tmp_path: Path, encoding: str, kind: str) -> None:
    rows = [{"n\u00e4me": "\u00e4 \u0a0d"}, {"n\u00e4me": "nul \0 \U0001f600"}]
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    text = lines if kind == "jsonl" else f"[{','.join(lines.splitlines(keepends=False))}]"
    path = tmp_path / f"a.{kind}"
    path.write_bytes(text.encode(encoding))
    assert read(path, kind).to_pylist() == rows


@pytest.mark.parametrize("kind", ["json", "jsonl"])
def test_another_encoding_is_an_option(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"a.{kind}"
    text = '{"x": "\u00e4"}'
    path.write_bytes((text if kind == "jsonl" else f"[{text}]").encode("latin-1"))
    assert "encoding=windows-1252" in refusal(path, kind).hint
    assert read(path, kind, encoding="latin-1")["x"].to_pylist() == ["\u00e4"]
    with pytest.raises(DeclarationError, match="not a known encoding"):
        read(path, kind, encoding="latin-99")


def test_names_that_differ_in_case_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "ID": 2, "o": {"a": 1, "A": 2}}\n')
    assert read(path).to_pylist() == [{"id": 1, "ID": 2, "o": {"a": 1, "A": 2}}]


@pytest.mark.parametrize(
    ("kind", "text", "says", "hint"),
    [
        ("jsonl", '{"x": 1}\n{"x": 1, "x": 2}', "line 2 of a.x is not JSON: the name \"x\"", ""),
        ("json", '[{"o": {"x": 1, "x": 2}}]', 'the name "x" occurs twice', ""),
        ("json", '[\n{"x": 1},\n]', "line 3", ""),
        ("json", '[{"x": 1,}]', "line 1", ""),
        ("json", '{"x": 1}\n{"x": 2}', "line 2", "--kind jsonl"),
        ("json", '{"x": 1}{"x": 2}', "column 9", "--kind jsonl"),
        ("jsonl", '{"x": 1}{"x": 2}', "line 1", "a separate line"),
        ("jsonl", '{"x": 1}\r{"x": 2}\r', "line 1", "a separate line"),
        ("json", "[" * 100_000, "nested too deeply", ""),
        ("jsonl", '[{"x": 1}, {"x": 2}]', "record 1 is a list", "kind json"),
        ("json", '[{"x": "a\nb"}]', "control character", ""),
        ("jsonl", '{"x": 01}', "line 1 of a.x", ""),
        ("jsonl", r'{"\ud800": 1}', "column '\\ud800'", ""),
    ],
)  # fmt: skip
def test_what_is_no_json_is_named(
    tmp_path: Path, kind: str, text: str, says: str, hint: str
) -> None:
    path = tmp_path / "a.x"
    path.write_text(text)
    error = refusal(path, kind)
    assert says in error.message
    assert hint in error.hint


# -- declared types --------------------------------------------------------------------------------


def test_a_declared_type_decides(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(
        '{"zip": "01234", "price": 1.50, "day": "2026-01-02", "n": 1, "o": {"a": 1.0, "b": "\u00e4"}}\n'
        '{"zip": 501, "price": "2.25", "n": 2, "o": null}\n'
        '{"zip": null, "price": 3, "day": null, "n": 0.5, "o": [true, null, 1e5]}\n'
    )
    declared = {"zip": "text", "price": "decimal(12,2)", "day": "date", "o": "text"}
    table = read(path, **{f"type.{name}": kind for name, kind in declared.items()})
    assert [str(kind) for kind in table.schema.types] == [
        "string", "decimal128(12, 2)", "date32[day]", "double", "string",
    ]  # fmt: skip
    assert table["zip"].to_pylist() == ["01234", "501", None]
    assert table["price"].to_pylist() == [Decimal("1.50"), Decimal("2.25"), Decimal("3.00")]
    assert table["o"].to_pylist() == ['{"a": 1.0, "b": "\u00e4"}', None, "[true, null, 1e5]"]
    assert table["n"].to_pylist() == [1.0, 2.0, 0.5]


def test_a_value_that_is_not_exact_in_its_declared_type(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cut(monkeypatch, 2)
    path = written(tmp_path / "a.jsonl", ["1", "2", "2.5"])
    error = refusal(path, **{"type.x": "int64"})
    assert "column 'x'" in error.message
    assert "row 3" in error.message
    assert "2.5" in error.message


def test_a_declared_column_that_is_not_there(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text('[{"zip": 1}]')
    error = refusal(path, "json", **{"type.zpi": "text"})
    assert "no column 'zpi'" in error.message
    assert "'zip'" in error.hint
    path.write_text("[]")
    assert read(path, "json", **{"type.zip": "text"}).schema == pa.schema([("zip", pa.string())])
    assert read(path, "json").num_rows == 0
