"""Reading the ledger stays cheap when it grows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from contracts.store_values import (
    NOW,
    a_pipeline,
    a_run,
    an_output,
    claim_one,
    finish,
    started,
    succeeded,
)
from fakes.ledger import new_ledger
from jupyter_etl.ledger.queue import heads
from jupyter_etl.ledger.schema.tables import metadata
from jupyter_etl.ledger.store import SqlStore
from jupyter_etl.model import ACTIVE, BAD, Cause, RunState

SELECT = ("SELECT", "UPDATE", "WITH")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqlStore]:
    store = SqlStore(new_ledger(tmp_path))
    yield store
    store.close()


@contextmanager
def statements(store: SqlStore) -> Iterator[list[tuple[str, tuple[object, ...]]]]:
    """Collect the statements with their parameters."""
    seen: list[tuple[str, tuple[object, ...]]] = []

    def note(connection: object, cursor: object, text: str, values: object, *_: object) -> None:
        if text.startswith(SELECT):
            assert isinstance(values, tuple)
            seen.append((text, values))

    engine = store._ledger._engine()
    event.listen(engine, "before_cursor_execute", note)
    yield seen
    event.remove(engine, "before_cursor_execute", note)


def plans(store: SqlStore, seen: list[tuple[str, tuple[object, ...]]]) -> str:
    """Return how SQLite goes about the statements."""
    lines: list[str] = []
    with store._ledger.reading() as connection:
        for text, values in seen:
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}", values)
            lines += [row.detail for row in rows]
    return "\n".join(lines)


def test_a_page_of_runs_takes_three_queries_however_long(store: SqlStore) -> None:
    for i in range(30):
        finish(store, started(store, a_run(str(i))), succeeded(an_output(f"p{i % 3}")))
    for limit in (3, 30):
        with statements(store) as seen:
            runs = store.load_runs(limit=limit)
        assert len(runs) == limit
        assert all(len(run.published) == 1 for run in runs)
        assert len(seen) == 3


def test_all_publications_take_two_queries(store: SqlStore) -> None:
    finish(store, started(store), succeeded(*(an_output(f"p{i}") for i in range(20))))
    with statements(store) as seen:
        assert len(store.load_publications()) == 20
    assert len(seen) == 2


def test_what_is_due_is_found_by_its_index_in_order(store: SqlStore) -> None:
    with statements(store) as seen:
        store.load_due(NOW)
    found = plans(store, seen)
    # Whether the lower bound is named depends on the version of SQLite.
    used = r"USING INDEX ix_pipelines_due \(paused=\? AND (next_due>\? AND )?next_due<\?\)"
    assert re.search(used, found) is not None
    assert "TEMP B-TREE" not in found


def test_who_waits_for_publications_is_found_by_the_index_alone_whatever_the_statistics(
    store: SqlStore,
) -> None:
    for n in range(30):
        store.deploy(a_pipeline(f"p{n}"), now=NOW)
    with store._ledger.writing() as connection:
        connection.exec_driver_sql("ANALYZE")
    with statements(store) as seen:
        store.load_outlook(NOW)
    found = plans(store, seen)
    assert "COVERING INDEX ix_pipelines_schedule_kind" in found
    assert "SCAN pipelines" not in found


@pytest.mark.parametrize(
    ("states", "causes", "count"),
    [
        (ACTIVE, (), 50),
        (BAD, (Cause.BACKFILL,), 1),
        ((RunState.CANCELLED, RunState.SKIPPED), (Cause.SCHEDULE,), 2),
    ],
)
def test_runs_in_a_state_that_few_are_in_are_found_without_going_through_all_runs(
    store: SqlStore, states: tuple[RunState, ...], causes: tuple[Cause, ...], count: int
) -> None:
    for number in range(20):
        store.deploy(a_pipeline(f"p{number % 2}"), now=NOW)
        store.add_run(a_run(str(number), pipeline=f"p{number % 2}"), now=NOW)
    with store._ledger.writing() as connection:
        connection.exec_driver_sql("UPDATE runs SET state = 'succeeded'")
        connection.exec_driver_sql("ANALYZE")
    with statements(store) as seen:
        found = store.load_last_runs(["p0", "p1"], count=count, states=states, causes=causes)
    assert found == {"p0": [], "p1": []}
    plan = plans(store, seen)
    assert "runs_pipeline" not in plan
    assert "SCAN runs" not in plan
    assert "SCAN own" not in plan


def test_the_last_runs_of_many_pipelines_take_one_query(store: SqlStore) -> None:
    names = [f"p{number}" for number in range(2_500)]
    store.deploy(a_pipeline("p7"), now=NOW)
    finish(store, started(store, a_run(pipeline="p7")), succeeded())
    with statements(store) as seen:
        found = store.load_last_runs(names, count=14)
    assert list(found) == names
    assert [name for name, runs in found.items() if runs] == ["p7"]
    assert len(seen) == 1


@pytest.mark.parametrize("queued", [0, 3])
def test_a_claim_reads_only_the_queue_index_to_find_the_next_run(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch, queued: int
) -> None:
    """Below the limit in one pass, above it by jumps from line to line."""
    for key in range(queued):
        store.add_run(a_run(str(key), pipeline=f"p{key}"), now=NOW)
    monkeypatch.setattr(heads, "_SHORT", 2)
    with statements(store) as seen:
        assert len(store.claim("s", now=NOW, limit=9)) == queued
    found = plans(store, [one for one in seen if "ix" not in one[0] and "runs" in one[0]])
    assert "COVERING INDEX ix_runs_queue" in found
    steps = "USING COVERING INDEX ix_runs_queue (state=? AND pipeline>?)"
    assert (steps in found) is (queued > 2)
    assert scanned(found) == set()


def test_nothing_scans_a_whole_table_while_a_run_continues(store: SqlStore) -> None:
    store.add_run(a_run(), now=NOW)
    with statements(store) as seen:
        store.load_due(NOW)
        store.load_outlook(NOW)
        store.load_subscribers()
        claim = claim_one(store)
        store.heartbeat(claim.run.id, 1, claim.attempt.token, cell=1)
        store.load_live_attempts()
        finish(store, claim, succeeded(an_output()))
        store.load_runs(pipeline="orders")
        store.load_publication("sales.daily")
    assert len(seen) > 12
    # The indexes of live attempts and of ends not announced yet hold nothing else.
    short = ("uq_attempts_live", "ix_runs_unnotified")
    lines = plans(store, seen).splitlines()
    found = [line for line in lines if not any(name in line for name in short)]
    assert scanned("\n".join(found)) == set()


def scanned(found: str) -> set[str]:
    """Return the tables that are read from end to end; that of breakers stays as short as bad luck."""
    names = {line.split()[1] for line in found.splitlines() if line.startswith("SCAN")}
    return names & ({*metadata.tables, "at", "following"} - {"breakers"})
