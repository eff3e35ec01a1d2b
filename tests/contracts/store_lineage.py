"""Tests of every ledger: lineage."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from contracts.store_holds import STAGED
from contracts.store_values import NOW, a_run, an_output, finish, started, succeeded
from jupyter_etl.model import (
    AttemptReport,
    ColumnOrigin,
    Decision,
    Outcome,
    Read,
    RunLineage,
    RunState,
    Written,
)
from jupyter_etl.ports import Store

ORDERS = Read(source="wh", table="orders", rows=10, bytes=80)
DAILY = Read(source="sales.daily", version="7", rows=3, bytes=24)
DAY = ColumnOrigin(column="day", source="wh", table="orders", source_column="placed_at")


def made(
    store: Store, key: str, *reads: Read, draft: bool = False, pipeline: str = "orders"
) -> int:
    """Create a run that reads and publishes, and return its id."""
    claim = started(store, a_run(key, draft=draft, pipeline=pipeline))
    report = replace(
        succeeded(an_output("out", delta_version=None)), reads=reads, origins={"out": (DAY,)}
    )
    finish(store, claim, report)
    return claim.run.id


class LineageContract:
    """Lineage is recorded with the publication, and found from both ends."""

    def test_a_run_that_succeeds_is_on_record(self, store: Store) -> None:
        run_id = made(store, "a", ORDERS, DAILY)
        (found,) = store.load_lineage([run_id])
        assert found == RunLineage(
            run_id=run_id,
            pipeline="orders",
            version=1,
            owner="ada",
            finished_at=NOW,
            reads=(ORDERS, DAILY),
            written=(Written(name="out", number=1, rows=3),),
            origins={"out": (DAY,)},
        )

    def test_reads_of_one_table_are_added_up(self, store: Store) -> None:
        unknown = replace(ORDERS, table="lines", rows=None)
        run_id = made(store, "a", ORDERS, unknown, ORDERS, replace(unknown, rows=2))
        (found,) = store.load_lineage([run_id])
        assert [(r.table, r.rows, r.bytes) for r in found.reads] == [
            ("orders", 20, 160),
            ("lines", None, 160),
        ]

    def test_of_each_pipeline_the_newest_reader_is_found(self, store: Store) -> None:
        made(store, "a", ORDERS)
        newest = made(store, "b", ORDERS)
        made(store, "c", DAILY)
        other = made(store, "d", replace(ORDERS, table="lines"), pipeline="lines")
        assert store.load_readers("wh") == [newest, other]
        assert store.load_readers("wh", table="orders") == [newest]
        assert store.load_readers("nobody") == []

    def test_neither_drafts_nor_failures_are_recorded(self, store: Store) -> None:
        draft = made(store, "a", ORDERS, draft=True)
        claim = started(store, a_run("b"))
        failed = AttemptReport(outcome=Outcome.FAILED, error="no", reads=(ORDERS,))
        finish(store, claim, failed, state=RunState.FAILED)
        assert store.load_readers("wh") == []
        assert [one.reads for one in store.load_lineage([draft, claim.run.id])] == [(), ()]

    def test_what_is_held_is_recorded_when_it_is_approved(self, store: Store) -> None:
        claim = started(store, a_run("a"))
        staged = replace(STAGED, origins=(DAY,))
        report = AttemptReport(
            outcome=Outcome.HELD, error="held", reads=(ORDERS,), staged=(staged,)
        )
        finish(store, claim, report, state=RunState.HELD)
        assert store.load_readers("wh") == []
        until = NOW + timedelta(hours=1)
        store.begin_commits([staged.name], draft=False, token="t", until=until, now=NOW)
        hold = store.load_hold(claim.run.id)
        output = an_output(staged.name, delta_version=None)
        store.decide_hold(hold, Decision.APPROVED, by="ada", now=NOW, committed=[output], token="t")
        (found,) = store.load_lineage(store.load_readers("wh"))
        assert found.reads == (ORDERS,)
        assert found.origins == {staged.name: (DAY,)}

    def test_a_run_that_is_made_again_is_recorded_once(self, store: Store) -> None:
        run_id = made(store, "a", ORDERS)
        store.requeue(run_id, now=NOW)
        (claim,) = store.claim("s", now=NOW, limit=1)
        attempt = claim.attempt
        store.start_attempt(
            run_id, attempt.number, attempt.token, host="h", pid=1, cells=1, now=NOW
        )
        finish(store, claim, replace(succeeded(), reads=(DAILY,)))
        (found,) = store.load_lineage([run_id])
        assert found.reads == (DAILY,)
        assert found.origins == {}

    def test_it_is_pruned_with_the_run_unless_a_version_is_kept(self, store: Store) -> None:
        first, second, third = (made(store, key, ORDERS) for key in "abc")
        store.save_pruned("out", [1], draft=False, now=NOW)
        later = NOW + timedelta(days=1)
        assert store.prune_lineage(before=NOW, keep=1, dry_run=False) == 0
        assert store.prune_lineage(before=later, keep=1, dry_run=True) == 1
        assert store.prune_lineage(before=later, keep=1, dry_run=False) == 1
        found = store.load_lineage([first, second, third])
        assert [len(one.reads) for one in found] == [0, 1, 1]
        assert [len(one.origins) for one in found] == [0, 1, 1]
