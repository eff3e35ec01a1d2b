"""Reading the ledger stays cheap when it grows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event

from contracts.store_values import NOW, a_run, an_output, claim_one, finish, started, succeeded
from fakes.ledger import new_ledger
from jupyter_etl.store.sql_store import SqlStore

SELECT = ("SELECT", "UPDATE")


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


def test_a_page_of_runs_takes_two_queries_however_long(store: SqlStore) -> None:
    for i in range(30):
        finish(store, started(store, a_run(str(i))), succeeded(an_output(f"p{i % 3}")))
    for limit in (3, 30):
        with statements(store) as seen:
            runs = store.load_runs(limit=limit)
        assert len(runs) == limit
        assert all(len(run.published) == 1 for run in runs)
        assert len(seen) == 2


def test_all_publications_take_two_queries(store: SqlStore) -> None:
    finish(store, started(store), succeeded(*(an_output(f"p{i}") for i in range(20))))
    with statements(store) as seen:
        assert len(store.load_publications()) == 20
    assert len(seen) == 2


def test_what_is_due_is_found_by_its_index_in_order(store: SqlStore) -> None:
    with statements(store) as seen:
        store.load_due(NOW)
    found = plans(store, seen)
    assert "USING INDEX ix_pipelines_due (paused=? AND next_due>? AND next_due<?)" in found or (
        "USING INDEX ix_pipelines_due (paused=? AND next_due<?)" in found
    )
    assert "TEMP B-TREE" not in found


def test_a_claim_walks_the_queue_in_order(store: SqlStore) -> None:
    with statements(store) as seen:
        store.claim("s", now=NOW, limit=1)
    found = plans(store, seen)
    assert found.startswith("SEARCH runs USING INDEX ix_runs_claim (state=?)")
    assert "SEARCH other USING INDEX ix_runs_in_hand (pipeline=? AND state=?)" in found
    assert "TEMP B-TREE" not in found


def test_nothing_scans_a_whole_table_while_a_run_goes_on(store: SqlStore) -> None:
    store.add_run(a_run(), now=NOW)
    with statements(store) as seen:
        store.load_due(NOW)
        store.next_due_at()
        store.load_subscribers()
        claim = claim_one(store)
        store.beat(claim.run.id, 1, claim.attempt.token, cell=1)
        store.load_live_attempts()
        finish(store, claim, succeeded(an_output()))
        store.load_runs(pipeline="orders")
        store.load_publication("sales.daily")
    assert len(seen) > 12
    # The index of live attempts holds nothing else.
    found = [line for line in plans(store, seen).splitlines() if "uq_attempts_live" not in line]
    assert [line for line in found if line.startswith("SCAN")] == []
