"""Tests of every ledger: held runs."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from contracts.store_values import NOW, a_run, an_output, claim_one, finish, started, succeeded
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.model import (
    AttemptReport,
    Batch,
    CheckResult,
    CheckRule,
    CheckStatus,
    Column,
    Contract,
    Cursor,
    CursorKind,
    CursorMove,
    CursorStart,
    CursorValue,
    Decision,
    Difference,
    HeldBy,
    Hold,
    Outcome,
    PublicationKind,
    Retyped,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim, Store

LATER = NOW + timedelta(hours=3)
STAGED = Staged(
    name="sales.daily",
    kind=PublicationKind.TABLE,
    folder="/runs/1/1/stage/x",
    files=("a.parquet",),
    contract=Contract.FREEZE,
    rows=3,
    options={"change": "0.1"},
    batch=Batch(key="orders", interval=a_run().interval),
)
DIFFERENCE = Difference(
    name="sales.daily",
    number=41,
    added=(Column(name="z", type="int64"),),
    retyped=(Retyped(name="x", before="int64", after="string"),),
    rows_before=10,
    replaced_rows=10,
    new_rows=3,
    reasons=("it has 3 rows",),
)
WARNED = CheckResult(
    rule=CheckRule(text="id > 1", kind="expression", argument="id > 1"),
    status=CheckStatus.WARN,
    dataset="daily",
    failed_rows=1,
    total_rows=3,
    message="1 of 3 rows: id > 1 is false",
)
BROKEN = replace(WARNED, status=CheckStatus.ERROR)
CURSOR = Cursor(source="wh", table="orders", column="id")


class HoldsContract:
    """A run is held until there is a decision, which is final."""

    def test_what_is_held_comes_back_as_it_was(self, store: Store) -> None:
        claim = held(store)
        assert store.load_holds() == [store.load_hold(claim.run.id)]
        assert store.load_hold(claim.run.id) == Hold(
            run_id=claim.run.id,
            attempt=1,
            owner="ada",
            staged=(STAGED,),
            differences=(DIFFERENCE,),
            held_at=NOW,
        )
        run = store.load_run(claim.run.id)
        assert (run.state, run.held_by) == (RunState.HELD, (HeldBy.GATE,))
        assert store.load_runs(states=[RunState.HELD]) == [run]
        with pytest.raises(NotFound):
            store.load_hold(started(store, a_run("other")).run.id)

    @pytest.mark.parametrize(
        ("staged", "differences", "checks", "held_by"),
        [
            ((STAGED,), (replace(DIFFERENCE, reasons=()),), (WARNED, BROKEN), [HeldBy.CHECK]),
            ((STAGED,), (DIFFERENCE,), (BROKEN,), [HeldBy.CHECK, HeldBy.GATE]),
            ((STAGED,), (DIFFERENCE,), (WARNED,), [HeldBy.GATE]),
            ((), (), (BROKEN,), [HeldBy.CHECK]),
        ],
    )
    def test_checks_and_the_gate_are_one_hold(
        self,
        store: Store,
        staged: tuple[Staged, ...],
        differences: tuple[Difference, ...],
        checks: tuple[CheckResult, ...],
        held_by: list[HeldBy],
    ) -> None:
        claim = started(store, a_run("held"))
        report = AttemptReport(
            outcome=Outcome.HELD, staged=staged, differences=differences, checks=checks
        )
        finish(store, claim, report, state=RunState.HELD)
        (hold,) = store.load_holds()
        assert (hold.staged, hold.differences) == (staged, differences)
        assert list(hold.checks) == [one for one in checks if one is BROKEN]
        assert list(hold.held_by) == held_by
        assert list(store.load_run(claim.run.id).held_by) == held_by
        assert decide(store, claim, Decision.APPROVED) == []
        run = store.load_run(claim.run.id)
        assert (run.state, run.held_by) == (RunState.SUCCEEDED, ())

    def test_an_approval_makes_all_visible_and_ends_the_run(self, store: Store) -> None:
        claim = held(store)
        token = publication_lock(store, "sales.daily", "note")
        outputs = (an_output(), an_output("note", kind=PublicationKind.FILE))
        visible = decide(store, claim, Decision.APPROVED, outputs, token)
        assert [(v.name, v.number, v.note, v.published_at) for v in visible] == [
            ("sales.daily", 1, "approved by kim", LATER),
            ("note", 1, "approved by kim", LATER),
        ]
        run = store.load_run(claim.run.id)
        assert (run.state, run.outcome, run.error) == (RunState.SUCCEEDED, Outcome.SUCCEEDED, "")
        assert (len(run.published), run.new.note) == (2, "approved by kim")
        hold = store.load_hold(claim.run.id)
        assert (hold.decision, hold.decided_by, hold.decided_at) == ("approved", "kim", LATER)
        assert store.load_holds() == []
        # The lock was released.
        assert publication_lock(store, "sales.daily")

    @pytest.mark.parametrize("decision", [Decision.REJECTED, Decision.EXPIRED])
    def test_what_is_given_up_publishes_nothing(self, store: Store, decision: Decision) -> None:
        claim = held(store)
        assert decide(store, claim, decision) == []
        run = store.load_run(claim.run.id)
        assert (run.state, run.outcome, run.error) == (RunState.CANCELLED, "cancelled", "held")
        assert store.load_holds() == store.load_publications() == []

    def test_it_is_decided_once(self, store: Store) -> None:
        claim = held(store)
        decide(store, claim, Decision.REJECTED)
        token = publication_lock(store, "sales.daily")
        with pytest.raises(Conflict):
            decide(store, claim, Decision.APPROVED, (an_output(),), token)
        assert store.load_publications() == []

    def test_a_lost_publication_lock_approves_nothing(self, store: Store) -> None:
        claim = held(store)
        publication_lock(store, "sales.daily")
        with pytest.raises(Conflict):
            decide(store, claim, Decision.APPROVED, (an_output(),), "somebody's")
        assert store.load_holds()
        assert store.load_run(claim.run.id).state is RunState.HELD

    def test_a_name_that_was_taken_approves_nothing(self, store: Store) -> None:
        claim = held(store)
        finish(store, started(store, a_run("k", owner="kim")), succeeded(an_output()))
        token = publication_lock(store, "sales.daily")
        with pytest.raises(PermissionDenied):
            decide(store, claim, Decision.APPROVED, (an_output(),), token)
        assert store.load_holds()

    def test_a_repeated_run_does_not_wait(self, store: Store) -> None:
        claim = held(store)
        hold = store.load_hold(claim.run.id)
        store.requeue(claim.run.id, now=NOW)
        assert store.load_holds() == []
        claim_one(store, run_id=claim.run.id)
        with pytest.raises(Conflict):
            store.decide_hold(hold, Decision.REJECTED, by="kim", now=LATER)

    def test_watermarks_move_with_the_approval(self, store: Store) -> None:
        move = CursorMove(
            cursor=CURSOR,
            start=CursorStart(after=None, era=0, until=NOW),
            upto=None,
            value=CursorValue(kind=CursorKind.INTEGER, text="42"),
            rows=3,
        )
        claim = held(store, (move,))
        assert store.load_watermark("orders", CURSOR) is None
        assert store.load_hold(claim.run.id).moves == (move,)
        assert store.load_holds()[0].moves == (move,)
        token = publication_lock(store, "sales.daily")
        (version,) = decide(store, claim, Decision.APPROVED, (an_output(),), token)
        assert [one.value for one in version.watermarks or ()] == [move.value]
        assert store.load_publication("sales.daily").live == version
        found = store.load_watermark("orders", CURSOR)
        assert found is not None
        assert (found.value, found.run_id) == (move.value, claim.run.id)

    def test_drafts_keep_their_own_turns(self, store: Store) -> None:
        claim = held(store)
        now = {"until": LATER + timedelta(hours=1), "now": NOW}
        assert store.begin_commits(["sales.daily"], draft=True, token="draft", **now) == ()
        token = publication_lock(store, "sales.daily")
        assert decide(store, claim, Decision.APPROVED, (an_output(),), token)


def held(store: Store, moves: tuple[CursorMove, ...] = ()) -> Claim:
    """Create an attempt that the gate holds."""
    claim = started(store, a_run("held"))
    report = AttemptReport(
        outcome=Outcome.HELD,
        error="held",
        staged=(STAGED,),
        differences=(DIFFERENCE,),
        moves=moves,
    )
    finish(store, claim, report, state=RunState.HELD)
    return claim


def publication_lock(store: Store, *names: str) -> str:
    """Acquire the publication lock interactively and return its token."""
    token = f"lock-{'-'.join(names)}"
    until = LATER + timedelta(hours=1)
    assert store.begin_commits(names, draft=False, token=token, until=until, now=NOW) == ()
    return token


def decide(
    store: Store,
    claim: Claim,
    decision: Decision,
    committed: tuple[object, ...] = (),
    token: str = "",
) -> list[object]:
    """Decide about a held run."""
    return store.decide_hold(  # type: ignore[return-value]
        store.load_hold(claim.run.id),
        decision,
        by="kim",
        now=LATER,
        committed=committed,  # type: ignore[arg-type]
        token=token,
    )
