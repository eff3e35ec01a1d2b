"""Serving copies: exact types, built once, rebuilt when damaged, deleted when unused."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fakes.served_queries import SALES, Served, body, call_table
from jupyter_etl.errors import DeclarationError, EtlError, PublishError
from jupyter_etl.serving.queries.copies import Copies, CopyOf, write_copy
from jupyter_etl.serving.queries.pages import CopyRef

ONE = CopyOf(name="t", number=1)
INSTANT = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)

TYPES: list[tuple[pa.DataType, list[Any]]] = [
    (pa.bool_(), [True, False, None]),
    (pa.int8(), [-128, 127, None]),
    (pa.int64(), [-(2**63), 2**63 - 1, None]),
    (pa.uint8(), [0, 255, None]),
    (pa.uint64(), [0, 2**64 - 1, None]),
    (pa.float32(), [0.5, float("inf"), None]),
    (pa.float64(), [1e308, -0.0, None]),
    (pa.float16(), [0.5, None]),
    (pa.decimal128(38, 10), [Decimal("9999999999999999999999999999.0123456789"), None]),
    (pa.decimal128(5, 0), [Decimal(-99999), None]),
    (pa.decimal256(40, 2), [Decimal("1.25"), None]),
    (pa.string(), ["", "é\0", "NULL", None]),
    (pa.large_string(), ["x", None]),
    (pa.binary(), [b"", b"\x00\xff", None]),
    (pa.binary(2), [b"ab", None]),
    (pa.date32(), [date(1, 1, 1), date(9999, 12, 31), None]),
    (pa.date64(), [date(2026, 1, 1), None]),
    (pa.timestamp("us"), [INSTANT.replace(tzinfo=None), None]),
    (pa.timestamp("us", "UTC"), [INSTANT, None]),
    (pa.timestamp("s", "Europe/Berlin"), [INSTANT.replace(microsecond=0), None]),
    (pa.timestamp("ns"), [1_767_323_045_678_901_234, None]),
    (pa.time32("ms"), [1000, None]),
    (pa.time64("us"), [1_000_001, None]),
    (pa.duration("us"), [timedelta(days=-3, microseconds=7), None]),
    (pa.duration("ns"), [5_000, None]),
    (pa.null(), [None, None]),
    (pa.list_(pa.int32()), [[1, None], [], None]),
    (pa.list_(pa.float64(), 2), [[1.0, 2.0], None]),
    (pa.list_(pa.list_(pa.string())), [[["a"], []], None]),
    (pa.struct({"a b": pa.int64(), "from": pa.list_(pa.string())}), [{"a b": 1, "from": ["x"]}, None]),
    (pa.map_(pa.string(), pa.int64()), [[("a", 1), ("b", None)], [], None]),
    (pa.map_(pa.int32(), pa.struct({"x": pa.date32()})), [[(1, {"x": date(2026, 1, 1)})], None]),
    (pa.dictionary(pa.int8(), pa.string()), ["a", "b", "a", None]),
]  # fmt: skip


def test_every_type_is_returned_as_it_was(served: Served) -> None:
    longest = max(len(values) for _, values in TYPES)
    rows = pa.table(
        {
            f"c {place}": pa.array([*values, *[None] * (longest - len(values))], kind)
            for place, (kind, values) in enumerate(TYPES)
        }
    )
    copy = served.table("t", rows)
    answer = call_table(served.tables(), copy, [], "t", "arrow")
    assert answer.status == 200, answer.body
    found = pa.ipc.open_stream(answer.body).read_all()
    assert found.schema.names == rows.schema.names
    for place, (kind, _) in enumerate(TYPES):
        assert found.schema.field(place).type == kind
        assert found.column(place).to_pylist() == rows.column(place).to_pylist(), kind


NAMES = [
    "a b",
    'q"u',
    "select",
    "c0",
    "rowid",
    "é",
    "x;--",
    "A",
    "a",
    "",
    "limit",
    "\\",
    "'",
    "$p0",
]


def test_every_name_is_returned_as_it_was(served: Served) -> None:
    rows = pa.table([pa.array([place]) for place in range(len(NAMES))], names=NAMES)
    copy = served.table("t", rows, keys=("a", 'q"u'))
    found = body(call_table(served.tables(), copy, [], "t"))
    assert found["rows"] == [{name: place for place, name in enumerate(NAMES)}]


CELLS = st.fixed_dictionaries(
    {
        "i": st.none() | st.integers(-(2**63), 2**63 - 1),
        "u": st.none() | st.integers(0, 2**64 - 1),
        "f": st.none() | st.floats(allow_nan=False),
        "d": st.none() | st.decimals(min_value=-(10**20), max_value=10**20, places=4, allow_nan=False),
        "s": st.none() | st.text(st.characters(exclude_categories=["Cs"])),
        "b": st.none() | st.binary(max_size=9),
        "t": st.none() | st.datetimes(timezones=st.just(UTC)),
        "n": st.none() | st.datetimes(),
        "l": st.none() | st.lists(st.none() | st.text(st.characters(exclude_categories=["Cs"]))),
        "r": st.none() | st.fixed_dictionaries({"x": st.none() | st.dates(), "y": st.booleans()}),
    }
)  # fmt: skip
SCHEMA = pa.schema(
    {
        "i": pa.int64(), "u": pa.uint64(), "f": pa.float64(), "d": pa.decimal128(30, 4),
        "s": pa.string(), "b": pa.binary(), "t": pa.timestamp("us", "UTC"), "n": pa.timestamp("us"),
        "l": pa.list_(pa.string()), "r": pa.struct({"x": pa.date32(), "y": pa.bool_()}),
    }
)  # fmt: skip


@given(st.lists(CELLS, min_size=1, max_size=8))
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_values_survive(tmp_path: Path, cells: list[dict[str, object]]) -> None:
    served = Served(tmp_path / str(time.monotonic_ns()))
    rows = pa.Table.from_pylist(cells, SCHEMA)
    answer = call_table(served.tables(), served.table("t", rows), [], "t", "arrow")
    assert pa.ipc.open_stream(answer.body).read_all().to_pylist() == rows.to_pylist()


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (pa.duration("ns"), 1),
        (pa.timestamp("ns", "UTC"), 1),
        (pa.decimal256(76, 0), Decimal(10**40)),
        (pa.time64("ns"), 1),
    ],
)
def test_a_value_that_would_change_is_refused(
    served: Served, kind: pa.DataType, value: object
) -> None:
    with pytest.raises(EtlError, match=r"'t' version 1 cannot be served: .*'x'") as raised:
        served.table("t", pa.table({"x": pa.array([value], kind)}))
    assert isinstance(raised.value, PublishError)


@pytest.mark.parametrize(
    ("keys", "message"), [(("nope",), "no column 'nope'"), (("l",), "cannot be a key")]
)
def test_a_key_that_cannot_be_indexed(served: Served, keys: tuple[str, ...], message: str) -> None:
    rows = pa.table({"l": pa.array([[1]])})
    with pytest.raises(DeclarationError, match=message):
        served.table("t", rows, keys=keys)
    assert not list(served.folder.glob("*.part"))


def write(target: Path, keys: tuple[str, ...]) -> None:
    write_copy(target, SALES.to_reader(), keys, what="'t' version 1", threads=1)


def test_a_copy_is_built_once_and_gets_the_keys_of_all_endpoints(served: Served) -> None:
    for keys in [("cust",), ("cust",), (), ("region",), ("region", "cust")]:
        served.table("t", SALES, keys=keys)
    assert served.builds == [("cust",), ("cust", "region")]


def test_builders_at_the_same_time_build_once(tmp_path: Path) -> None:
    built: list[str] = []

    def build(target: Path, keys: tuple[str, ...]) -> None:
        built.append(threading.current_thread().name)
        time.sleep(0.05)
        target.write_bytes(b"DUCK" * 5000)

    # Each has its own locks, as processes have.
    threads = [
        threading.Thread(target=lambda: Copies(tmp_path).ensure(ONE, ("a",), build))
        for _ in range(5)
    ]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len(built) == 1


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def scribble(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096:4200] = b"x" * 104
    path.write_bytes(content)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "truncated": truncate,
    "header": scribble,
    "empty": lambda path: path.write_bytes(b""),
    "deleted": lambda path: path.unlink(),
    "no record": lambda path: path.with_suffix(".json").unlink(),
    "half a record": lambda path: path.with_suffix(".json").write_bytes(b'{"name"'),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_copy_is_built_again(served: Served, damage: str) -> None:
    copy = served.table("t", SALES)
    DAMAGES[damage](served.folder / copy.file)
    assert served.table("t", SALES) == copy
    assert len(served.builds) == 2
    assert len(body(call_table(served.tables(), copy, [], "t"))["rows"]) == 50


def test_damage_that_only_a_read_finds_is_answered_with_503_and_built_again(served: Served) -> None:
    copy = served.table("t", SALES)
    path = served.folder / copy.file
    content = path.read_bytes()
    path.write_bytes(content[: 3 * 4096] + b"\xff" * (len(content) - 3 * 4096))
    answer = call_table(served.tables(), copy, [], "t")
    assert body(answer, 503)["error"]["kind"] == "CopyMissing"
    assert answer.retry_after == 1
    served.table("t", SALES)
    assert len(served.builds) == 2


def test_damage_among_the_rows_is_found_when_they_are_read(served: Served) -> None:
    rows = pa.table({"n": range(200_000), "m": range(200_000)})
    copy = served.table("t", rows)
    path = served.folder / copy.file
    content = bytearray(path.read_bytes())
    middle = content.index((100_000).to_bytes(8, "little") + (100_001).to_bytes(8, "little"))
    content[middle : middle + 8] = b"\xff" * 8
    path.write_bytes(content)
    answer = call_table(served.tables(), copy, [("n__gte", "90000")], "t")
    assert body(answer, 503)["error"]["kind"] == "CopyMissing"
    assert not path.exists()


def test_a_failed_build_leaves_nothing_and_the_next_one_succeeds(tmp_path: Path) -> None:
    copies = Copies(tmp_path)

    def fail(target: Path, keys: tuple[str, ...]) -> None:
        target.write_bytes(b"half")
        raise PublishError("The child process was killed.")

    with pytest.raises(PublishError):
        copies.ensure(ONE, (), fail)
    assert [path.suffix for path in tmp_path.iterdir()] == [".lock"]
    assert copies.ensure(ONE, (), write).exists()


def test_unused_copies_of_other_than_live_versions_are_deleted(tmp_path: Path) -> None:
    now = [time.time()]
    copies = Copies(tmp_path, now=lambda: now[0])
    old, used, live = (CopyOf(name="t", number=number) for number in (1, 2, 3))
    for one in (old, used, live):
        copies.ensure(one, (), write)
    now[0] += 800
    copies.ensure(used, (), write)
    assert copies.drop_unused([live]) == []
    now[0] += 200
    assert copies.drop_unused([live]) == [copies.path(old).name]
    assert not copies.path(old).exists()
    assert copies.path(used).exists()
    now[0] += 1000
    assert copies.drop_unused([live]) == [copies.path(used).name]
    assert {path.stem for path in tmp_path.iterdir()} == {live.stem}


def test_an_open_copy_is_read_after_it_was_deleted(served: Served) -> None:
    copy = served.table("t", SALES)
    tables = served.tables()
    first = body(call_table(tables, copy, [("limit", "30")], "t"))
    served.copies.discard(copy.file)
    second = body(call_table(tables, copy, [("limit", "30"), ("next", first["next"])], "t"))
    assert first["rows"] + second["rows"] == SALES.to_pylist()


def test_versions_with_one_number_have_files_of_their_own() -> None:
    stems = {
        CopyOf(name=name, number=1, content=content).stem
        for name in ("t", "T", "t.x", "../t")
        for content in ("", "a")
    }
    assert len(stems) == 8
    assert not any("/" in stem for stem in stems)


def test_a_copy_that_does_not_exist(served: Served) -> None:
    for file in ("1-no.duckdb", "../../etc/passwd"):
        answer = call_table(served.tables(), CopyRef(1, file), [], "t")
        assert body(answer, 503)["error"]["kind"] == "CopyMissing"
