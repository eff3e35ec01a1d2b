"""An interactive read stops above a limit of memory, whatever kind of source it is of."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import fsspec
import openpyxl
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.http_api import Reply, api_server
from jupyter_etl.errors import LimitExceeded
from jupyter_etl.model import CursorKind, CursorValue
from jupyter_etl.notebook import api as notebook_api
from jupyter_etl.notebook import kernel_state, read_limit
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.notebook.read_limit import LEAST_BYTES, ReadLimit, default_read_bytes
from jupyter_etl.notebook.session import DataSession
from jupyter_etl.ports import Reading, ReadRequest
from jupyter_etl.services.settings import Settings

ROWS = 500
LIMIT = 1_000
LINES = "".join(f"{n},text {n}\n" for n in range(ROWS))
RECORDS = [{"n": n, "s": f"text {n}"} for n in range(ROWS)]
FRAME = pd.DataFrame(RECORDS)

Declare = Callable[[DataSession, Path], object]


def excel(session: DataSession, here: Path) -> None:
    book = openpyxl.Workbook()
    for row in [("n", "s"), *((one["n"], one["s"]) for one in RECORDS)]:
        book.active.append(row)
    book.save(here / "d.xlsx")
    session.declare("d", "d.xlsx")


def file(name: str, text: str) -> Declare:
    def declare(session: DataSession, here: Path) -> None:
        (here / name).write_text(text)
        session.declare("d", name)

    return declare


def parquet(session: DataSession, here: Path) -> None:
    pq.write_table(pa.Table.from_pandas(FRAME), here / "d.parquet")
    session.declare("d", "d.parquet")


def folder(session: DataSession, here: Path) -> None:
    (here / "parts").mkdir()
    for part in range(5):
        # Each part alone is below the limit.
        rows = pa.Table.from_pandas(FRAME.iloc[part * 20 : part * 20 + 20])
        assert rows.nbytes < LIMIT
        pq.write_table(rows, here / "parts" / f"{part}.parquet")
    session.declare("d", "parts")


def remote(session: DataSession, here: Path) -> None:
    fsspec.filesystem("memory").pipe_file("/read-limit/d.csv", f"n,s\n{LINES}".encode())
    session.declare("d", "memory://read-limit/d.csv")


def publication(session: DataSession, here: Path) -> None:
    publish_table(session, "daily", FRAME, live=True)
    session.declare("d", "publication:daily")


def frame(session: DataSession, here: Path) -> None:
    session.declare("d", "frame:given")


KINDS: dict[str, Declare] = {
    "csv": file("d.csv", f"n,s\n{LINES}"),
    "json": file("d.json", json.dumps(RECORDS)),
    "jsonl": file("d.jsonl", "\n".join(map(json.dumps, RECORDS))),
    "excel": excel,
    "parquet": parquet,
    "folder": folder,
    "object store": remote,
    "publication": publication,
    "frame": frame,
}


@pytest.fixture
def names() -> dict[str, Any]:
    return {"given": FRAME}


@pytest.fixture
def limited(session: DataSession) -> DataSession:
    session.query_bytes = LIMIT
    return session


@pytest.fixture
def warehouse(limited: DataSession, here: Path) -> DataSession:
    connection = sqlite3.connect(here / "wh.db")
    with connection:
        connection.execute("create table t (n integer, s text)")
        connection.executemany("insert into t values (:n, :s)", RECORDS)
    connection.close()
    limited.declare("wh", f"sqlite:///{here / 'wh.db'}")
    return limited


def exceeded(read: Callable[[], object]) -> LimitExceeded:
    with pytest.raises(LimitExceeded) as caught:
        read()
    problem = caught.value
    assert problem.data["limit"] == LIMIT
    assert problem.data["bytes"] > LIMIT
    assert "may take 1 kB of memory" in problem.message
    assert f"{problem.data['rows']:,} rows" in problem.message
    return problem


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_source_is_limited(kind: str, limited: DataSession, here: Path) -> None:
    KINDS[kind](limited, here)
    problem = exceeded(lambda: limited.load("d"))
    assert "'d'" in problem.message
    for way in ("--limit", "--columns", "etl sample", "etl sql", "--anyway", "QUERY_LIMIT"):
        assert way in problem.hint
    assert len(limited.load("d", limit=10)) == 10
    whole = limited.load("d", anyway=True)
    assert whole["n"].tolist() == list(range(len(whole)))
    assert sum(batch.num_rows for batch in limited.stream("d")) == len(whole)


def test_http_is_limited(limited: DataSession) -> None:
    with api_server() as api:
        api.answer = lambda asked: Reply(body=f"n,s\n{LINES}".encode())
        limited.declare("d", f"{api.url}/d.csv")
        exceeded(lambda: limited.load("d"))
        assert len(limited.load("d", anyway=True)) == ROWS


READS: dict[str, tuple[Callable[[DataSession], object], Callable[[DataSession], object]]] = {
    "a table": (lambda b: b.load("wh.t"), lambda b: b.load("wh.t", anyway=True)),
    "columns": (
        lambda b: b.load("wh.t", columns=["n"]),
        lambda b: b.load("wh.t", columns=["n"], limit=100),
    ),
    "polars": (lambda b: b.load("wh.t", as_="polars"), lambda b: b.load("wh.t", limit=9)),
    "a query": (
        lambda b: b.sql("wh", "select * from t"),
        lambda b: b.sql("wh", "select * from t", anyway=True),
    ),
    "an aggregate": (
        lambda b: b.sql("wh", "select n, count(*) from t group by n"),
        lambda b: b.sql("wh", "select count(*) from t"),
    ),
    "new rows": (
        lambda b: b.load("wh.t", since="n"),
        lambda b: b.load("wh.t", since="n", anyway=True),
    ),
    "the newest of each key": (
        lambda b: b.load("wh.t", since="n", key=["s"]),
        lambda b: b.load("wh.t", since="n", key=["s"], anyway=True),
    ),
    "a table of a local query": (
        lambda b: b.sql("local", 'select count(*) from "wh.t"'),
        lambda b: b.sql("local", 'select count(*) from "wh.t"', anyway=True),
    ),
    "the result of a local query": (
        lambda b: b.sql("local", "select a.n, b.s from given a, given b"),
        lambda b: b.sql("local", "select count(*) from given a, given b"),
    ),
    "a local query without tables": (
        lambda b: b.sql("local", "select * from range(1000000000000)"),
        lambda b: b.sql("local", "select * from range(1000)", anyway=True),
    ),
    "a preview": (lambda b: b.preview("wh.t", limit=400), lambda b: b.preview("wh.t")),
    "a sample": (
        lambda b: notebook_api.sample_data(b, "wh.t", "50%"),
        lambda b: notebook_api.sample_data(b, "wh.t", "10"),
    ),
    "a stream": (
        lambda b: pa.table(b.load("wh.t", as_="arrow")),
        lambda b: (notebook_api.profile_data(b, "wh.t"), b.check("wh.t", "rows > 0")),
    ),
    "a schema": (
        lambda b: b.check("wh.t", pandera.DataFrameSchema({})),
        lambda b: b.check("given", pandera.DataFrameSchema({})),
    ),
}


@pytest.mark.parametrize("read", READS)
def test_every_way_of_reading_is_limited(read: str, warehouse: DataSession) -> None:
    large, allowed = READS[read]
    assert exceeded(lambda: large(warehouse)).hint
    allowed(warehouse)
    warehouse.query_bytes = 0
    warehouse.load("wh.t")


def test_rows_that_an_incremental_load_leaves_out_do_not_count(
    limited: DataSession, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    KINDS["csv"](limited, here)
    begin = limited.channel.cursor_start
    after = CursorValue(kind=CursorKind.INTEGER, text="489")
    monkeypatch.setattr(
        limited.channel, "cursor_start", lambda cursor: replace(begin(cursor), after=after)
    )
    assert len(limited.load("d", since="n")) == 10


@pytest.mark.parametrize("how", [{}, {"draft": True}, {"version": 1}])
def test_reading_a_publication_back_is_limited(
    how: dict[str, Any], limited: DataSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish_table(limited, "daily", FRAME, live=True)
    publish_table(limited, "daily", FRAME)
    monkeypatch.setattr(notebook_api, "query_bytes", lambda: LIMIT)
    exceeded(lambda: notebook_api.read("daily", **how))
    assert len(notebook_api.read("daily", limit=5, **how)) == 5
    assert len(notebook_api.read("daily", anyway=True, **how)) == ROWS


def test_a_run_is_not_limited(warehouse: DataSession, monkeypatch: pytest.MonkeyPatch) -> None:
    context = replace(warehouse.context, id=7)
    monkeypatch.setattr(type(warehouse.channel), "context", property(lambda _: context))
    monkeypatch.setattr(kernel_state, "query_bytes", lambda: LIMIT)
    assert len(warehouse.load("wh.t")) == ROWS
    assert len(warehouse.sql("wh", "select * from t")) == ROWS
    assert len(warehouse.sql("local", 'select * from "wh.t"')) == ROWS


# -- what is known before anything is read ------------------------------------------------------


def reading(schema: pa.Schema, rows: int | None) -> tuple[Reading, list[str]]:
    """Return a reading, and what happens to it."""
    seen: list[str] = []

    def batches() -> Iterator[pa.RecordBatch]:
        seen.append("read")
        yield pa.RecordBatch.from_pylist([], schema=schema)

    reader = pa.RecordBatchReader.from_batches(schema, batches())
    return Reading(batches=reader, total_rows=rows), seen


@pytest.mark.parametrize(
    ("types", "rows", "request_", "refused"),
    [
        ([pa.int64()], 125, {}, False),
        ([pa.int64()], 126, {}, True),
        ([pa.int64(), pa.int64()], 63, {}, True),
        ([pa.int64()], 1_000_000, {"limit": 125}, False),
        ([pa.int64()], 1_000_000, {"limit": 126}, True),
        ([pa.bool_()], 8_000, {}, False),
        ([pa.bool_()], 8_008, {}, True),
        ([pa.timestamp("us", "UTC"), pa.string()], 126, {}, True),
        ([pa.string(), pa.list_(pa.int64()), pa.null()], 1_000_000, {}, False),
        ([pa.dictionary(pa.int8(), pa.string())], 1_001, {}, True),
        ([pa.decimal128(38, 2)], 63, {}, True),
        ([pa.int64()], None, {}, False),
    ],
)
def test_what_is_known_to_be_too_large_is_not_begun(
    types: list[pa.DataType], rows: int | None, request_: dict[str, Any], refused: bool
) -> None:
    opened, seen = reading(pa.schema([(f"c{n}", one) for n, one in enumerate(types)]), rows)
    most = ReadLimit(what="'d'", most_bytes=LIMIT)
    if refused:
        assert (
            "take at least"
            in exceeded(lambda: most.applied(opened, ReadRequest(**request_))).message
        )
    else:
        most.applied(opened, ReadRequest(**request_)).batches.read_all()
    assert seen == ([] if refused else ["read"])


@pytest.mark.parametrize(
    ("available", "limit"),
    [(64 << 30, 32 << 30), (LEAST_BYTES * 2 + 2, LEAST_BYTES + 1), (1, LEAST_BYTES)],
)
def test_the_default_is_half_of_the_memory_that_is_available(
    available: int, limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = type("Memory", (), {"available": available})
    monkeypatch.setattr("psutil.virtual_memory", lambda: memory)
    monkeypatch.setattr(read_limit, "machine_memory_bytes", lambda: 1 << 50)
    assert default_read_bytes() == limit
    monkeypatch.setattr(read_limit, "machine_memory_bytes", lambda: 5 * LEAST_BYTES)
    assert default_read_bytes() == min(limit, 5 * LEAST_BYTES // 2)


@pytest.mark.parametrize(("text", "found"), [("", None), ("0", 0), ("3GB", 3_000_000_000)])
def test_the_setting_is_handed_on(text: str, found: int | None) -> None:
    settings = Settings.from_env({"JUPYTER_ETL_QUERY_LIMIT": text})
    assert settings.query_bytes == found
    assert Settings.from_env(settings.environ()).query_bytes == found
