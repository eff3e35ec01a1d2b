"""Lineage of real runs: a kernel, its runner, the lake and the ledger."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest

from fakes.notebooks import write_notebook
from fakes.patience import until
from jupyter_etl.model import RunState
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.processes.lineage_events import LOG

pytestmark = pytest.mark.kernel


def test_a_run_records_what_it_reads_and_makes(etl: Etl, here: Path) -> None:
    with sqlite3.connect(here / "wh.db") as connection:
        connection.execute("create table orders (id integer, day text, amount real)")
        connection.executemany("insert into orders values (?, ?, ?)", [(1, "a", 1.5), (2, "b", 2)])
    connection.close()
    etl.sources.declare("wh", f"sqlite:///{here}/wh.db", base=here)
    path = write_notebook(
        here / "daily.ipynb",
        "%load_ext jupyter_etl",
        "%%etl sql wh --name recent\nselect * from orders where id > 0",
        "%%etl sql wh orders <<\nselect day, amount from {{ ref('recent') }}",
        "%%etl sql local daily <<\nselect day, sum(amount) as total from orders group by day",
        "%%etl check daily\nday: unique",
        "%etl publish table sales.daily daily",
    )
    run = etl.runs.run(path)
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    graph = etl.lineage.graph("sales.daily")
    assert [node.id for node in graph.nodes] == [
        "publication:sales.daily",
        "pipeline:daily",
        "source:wh.orders",
    ]
    assert [(one.column, one.label) for one in graph.columns] == [
        ("day", "wh.orders.day"),
        ("total", "wh.orders.amount"),
    ]
    # The runner writes the last event after the end of the run is recorded.
    log = etl.settings.home / LOG
    until("the last event", lambda: len(log.read_text().splitlines()) > 1)
    events = [json.loads(line) for line in log.read_text().splitlines()]
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"]
    (daily,) = events[1]["outputs"]
    assert set(daily["facets"]["columnLineage"]["fields"]) == {"day", "total"}
    (assertion,) = daily["facets"]["dataQualityAssertions"]["assertions"]
    assert assertion["success"]
