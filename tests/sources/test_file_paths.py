"""Which files a location means, and the notes about the skipped ones."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.connector_contract import no_access
from fakes.files import opened, read, refusal, source_of
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.sources import parse_source
from jupyter_etl.sources.file_connector import FileConnector

JUNK = (
    ".ipynb_checkpoints/a-checkpoint.csv",
    "sub/.ipynb_checkpoints/b-checkpoint.csv",
    "_temporary/0/part.csv",
    "_SUCCESS.csv",
    ".hidden.csv",
    "._a.csv",
    "~$a.csv",
    "__MACOSX/a.csv",
    ".Trash-1000/files/a.csv",
    "$RECYCLE.BIN/a.csv",
    "@eaDir/a.csv",
)
"""CSV files that folders and globs skip."""


def put(folder: Path, *names: str, text: str = "n\n1\n") -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


# -- which names ---------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["", "**/*.csv", "**/*"])
@pytest.mark.parametrize("junk", JUNK)
def test_what_is_never_data_is_left_out_of_folders_and_globs(
    tmp_path: Path, place: str, junk: str
) -> None:
    put(tmp_path, "a.csv", "sub/b.csv")
    put(tmp_path, junk, text="n\n99\n")
    found = opened(source_of(tmp_path / place, "csv"))
    assert found.batches.read_all()["n"].to_pylist() == [1, 1]
    (note,) = found.notes
    said = next(part for part in note.split(": ")[1].rstrip(".").split(", "))
    assert note.startswith("Skipped 1 ")
    assert junk.startswith(said.rstrip("/"))


@pytest.mark.parametrize(
    "junk",
    ["a.csv~", "a.csv.swp", "#a.csv#", "a.csv.bak", "a.csv.part", "Thumbs.db", "desktop.ini"],
)
def test_backups_and_incomplete_downloads_are_left_out_of_a_glob(tmp_path: Path, junk: str) -> None:
    put(tmp_path, "a.csv", junk)
    found = opened(source_of(tmp_path / "*", "csv"))
    assert found.batches.read_all().num_rows == 1
    assert found.notes == (f"Skipped 1 file: {junk}.",)


@pytest.mark.parametrize(
    ("name", "declared"),
    [
        ("_landing/a.csv", "_landing/*.csv"),
        ("_landing/a.csv", "_landing"),
        (".cache/x.csv", ".cache/x.csv"),
        (".cache/deep/x.csv", ".cache/**/*.csv"),
        ("_a.csv", "_a.csv"),
        ("_a.csv", "_*.csv"),
        ("x/.hidden/a.csv", "**/.hidden/*.csv"),
        ("~$a.csv", "~$a.csv"),
        ("a.csv.bak", "*.bak"),
        ("a.csv~", "*.csv~"),
        (".x/_y/a.csv", ".x/_y/*.csv"),
    ],
)
def test_what_the_declaration_names_is_meant(tmp_path: Path, name: str, declared: str) -> None:
    put(tmp_path, name)
    found = opened(source_of(tmp_path / declared, "csv"))
    assert found.batches.read_all().num_rows == 1
    assert found.notes == ()


def test_below_a_named_folder_the_rule_holds(tmp_path: Path) -> None:
    put(tmp_path, "_landing/a.csv", "_landing/_temporary/b.csv", "_landing/.b.csv")
    for place in ("_landing", "_landing/**/*.csv"):
        assert read(source_of(tmp_path / place, "csv")).num_rows == 1


def test_a_partition_may_begin_with_an_underscore(tmp_path: Path) -> None:
    put(tmp_path, "_day=1/a.csv", "_day=2/a.csv")
    assert read(source_of(tmp_path, "csv")).num_rows == 2


@pytest.mark.parametrize("place", ["", "*"])
def test_where_nothing_else_is_there_what_is_left_out_is_named(tmp_path: Path, place: str) -> None:
    put(tmp_path, "_a.csv", "~$a.csv")
    error = refusal(source_of(tmp_path / place, "csv"))
    assert "_a.csv and ~$a.csv" in error.message
    assert not error.retryable


# -- files next to the data ----------------------------------------------------------------------


def test_folders_that_a_glob_matches_are_named(tmp_path: Path) -> None:
    put(tmp_path, "a.csv", "sub/b.csv")
    found = opened(source_of(tmp_path / "*", "csv"))
    assert found.batches.read_all().num_rows == 1
    assert found.notes == ("Skipped 1 folder: sub/.",)
    assert opened(source_of(tmp_path / "**/*", "csv")).notes == ()


def test_a_link_to_nothing_is_named(tmp_path: Path) -> None:
    put(tmp_path, "a.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "gone.csv")
    assert (
        "b.csv is a link to a file that is not there" in refusal(source_of(tmp_path, "csv")).message
    )


@pytest.mark.parametrize("name", ["a.csv.gz", "a.csv"])
def test_files_that_are_packed_twice_are_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(gzip.compress(gzip.compress(b"n\n1\n")))
    assert "packed twice" in refusal(source_of(tmp_path / name, "csv")).message


@pytest.mark.parametrize("name", ["README.txt", "notes.txt", "LICENSE", "README.md", "codes.json"])
def test_text_beside_csv_is_not_data(tmp_path: Path, name: str) -> None:
    put(tmp_path, "a.csv")
    put(tmp_path, name, text="Notes about this data\nand more of them\n")
    found = opened(source_of(tmp_path, "csv"))
    assert found.batches.read_all().to_pydict() == {"n": [1]}
    assert found.notes == (f"Skipped 1 file: {name}.",)
    (table,) = FileConnector().tables(source_of(tmp_path, "csv"), no_access())
    assert table.notes[:1] == found.notes


def test_a_folder_of_text_files_alone_is_csv_without_its_readme(tmp_path: Path) -> None:
    put(tmp_path, "jan.txt", "feb.TXT")
    put(tmp_path, "README.txt", "License.txt", text="About this data\n")
    found = opened(source_of(tmp_path, "csv"))
    assert found.batches.read_all().num_rows == 2
    assert found.notes == ("Skipped 2 files: License.txt and README.txt.",)


def test_a_glob_of_text_files_means_all_of_them(tmp_path: Path) -> None:
    put(tmp_path, "jan.txt", "feb.txt")
    put(tmp_path, "README.txt", text="About this data\nand more\n")
    error = refusal(source_of(tmp_path / "*.txt", "csv"))
    assert "README.txt" in error.message
    assert "no column" in error.message
    assert not error.retryable


def test_compressed_files_of_a_folder_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(b"n\n1\n"))
    (tmp_path / "b.csv.bz2").write_bytes(bz2.compress(b"n\n2\n"))
    (tmp_path / "c.tsv.xz").write_bytes(lzma.compress(b"n\n3\n"))
    (tmp_path / "d.csv.zst").write_bytes(pa.Codec("zstd").compress(b"n\n4\n", asbytes=True))
    assert read(source_of(tmp_path, "csv"))["n"].to_pylist() == [1, 2, 3, 4]


@pytest.mark.parametrize("junk", ["notes.txt", ".ipynb_checkpoints/a-checkpoint.csv", "~$x.xlsx"])
def test_the_kind_of_a_folder_follows_from_its_data(tmp_path: Path, junk: str) -> None:
    put(tmp_path, "a.json", junk)
    assert parse_source("a", ".", base=tmp_path).kind == "json"
    assert parse_source("a", "**/*", base=tmp_path).kind == "json"
    put(tmp_path, "b.csv")
    with pytest.raises(DeclarationError, match=r"1 csv and 1 json|\d csv and"):
        parse_source("a", ".", base=tmp_path)


# -- content -------------------------------------------------------------------------------------

PACKERS = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda body: pa.Codec("zstd").compress(body, asbytes=True),
    "zip": lambda body: zipped({"a.x": body}),
}
TEXTS = {"csv": b"n,t\n1,a\n", "json": b'[{"n": 1, "t": "a"}]', "jsonl": b'{"n": 1, "t": "a"}\n'}


def zipped(files: dict[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return made.getvalue()


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("packed", PACKERS)
@pytest.mark.parametrize("ending", ["", "."])
def test_compression_is_detected_from_the_content(
    tmp_path: Path, kind: str, packed: str, ending: str
) -> None:
    path = tmp_path / f"a.{kind}{ending and f'.{packed}'}"
    path.write_bytes(PACKERS[packed](TEXTS[kind]))
    assert read(source_of(path, kind)).to_pylist() == [{"n": 1, "t": "a"}]


def test_an_ending_of_compression_on_plain_text_is_read_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "a.csv.gz").write_text("n\n1\n")
    assert read(source_of(tmp_path / "a.csv.gz", "csv")).num_rows == 1


@pytest.mark.parametrize("kind", TEXTS)
@pytest.mark.parametrize("packed", ["gz", "bz2", "xz", "zst"])
def test_compressed_content_that_is_cut_off(tmp_path: Path, kind: str, packed: str) -> None:
    rows = {
        "csv": b"n\n" + b"".join(b"%d\n" % n for n in range(5000)),
        "json": b"[" + b",".join(b'{"n": %d}' % n for n in range(5000)) + b"]",
        "jsonl": b"".join(b'{"n": %d}\n' % n for n in range(5000)),
    }
    path = tmp_path / "a.x"
    path.write_bytes(PACKERS[packed](rows[kind])[:-40])
    assert "a.x is cut off" in refusal(source_of(path, kind)).message


POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
PAGES = (
    b"<!DOCTYPE html>\n<html><body>Log in</body></html>",
    b"\xef\xbb\xbf\r\n  <HTML><head></head></HTML>",
    b"<!-- saved -->\n<!doctype HTML PUBLIC>\n<html></html>",
    b'<?xml version="1.0"?>\n<!DOCTYPE html>\n<html></html>',
    "<html>".encode("utf-16"),
)


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl", "parquet", "excel"])
@pytest.mark.parametrize("packed", ["", "gz"])
def test_a_pointer_or_a_web_page_is_named(tmp_path: Path, kind: str, packed: str) -> None:
    if packed and kind == "parquet":
        return
    path = tmp_path / "orders.x"
    for body, says, hint in [
        (POINTER, "orders.x is a Git LFS pointer", "git lfs pull"),
        (b"/annex/objects/SHA256E-s1--0\n", "orders.x is a git-annex pointer", "git annex get"),
        *((page, "orders.x is HTML", "browser") for page in PAGES),
    ]:
        path.write_bytes(gzip.compress(body) if packed else body)
        error = refusal(source_of(path, kind))
        assert says in error.message
        assert hint in error.hint
        assert not error.retryable


def other_files() -> dict[str, bytes]:
    parquet = io.BytesIO()
    pq.write_table(pa.table({"n": [1]}), parquet)
    return {
        "a Parquet file": parquet.getvalue(),
        "a workbook": zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.xml": b"<x/>"}),
        "an Excel workbook": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "an SQLite database": b"SQLite format 3\0" + bytes(100),
        "a PDF": b"%PDF-1.7\n",
        "a tar archive": bytes(257).replace(b"\0", b"a", 1) + b"ustar\0",
        "XML": b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>',
    }


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
@pytest.mark.parametrize("what", other_files())
def test_content_of_another_kind_is_named(tmp_path: Path, kind: str, what: str) -> None:
    path = tmp_path / f"a.{kind}"
    path.write_bytes(other_files()[what])
    error = refusal(source_of(path, kind))
    assert f"a.{kind} is {what}" in error.message
    assert not error.retryable


@pytest.mark.parametrize(
    "text", ["version\nhttps://git-lfs\n", "<htmlish>\n1\n", "BZh,PK\n1,2\n", "PAR\n1\n"]
)
def test_text_that_begins_like_another_kind_is_still_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert read(source_of(tmp_path / "a.csv", "csv")).num_rows == 1


# -- zip archives --------------------------------------------------------------------------------


def test_what_macos_and_windows_put_into_an_archive_does_not_count(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.zip"
    junk = ("__MACOSX/._a.csv", "__MACOSX/data/._a.csv", ".DS_Store", "data/Thumbs.db")
    path.write_bytes(zipped({"data/a.csv": b"n\n1\n", **dict.fromkeys(junk, b"x")}))
    assert read(source_of(path, "csv")).num_rows == 1


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ({"a.csv": b"n\n1\n", "b.csv": b"n\n2\n"}, "contains 2 files (a.csv and b.csv)"),
        ({"a.csv": b"n\n1\n", "README.txt": b"x"}, "contains 2 files (a.csv and README.txt)"),
        ({}, "contains 0 files"),
        ({"__MACOSX/._a.csv": b"x"}, "contains 0 files"),
    ],
)
def test_an_archive_of_several_files_is_refused(
    tmp_path: Path, files: dict[str, bytes], says: str
) -> None:
    (tmp_path / "a.zip").write_bytes(zipped(files))
    assert says in refusal(source_of(tmp_path / "a.zip", "csv")).message


def test_an_archive_with_a_password_is_named(tmp_path: Path) -> None:
    body = bytearray(zipped({"a.csv": b"n\n1\n"}))
    for sign, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        body[body.find(sign) + flags] |= 1
    (tmp_path / "a.zip").write_bytes(bytes(body))
    assert "password-protected" in refusal(source_of(tmp_path / "a.zip", "csv")).message
