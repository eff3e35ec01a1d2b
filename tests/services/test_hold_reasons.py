"""Holds by the publish gate, by failed checks and by both are decided in the same way."""

from __future__ import annotations

import sqlite3
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.commits import TABLE
from fakes.gated import BROKEN, Gated, Later, with_ten_rows
from jupyter_etl.errors import Conflict, NotFound, PublishError
from jupyter_etl.model import (
    CheckResult,
    Decision,
    HeldBy,
    Outcome,
    PublicationKind,
    PublishMode,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim
from jupyter_etl.publishing.files.publisher import FilePublisher
from jupyter_etl.runner.folders import STAGE
from jupyter_etl.services.maintenance.pruning import prune
from jupyter_etl.services.pipelines.pipelines import Pipelines
from jupyter_etl.services.publications.differences import hold_reasons
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.runs.executors import executors_for
from jupyter_etl.services.runs.runs import Runs


@pytest.fixture
def world(tmp_path: Path) -> Gated:
    return with_ten_rows(tmp_path)


@dataclass(frozen=True)
class Kind:
    """A way to be held.

    Args:
        held_by: What holds it.
        rows: It publishes, of a table with 10.
        broken: What its checks found.
        outputs: Whether it publishes anything.
    """

    held_by: tuple[HeldBy, ...]
    rows: int
    broken: tuple[CheckResult, ...] = ()
    outputs: bool = True

    def make(self, world: Gated, key: str = "held") -> Claim:
        staged = [world.rows(self.rows), world.stage_file("note", "new")] if self.outputs else []
        claim = world.make(key, *staged, broken=self.broken)
        run = world.store.load_run(claim.run.id)
        assert (run.state, run.held_by) == (RunState.HELD, self.held_by)
        return claim


KINDS = {
    "gate": Kind((HeldBy.GATE,), rows=3),
    "check": Kind((HeldBy.CHECK,), rows=9, broken=(BROKEN,)),
    "both": Kind((HeldBy.CHECK, HeldBy.GATE), rows=3, broken=(BROKEN,)),
    "check without outputs": Kind((HeldBy.CHECK,), rows=0, broken=(BROKEN,), outputs=False),
}
WITH_OUTPUTS = {name: kind for name, kind in KINDS.items() if kind.outputs}
every_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
with_outputs = pytest.mark.parametrize("kind", WITH_OUTPUTS.values(), ids=WITH_OUTPUTS)


@every_kind
def test_it_is_one_hold_with_all_reasons(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    (hold,) = world.holds.list()
    assert hold == world.holds.get(claim.run.id)
    assert (hold.held_by, hold.checks) == (kind.held_by, kind.broken)
    assert hold.names == ((TABLE, "note") if kind.outputs else ())
    reasons = hold_reasons(hold)
    by_gate = "3 rows, and version 1 has 10 (-70%"
    assert any(by_gate in one for one in reasons) is (HeldBy.GATE in kind.held_by)
    by_check = "a check of rows failed: 2 of 9 rows: id is not unique"
    assert (by_check in reasons) is (HeldBy.CHECK in kind.held_by)
    error = world.store.load_run(claim.run.id).error
    assert (by_gate in error, "id is not unique" in error) == (
        HeldBy.GATE in kind.held_by,
        HeldBy.CHECK in kind.held_by,
    )
    assert world.live().number == 1


@every_kind
def test_approved_it_publishes_just_what_was_staged(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    done = world.holds.approve(claim.run.id)
    published = {TABLE: 2, "note": 1} if kind.outputs else {}
    assert {v.name: v.number for v in done.versions} == published
    run = world.store.load_run(claim.run.id)
    assert (run.state, run.outcome, run.error) == (RunState.SUCCEEDED, Outcome.SUCCEEDED, "")
    assert (run.held_by, run.new.note) == ((), "approved by ada")
    assert world.live().what.rows == (kind.rows if kind.outputs else 10)
    assert world.holds.list() == []
    assert not list((world.settings.home / "runs").glob(f"*{claim.run.id}/*/{STAGE}"))


@every_kind
def test_rejected_it_publishes_nothing(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    world.holds.reject(claim.run.id)
    assert (world.state(claim), world.live().number) == (RunState.CANCELLED, 1)
    assert world.store.load_run(claim.run.id).new.note == "rejected by ada"
    assert not list((world.settings.home / "runs").glob(f"*{claim.run.id}/*/{STAGE}"))


@with_outputs
def test_previewed_it_shows_the_staged_rows(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    found = world.holds.preview(claim.run.id, TABLE, limit=2)
    assert (found.data["id"].to_pylist(), found.total_rows) == ([0, 1], kind.rows)
    whole = world.holds.preview(TABLE, TABLE, limit=50)
    world.holds.approve(claim.run.id)
    assert whole.data.equals(world.read(world.live()))
    with pytest.raises(Conflict, match="was approved by ada"):
        world.holds.preview(claim.run.id, TABLE)


def runs_of(world: Gated) -> Runs:
    pipelines = Pipelines(world.store, world.clock, world.settings)
    return Runs(world.store, world.clock, world.settings, pipelines, executors_for(world.settings))


@every_kind
def test_it_cannot_be_cancelled(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    with pytest.raises(Conflict, match="already been held") as caught:
        runs_of(world).cancel(claim.run.id)
    assert caught.value.hint.endswith(f"jupyter etl reject {claim.run.id}")
    assert world.state(claim) is RunState.HELD


@every_kind
def test_retried_it_waits_no_more(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    runs_of(world).retry(claim.run.id)
    assert world.holds.list() == []
    for decide in (world.holds.approve, world.holds.reject):
        with pytest.raises(Conflict):
            decide(claim.run.id)
    again = world.attempt(claim.run.id)
    world.finish(again, world.commit(again, [world.rows(7)]))
    assert (world.state(claim), world.live().what.rows) == (RunState.SUCCEEDED, 7)


@every_kind
def test_undecided_it_expires(world: Gated, kind: Kind) -> None:
    claim = kind.make(world)
    prune(world.settings, world.store, Later(13))  # type: ignore[arg-type]
    assert world.state(claim) is RunState.HELD
    prune(world.settings, world.store, Later(15))  # type: ignore[arg-type]
    assert world.state(claim) is RunState.CANCELLED
    assert world.holds.get(claim.run.id).decision is Decision.EXPIRED


@with_outputs
@pytest.mark.parametrize("newer", ["run", "rollback"])
def test_it_is_not_put_over_newer_rows(world: Gated, kind: Kind, newer: str) -> None:
    world.make("second", world.rows(10))
    claim = kind.make(world)
    if newer == "run":
        world.make("newer", world.rows(11))
    else:
        Publications(world.store, world.clock, world.settings).rollback(TABLE, 1)
    with pytest.raises(Conflict, match="Version 3 of"):
        world.holds.approve(claim.run.id)
    assert (world.state(claim), world.live().number) == (RunState.HELD, 3)
    world.holds.reject(claim.run.id)


def test_previews_of_other_outputs(world: Gated) -> None:
    frame = pa.table({"id": [1, 2], "day": [1, 2]})
    file = Staged(
        name="sheet.csv",
        kind=PublicationKind.FILE,
        folder=tempfile.mkdtemp(dir=world.base),
        options={"path": "sheet.csv"},
    )
    report = Staged(name="page", kind=PublicationKind.REPORT, folder=tempfile.mkdtemp())
    days = world.stage(frame, name="days", mode=PublishMode.REPLACE, partition_by=("day",))
    claim = world.make(
        "held",
        FilePublisher().stage(file, frame.to_reader()),
        days,
        world.stage_file("note", "text"),
        report,
        broken=(BROKEN,),
    )
    for name in ("sheet.csv", "days"):
        found = world.holds.preview(claim.run.id, name)
        assert (found.data.sort_by("id").to_pydict(), found.total_rows) == (frame.to_pydict(), 2)
    with pytest.raises(PublishError, match="without rows") as caught:
        world.holds.preview(claim.run.id, "page")
    assert "executed notebook" in caught.value.hint
    with pytest.raises(NotFound, match=r"it holds: sheet\.csv, days, note, page"):
        world.holds.preview(claim.run.id, "other")


def test_a_run_that_an_older_version_held_shows_that_there_is_nothing_to_approve(
    world: Gated,
) -> None:
    claim = KINDS["check"].make(world)
    with sqlite3.connect(world.base / "ledger.sqlite") as ledger:
        ledger.execute("DELETE FROM holds")
    assert world.store.load_run(claim.run.id).held_by == (HeldBy.CHECK,)
    assert world.holds.list() == []
    for decide in (world.holds.approve, world.holds.reject):
        with pytest.raises(NotFound, match="before its last cell") as caught:
            decide(claim.run.id)
        assert f"jupyter etl retry {claim.run.id}" in caught.value.hint
