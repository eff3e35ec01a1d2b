"""Parquet: united types, unreadable columns, and declared types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.files import NAIVE, opened, read, refusal, source_of
from jupyter_etl.errors import SourceError
from jupyter_etl.sources.files import parquet
from jupyter_etl.sources.schema_union import wider


def put(folder: Path, **columns: pa.Array) -> Path:
    """Write a file for each column ``x``: ``a=...`` is a.parquet."""
    for name, column in columns.items():
        pq.write_table(pa.table({"k": range(len(column)), "x": column}), folder / f"{name}.parquet")
    return folder


def category(*values: object, index: pa.DataType = pa.int32()) -> pa.Array:  # noqa: B008
    return pa.array(values).dictionary_encode().cast(pa.dictionary(index, pa.array(values).type))


UNITED = [
    (category("a", "b"), pa.array(["c"]), pa.string(), ["a", "b", "c"]),
    (pa.array(["c"]), category("a", None), pa.string(), ["c", "a", None]),
    (category("a"), category("b", index=pa.int8()), pa.string(), ["a", "b"]),
    (category("a"), category("b"), category("a").type, ["a", "b"]),
    (category(1, 2), pa.array([2**40]), pa.int64(), [1, 2, 2**40]),
    (category("a"), pa.nulls(1), pa.string(), ["a", None]),
    (pa.array(["a"], pa.large_string()), pa.array(["b"]), pa.large_string(), ["a", "b"]),
    (pa.array(["a"], pa.string_view()), pa.array(["b"]), pa.string(), ["a", "b"]),
    (pa.array([b"a"], pa.binary(1)), pa.array([b"bc"]), pa.binary(), [b"a", b"bc"]),
    (pa.nulls(1), pa.array([1], pa.int8()), pa.int8(), [None, 1]),
    (pa.nulls(1), pa.array([NAIVE]), pa.timestamp("us"), [None, NAIVE]),
    (pa.array([1], pa.int8()), pa.array([300], pa.uint16()), pa.int32(), [1, 300]),
    (
        pa.array([Decimal("1.25")], pa.decimal128(6, 2)),
        pa.array([Decimal("10.1234")], pa.decimal128(7, 4)),
        pa.decimal128(8, 4),
        [Decimal("1.2500"), Decimal("10.1234")],
    ),
    (
        pa.array([Decimal("0.5")], pa.decimal128(2, 1)),
        pa.array([2**62]),
        pa.decimal128(20, 1),
        [Decimal("0.5"), Decimal(2**62)],
    ),
    (
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("us", "Europe/Paris")),
        pa.array([datetime(2026, 1, 1, tzinfo=UTC)], pa.timestamp("ms", "UTC")),
        pa.timestamp("us", "UTC"),
        [datetime(2026, 1, 1, tzinfo=UTC)] * 2,
    ),
    (
        pa.array([{"a": 1}]),
        pa.array([{"a": 1.5, "b": "x"}]),
        pa.struct({"a": pa.float64(), "b": pa.string()}),
        [{"a": 1.0, "b": None}, {"a": 1.5, "b": "x"}],
    ),
    (pa.array([[1]]), pa.array([[None]]), pa.list_(pa.int64()), [[1], [None]]),
    (
        pa.ListArray.from_arrays([0, 1], category("a")),
        pa.array([["b"]]),
        pa.list_(pa.string()),
        [["a"], ["b"]],
    ),
    (
        pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int32())),
        pa.array([[("b", 2**40)]], pa.map_(pa.string(), pa.int64())),
        pa.map_(pa.string(), pa.int64()),
        [[("a", 1)], [("b", 2**40)]],
    ),
]


@pytest.mark.parametrize(
    ("left", "right", "kind", "values"), UNITED, ids=[f"{u[0].type}+{u[1].type}" for u in UNITED]
)
def test_types_are_united_exactly(
    tmp_path: Path, left: pa.Array, right: pa.Array, kind: pa.DataType, values: list[object]
) -> None:
    got = read(source_of(put(tmp_path, a=left, b=right), "parquet"))["x"]
    assert got.to_pylist() == values
    assert got.type == kind


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (category("1"), pa.array([1])),
        (category(1), pa.array(["1"])),
        (pa.array([True]), pa.array([1])),
        (pa.array([date(2026, 1, 1)]), pa.array([NAIVE])),
        (pa.array([["a"]]), pa.array(["a"])),
        (pa.array([{"a": 1}]), pa.array([[1]])),
        (pa.array([[{"a": "x"}]]), pa.array([[{"a": 1}]])),
        (pa.array([b"x"], pa.binary(1)), pa.array(["x"])),
    ],
)
def test_what_no_type_holds_both_is_refused_with_an_option_that_helps(
    tmp_path: Path, left: pa.Array, right: pa.Array
) -> None:
    put(tmp_path, a=left, b=right)
    error = refusal(source_of(tmp_path, "parquet"))
    assert "column 'x' is" in error.message
    assert "in b.parquet" in error.message
    assert "--option type.x=text" in error.hint
    assert wider(left.type, right.type) is None


def test_the_option_of_the_hint_helps(tmp_path: Path) -> None:
    put(tmp_path, a=category("01"), b=pa.array([1, None]))
    got = read(source_of(tmp_path, "parquet", **{"type.x": "text"}))
    assert got["x"].to_pylist() == ["01", "1", None]


@pytest.mark.parametrize(
    ("column", "declared", "values"),
    [
        (pa.array(["1.50", None]), "decimal(12,2)", [Decimal("1.50"), None]),
        (pa.array([0.1, 2.0]), "decimal(12,2)", [Decimal("0.10"), Decimal("2.00")]),
        (pa.array([1.0, None]), "int64", [1, None]),
        (pa.array(["2026-01-01"]), "date", [date(2026, 1, 1)]),
        (category("7", "8"), "int64", [7, 8]),
        (pa.array([7]), "text", ["7"]),
    ],
)
def test_declared_types(
    tmp_path: Path, column: pa.Array, declared: str, values: list[object]
) -> None:
    put(tmp_path, a=column)
    source = source_of(tmp_path, "parquet", **{"type.x": declared})
    assert read(source)["x"].to_pylist() == values
    assert read(source, columns=("x",)).num_columns == 1


@pytest.mark.parametrize(
    ("column", "declared"),
    [
        (pa.array([1.0] * 9 + [0.125]), "decimal(12,2)"),
        (pa.array([1.0] * 9 + [1.5]), "int64"),
        (pa.array([1] * 9 + [300]), "int8"),
        (pa.array([datetime(2026, 1, 1)] * 9 + [NAIVE]), "date"),  # noqa: DTZ001
        (pa.array(["1"] * 9 + ["x"]), "int64"),
    ],
)
def test_a_declared_type_that_a_value_does_not_fit_names_the_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, column: pa.Array, declared: str
) -> None:
    monkeypatch.setattr(parquet, "BATCH_ROWS", 4)
    put(tmp_path, a=column)
    error = refusal(source_of(tmp_path, "parquet", **{"type.x": declared}))
    assert "a.parquet: column 'x'" in error.message
    assert "row 10" in error.message
    assert not error.retryable


def test_a_declared_column_that_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, a=pa.array([1]))
    assert "no column 'y'" in refusal(source_of(tmp_path, "parquet", **{"type.y": "text"})).message


class _Broken:
    """A dataset of which one column cannot be read."""

    def __init__(self, part: object, column: str) -> None:
        self.part, self.column = part, column
        self.schema = part.schema  # type: ignore[attr-defined]

    def count_rows(self) -> int:
        return 1

    def to_batches(self, *, columns: list[str], **wanted: object) -> object:
        if self.column in columns:
            raise pa.ArrowNotImplementedError("Nested data conversions not implemented")
        return self.part.to_batches(columns=columns)  # type: ignore[attr-defined]


def test_a_column_that_arrow_cannot_read_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, a=pa.array([1]))
    open_part = parquet._fragment
    monkeypatch.setattr(parquet, "_fragment", lambda *args: _Broken(open_part(*args), "x"))
    with pytest.raises(SourceError, match=r"column .x. of a\.parquet cannot be read") as caught:
        read(source_of(tmp_path, "parquet"))
    assert "--columns" in caught.value.hint
    assert not caught.value.retryable
    assert read(source_of(tmp_path, "parquet"), columns=("k",)).num_rows == 1


def test_files_that_share_no_column_are_named(tmp_path: Path) -> None:
    put(tmp_path, a=pa.array([1]), b=pa.array([2]))
    pq.write_table(pa.table({"other": [1]}), tmp_path / "codes.parquet")
    error = refusal(source_of(tmp_path, "parquet"))
    assert "codes.parquet has no column in common with a.parquet and b.parquet" in error.message
    assert error.data["files"] == ["codes.parquet"]


def test_what_is_left_out_is_reported(tmp_path: Path) -> None:
    put(tmp_path, a=pa.array([1]))
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "_temporary" / "0").mkdir(parents=True)
    put(tmp_path / "_temporary" / "0", part=pa.array([2]))
    for place in ("", "**/*.parquet"):
        found = opened(source_of(tmp_path / place, "parquet"))
        assert found.batches.read_all().num_rows == 1
        assert "_temporary/" in found.notes[0]
