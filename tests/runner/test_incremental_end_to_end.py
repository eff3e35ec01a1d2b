"""Incremental loads in real runs: a kernel, its runner, the lake and the ledger."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.model import RunState
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel

LOAD = "new = %etl load wh.orders --since at --lag 2h --key id"


def put(path: Path, *rows: tuple[int, str | None]) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("create table if not exists orders (id integer, at text)")
        connection.executemany("insert into orders values (?, ?)", rows)
    connection.close()


def test_rows_come_once_and_late_ones_too(etl: Etl, here: Path) -> None:
    wh = here / "wh.db"
    etl.sources.declare("wh", f"sqlite:///{wh}", base=here)
    put(wh, (1, "2026-01-01 06:00:00"), (2, "2026-01-01 08:00:00"), (9, None))
    path = write_notebook(
        here / "sales.ipynb",
        "%load_ext jupyter_etl\n%etl param fail int = 0",
        LOAD,
        "%etl publish table sales.daily new --mode upsert --key id",
        "assert not fail",
    )

    def state() -> tuple[list[int], str | None]:
        found = [one.value for one in etl.watermarks.list("sales")]
        rows = sorted(etl.publications.read("sales.daily")["id"].to_pylist())
        return rows, found[0].text if found and found[0] else None

    first = etl.runs.run(path)
    assert (first.state, first.error) == (RunState.SUCCEEDED, "")
    assert state() == ([1, 2], "2026-01-01 08:00:00")
    (read,) = first.reads
    assert read.rows == 2
    assert "1 rows without at skipped" in read.note

    put(wh, (3, "2026-01-01 07:00:00"), (4, "2026-01-01 09:00:00"))
    failed = etl.runs.run(path, parameters={"fail": "1"})
    assert failed.state is RunState.FAILED
    assert state() == ([1, 2], "2026-01-01 08:00:00")
    draft = etl.runs.run(path, draft=True)
    assert "the watermark stays: the run is a draft" in draft.reads[0].note
    assert state() == ([1, 2], "2026-01-01 08:00:00")
    # The late row and the new one; the one of 08:00 lies within the lag and is read again.
    again = etl.runs.run(path)
    assert again.reads[0].rows == 3
    assert state() == ([1, 2, 3, 4], "2026-01-01 09:00:00")

    put(wh, (5, "2026-01-01 10:00:00"))
    looks = write_notebook(here / "sales.ipynb", "%load_ext jupyter_etl", LOAD)
    only = etl.runs.run(looks)
    assert only.state is RunState.SUCCEEDED
    assert "the watermark stays: the run published nothing" in only.reads[0].note
    assert "published nothing" in etl.runs.log(only.id)
    assert state() == ([1, 2, 3, 4], "2026-01-01 09:00:00")
