from __future__ import annotations

import gzip
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fakes.files import (
    ROWS,
    read,
    refusal,
    source_of,
    write_csv,
)
from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.csv import scan


def test_types_are_decided_over_the_whole_file(tmp_path: Path) -> None:
    lines = ["n,when,flag,note", *(",2026-01-01 10:00:00,true," for _ in range(200_000))]
    lines.append("9007199254740993,2026-01-02 10:00:00,false,x")
    path = tmp_path / "a.csv"
    path.write_text("\n".join(lines))
    table = read(source_of(path, "csv"))
    assert [str(kind) for kind in table.schema.types] == [
        "int64",
        "timestamp[us]",
        "bool",
        "string",
    ]
    assert table["n"][-1].as_py() == 9007199254740993
    assert table["note"].null_count == 200_000


def test_values_that_a_number_would_change_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(
        "zip,id,big,x,country\n02139,1,12345678901234567890,1.5,NA\n10001,2,2,NA,\n99,3,,,FR\n"
    )
    assert read(source_of(path, "csv")).to_pylist() == [
        {"zip": "02139", "id": 1, "big": "12345678901234567890", "x": 1.5, "country": "NA"},
        {"zip": "10001", "id": 2, "big": "2", "x": None, "country": None},
        {"zip": "99", "id": 3, "big": None, "x": None, "country": "FR"},
    ]


@pytest.mark.parametrize("ending", ["gz", "zip", "bz2", "xz"])
def test_compressed(tmp_path: Path, ending: str) -> None:
    import bz2
    import lzma

    plain = write_csv(tmp_path / "plain").read_bytes()
    path = tmp_path / f"trips.csv.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("trips.csv", plain)
    else:
        path.write_bytes({"gz": gzip, "bz2": bz2, "xz": lzma}[ending].compress(plain))
    assert read(source_of(path, "csv")).to_pylist() == ROWS
    path.write_bytes(path.read_bytes()[:-20])
    error = refusal(source_of(path, "csv"))
    assert f"trips.csv.{ending}" in error.message
    assert error.retryable


