"""What a run publishes is searched for the values of the secrets that it has used."""

from __future__ import annotations

import base64
import bz2
import gzip
import json
import zipfile
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Column, PublicationKind, Staged
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.published_secrets import refuse_secrets

VALUE = "c4nary/Ünd+s3cret!"
RAW = VALUE.encode()
STRUCT = pa.struct([("token", pa.string()), ("n", pa.int64())])

COLUMNS = {
    "text": pa.array(["a", f"key={VALUE};", None, VALUE]),
    "large text": pa.array(["a", VALUE, None, VALUE], pa.large_string()),
    "bytes": pa.array([b"a", b"\0" + RAW, None, RAW]),
    "large bytes": pa.array([b"a", RAW, None, RAW], pa.large_binary()),
    "bytes of one size": pa.array([RAW, b"x" * len(RAW), None, RAW], pa.binary(len(RAW))),
    "dictionary": pa.array(["a", VALUE, None, VALUE]).dictionary_encode(),
    "list": pa.array([["a"], ["b", VALUE, VALUE], None, [VALUE]]),
    "list of structs": pa.array([[], [{"token": VALUE, "n": 1}], None, [{"token": VALUE, "n": 2}]],
                                pa.list_(STRUCT)),
    "struct": pa.array([{"token": "a"}, {"token": VALUE}, None, {"token": VALUE}], STRUCT),
    "map": pa.array([[("a", "b")], [("a", VALUE)], None, [(VALUE, "b")]],
                    pa.map_(pa.string(), pa.string())),
    "base64": pa.array(["a", base64.b64encode(b"u:" + RAW).decode(), None, base64.b64encode(RAW).decode()]),
    "hex": pa.array(["a", RAW.hex(), None, RAW.hex().upper()]),
    "URL": pa.array(["a", quote(VALUE, safe=""), None, f"postgresql://u:{quote(VALUE, safe='')}@h/d"]),
    "JSON": pa.array(["a", json.dumps({"k": VALUE}), None, json.dumps([VALUE], ensure_ascii=False)]),
}  # fmt: skip


@pytest.fixture
def redactor() -> Redactor:
    known = Redactor()
    known.register("api_key", VALUE)
    known.register("pin", "4711")
    return known


def table(folder: Path, **columns: pa.Array) -> Staged:
    """Stage a table of two files with these columns."""
    rows = pa.table(columns)
    for name in ("a.parquet", "b.parquet"):
        pq.write_table(rows, folder / name, row_group_size=2)
    return staged(folder, "a.parquet", "b.parquet", kind=PublicationKind.TABLE)


def staged(folder: Path, *files: str, kind: PublicationKind) -> Staged:
    return Staged(name="sales.daily", kind=kind, folder=str(folder), files=files)


def refusal(one: Staged, redactor: Redactor, executed: Path = Path("none")) -> str:
    with pytest.raises(PublishError) as refused:
        refuse_secrets([one], redactor, executed)
    said = str(refused.value)
    assert VALUE not in said
    assert "4711" not in said
    return said


@pytest.mark.parametrize("kind", COLUMNS)
def test_a_table_that_holds_a_value_is_refused_with_column_and_rows(
    tmp_path: Path, redactor: Redactor, kind: str
) -> None:
    said = refusal(table(tmp_path, n=pa.array([1, 2, 3, 4]), secretive=COLUMNS[kind]), redactor)
    assert "'sales.daily'" in said
    assert "'api_key'" in said
    assert said.count("column 'secretive") == (2 if kind == "map" else 1)
    assert ("2 rows" if kind == "map" else "4 rows") in said


def test_a_table_without_one_is_published(tmp_path: Path, redactor: Redactor) -> None:
    # Neither rows that only together spell a value, nor a short one in a longer text.
    clean = pa.array([VALUE[:9], VALUE[9:], "call 47110", None])
    refuse_secrets(
        [table(tmp_path, text=clean, n=pa.array([4711, 2, 3, 4]))], redactor, Path("none")
    )


def test_a_short_value_is_found_as_a_whole_cell(tmp_path: Path, redactor: Redactor) -> None:
    said = refusal(table(tmp_path, text=pa.array(["4711", "47112", None, "a"])), redactor)
    assert "2 rows of the column 'text' contain the value of the secret 'pin'" in said


def test_without_a_secret_nothing_is_read(tmp_path: Path) -> None:
    refuse_secrets(
        [staged(tmp_path, "gone.parquet", kind=PublicationKind.TABLE)], Redactor(), tmp_path
    )


def _zip(path: Path, content: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("sheet.xml", content)


WRITERS = {
    "x.csv": Path.write_bytes,
    "x.bin": Path.write_bytes,
    "x.csv.gz": lambda path, content: path.write_bytes(gzip.compress(content)),
    "x.csv.bz2": lambda path, content: path.write_bytes(bz2.compress(content)),
    "x.xlsx": _zip,
    "x.parquet": lambda path, content: pq.write_table(pa.table({"t": [content]}), path),
}


@pytest.mark.parametrize("name", WRITERS)
def test_files_are_searched_packed_or_not(tmp_path: Path, redactor: Redactor, name: str) -> None:
    WRITERS[name](tmp_path / name, b"a,b\n" * 10 + RAW)
    assert "'api_key'" in refusal(staged(tmp_path, name, kind=PublicationKind.FILE), redactor)
    WRITERS[name](tmp_path / name, b"a,b\n" * 10)
    refuse_secrets([staged(tmp_path, name, kind=PublicationKind.FILE)], redactor, Path("none"))


def test_a_value_across_two_pieces_of_a_file_is_found(tmp_path: Path, redactor: Redactor) -> None:
    (tmp_path / "x.bin").write_bytes(b"x" * (4 * 2**20 - 5) + RAW)
    refusal(staged(tmp_path, "x.bin", kind=PublicationKind.FILE), redactor)


def test_a_report_is_searched_in_the_notebook_that_it_is_made_of(
    tmp_path: Path, redactor: Redactor
) -> None:
    (tmp_path / "executed.ipynb").write_text(
        json.dumps({"cells": [{"source": f"key = {VALUE!r}"}]})
    )
    report = staged(tmp_path, kind=PublicationKind.REPORT)
    refusal(report, redactor, tmp_path / "executed.ipynb")


def test_names_are_searched(tmp_path: Path, redactor: Redactor) -> None:
    column = Column(name=VALUE, type="int64")
    one = Staged(name="a", kind=PublicationKind.TABLE, folder=str(tmp_path), columns=(column,))
    refusal(one, redactor)