def test_an_archive_of_several_files(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.csv", "x\n1\n")
        archive.writestr("b.csv", "x\n2\n")
    assert "contains 2 files (a.csv and b.csv)" in refusal(source_of(path, "csv")).message


def test_options(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes("# made by hand\nn;x;ort\n1;2,5;Köln\n-;-;Aß\n".encode("latin-1"))
    wanted = {"encoding": "latin-1", "decimal": ",", "skip": "1", "null": "-"}
    expected = [{"n": 1, "x": 2.5, "ort": "Köln"}, {"n": None, "x": None, "ort": "Aß"}]
    assert read(source_of(path, "csv", **wanted)).to_pylist() == expected
    assert read(source_of(path, "csv", **wanted, delimiter=";")).to_pylist() == expected
    assert read(source_of(path, "csv", **wanted, text="n"))["n"].to_pylist() == ["1", None]
    assert "encoding=latin-1" in refusal(source_of(path, "csv", skip="1")).hint
    without = source_of(path, "csv", header="no", encoding="latin-1", skip="2", decimal=",")
    assert read(without).column_names == ["f0", "f1", "f2"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("delimiter", ";;"), ("skip", "two"), ("header", "maybe"), ("encoding", "klingon")],
)
def test_options_that_cannot_be(tmp_path: Path, option: str, value: str) -> None:
    path = write_csv(tmp_path / "a.csv")
    assert isinstance(refusal(source_of(path, "csv", **{option: value})), DeclarationError)


@pytest.mark.parametrize(
    "text",
    [
        "a,b\n1,2\n3",
        'a,b\n1,"2\n3,4\n',
        'a,b\n1,"2',
        'a,b\nx,"y ""z',
        "a,a\n1,2\n",
        "a,b\n1,2,3\n",
    ],
)
def test_what_is_no_csv(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.csv"
    path.write_text(text)
    assert "broken.csv" in refusal(source_of(path, "csv")).message


@pytest.mark.parametrize("last", ['5" pipe', '"x"', '"x ""y"""', '""', '"1"', '"two\nlines"'])
def test_a_last_cell_that_is_whole(tmp_path: Path, last: str) -> None:
    path = tmp_path / "a.csv"
    for end in ("", "\n", "\r\n"):
        path.write_text(f"a,b\nq,{last}{end}", newline="")
        assert read(source_of(path, "csv")).num_rows == 1


def test_quoted_cells_may_hold_lines_and_delimiters(tmp_path: Path) -> None:
    rows: list[dict[str, object]] = [{"a": 'x, "y"\nz', "b": 1}, {"a": "q", "b": 2}]
    assert read(source_of(write_csv(tmp_path / "a.csv", rows), "csv")).to_pylist() == rows


def test_a_header_alone_is_a_table_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    table = read(source_of(path, "csv"))
    assert (table.column_names, table.num_rows) == (["a", "b"], 0)


def test_large_files_are_read_a_second_time_as_a_stream(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan, "KEEP_BYTES", 1)
    write_csv(tmp_path / "a.csv")
    write_csv(tmp_path / "b.csv", [{"id": 2.5, "zip": "007"}])
    table = read(source_of(tmp_path, "csv"))
    monkeypatch.undo()
    (tmp_path / "a.csv").write_text(
        (tmp_path / "a.csv").read_text().replace("9007199254740993", "5")
    )
    assert read(source_of(tmp_path, "csv")).num_rows == 5
    assert table.num_rows == 5


def test_a_limit_reads_no_further_file(tmp_path: Path) -> None:
    write_csv(tmp_path / "a.csv")
    (tmp_path / "b.csv").write_text("id\n1,2,3\n")
    assert read(source_of(tmp_path, "csv"), limit=4).num_rows == 4


@settings(deadline=None, max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
            st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False, width=32)),
            st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1),
        ),
        min_size=1,
        max_size=20,
    )
)
def test_round_trips(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[int | None, float | None, str]],
) -> None:
    folder = tmp_path_factory.mktemp("round")
    expected = pa.table(
        {
            "n": pa.array([row[0] for row in rows], pa.int64()),
            "s": pa.array(["s" + row[2].replace("\r", " ") for row in rows], pa.string()),
        }
    )
    pq.write_table(expected, folder / "a.parquet")
    assert read(source_of(folder / "a.parquet", "parquet")).equals(expected)
    path = write_csv(folder / "a.csv", expected.to_pylist())
    got = read(source_of(path, "csv"))
    if expected["n"].null_count == len(rows):
        assert got["n"].null_count == len(rows)
    else:
        assert got.schema.field("n").type == pa.int64()
        assert got["n"].to_pylist() == expected["n"].to_pylist()
    assert got["s"].to_pylist() == expected["s"].to_pylist()


@pytest.mark.parametrize("delimiter", [",", ";", "tab", "|", "^", "]", "-", "\\", "x"])
def test_leading_zeros_are_seen_behind_every_delimiter(tmp_path: Path, delimiter: str) -> None:
    sign = "\t" if delimiter == "tab" else delimiter
    path = tmp_path / "a.csv"
    path.write_text(f"a{sign}b\n1{sign}007\n")
    source = source_of(path, "csv", delimiter=delimiter)
    assert read(source).to_pylist() == [{"a": 1, "b": "007"}]


@pytest.mark.parametrize("option", ["delimiter", "quote", "decimal"])
@pytest.mark.parametrize("sign", ["é", ",,"])
def test_a_sign_that_is_not_one_character_is_refused_by_name(
    tmp_path: Path, option: str, sign: str
) -> None:
    path = write_csv(tmp_path / "a.csv")
    with pytest.raises(DeclarationError, match=f"option {option} is '{sign}'"):
        read(source_of(path, "csv", **{option: sign}))
