"""What the publish gate holds: kept, approved, rejected or given up; readers keep what they had."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.commits import TABLE, Publishing
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied, PublishError
from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    Contract,
    Decision,
    HeldBy,
    Outcome,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim
from jupyter_etl.publishing.files.publisher import FilePublisher
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.runner.commit import HeldBack, commit_outputs
from jupyter_etl.runner.folders import STAGE, save_claim
from jupyter_etl.scheduling.attempt_policy import StandardAttemptPolicy
from jupyter_etl.services import Settings
from jupyter_etl.services.maintenance.pruning import prune
from jupyter_etl.services.pipelines.pipelines import Pipelines
from jupyter_etl.services.publications.differences import hold_reasons
from jupyter_etl.services.publications.holds import Holds
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.runs.executors import executors_for
from jupyter_etl.services.runs.runs import Runs

REPLACE, APPEND, UPSERT = PublishMode.REPLACE, PublishMode.APPEND, PublishMode.UPSERT
PUBLISHERS = {PublicationKind.TABLE: TablePublisher(), PublicationKind.FILE: FilePublisher()}

BROKEN = CheckResult(
    rule=CheckRule(text="id: unique", kind="unique", column="id"),
    status=CheckStatus.ERROR,
    dataset="rows",
    failed_rows=2,
    total_rows=9,
    message="2 of 9 rows: id is not unique",
)


class Gated(Publishing):
    """A ledger and a lake whose runs pass the gate, as a runner makes them pass."""

    @property
    def settings(self) -> Settings:
        return Settings.from_env({}, home=str(self.base / "home"), lake=self.lake, owner="ada")

    @property
    def holds(self) -> Holds:
        return Holds(self.store, self.clock, self.settings)

    def make(self, key: str, *staged: Staged, broken: tuple[CheckResult, ...] = ()) -> Claim:
        """Make the whole attempt of a run that has staged this.

        Args:
            key: Of the run.
            staged: Its outputs.
            broken: What its failed checks of severity error found.
        """
        claim = self.run(key)
        stage = save_claim(self.settings.home, claim) / STAGE
        moved = tuple(
            replace(one, folder=str(Path(one.folder).rename(stage / str(n))))
            for n, one in enumerate(staged)
        )
        try:
            committed = self.pass_gate(claim, moved, broken)
        except HeldBack as held:
            report = AttemptReport(
                outcome=Outcome.HELD,
                error=held.sentence,
                staged=moved,
                differences=held.differences,
                checks=broken,
            )
            self._end(claim, report, RunState.HELD)
        else:
            self.finish(claim, committed)
        return claim

    def pass_gate(
        self, claim: Claim, staged: Sequence[Staged], broken: tuple[CheckResult, ...]
    ) -> tuple[object, ...]:
        policy = StandardAttemptPolicy(store=self.store)
        return commit_outputs(self.context(claim), policy, staged, failed_checks=broken)

    def rows(self, count: int, *, first: int = 0, **declared: object) -> Staged:
        table = pa.table({"id": range(first, first + count), "day": [first] * count})
        return self.stage(table, **{"mode": REPLACE, **declared})

    def live(self, name: str = TABLE) -> PublicationVersion:
        version = self.store.load_publication(name).live
        assert version is not None
        return version

    def state(self, claim: Claim) -> RunState:
        return self.store.load_run(claim.run.id).state


@pytest.fixture
def world(tmp_path: Path) -> Gated:
    made = Gated(tmp_path)
    made.make("first", made.rows(10))
    return made


def test_too_few_rows_are_held_and_the_old_version_serves(world: Gated) -> None:
    held = world.make("2", world.rows(3), world.stage_file("note", "new"))
    assert world.state(held) is RunState.HELD
    assert (world.live().number, world.live().what.rows) == (1, 10)
    assert [one.name for one in world.store.load_publications()] == [TABLE]
    (hold,) = world.holds.list()
    assert (hold.run_id, hold.names, hold.owner) == (held.run.id, (TABLE, "note"), "ada")
    assert "3 rows, and version 1 has 10 (-70%" in hold.differences[0].reasons[0]
    assert world.holds.get(TABLE) == world.holds.get("note") == world.holds.get(held.run.id) == hold
    # What others publish meanwhile is not held up.
    assert world.publish(world.run("other"), name="other").number == 1


def test_approved_it_becomes_visible_all_at_once_and_is_on_record(world: Gated) -> None:
    held = world.make("2", world.rows(3), world.stage_file("note", "new"))
    done = world.holds.approve(held.run.id)
    assert {(v.name, v.number, v.note) for v in done.versions} == {
        (TABLE, 2, "approved by ada"),
        ("note", 1, "approved by ada"),
    }
    assert world.read(world.live()).num_rows == 3
    assert Path(world.live("note").what.location).read_text() == "new"
    run = world.store.load_run(held.run.id)
    assert (run.state, run.outcome, run.error) == (RunState.SUCCEEDED, Outcome.SUCCEEDED, "")
    assert run.new.note == "approved by ada"
    assert {v.run_id for v in run.published} == {held.run.id}
    hold = world.holds.get(held.run.id)
    assert (hold.decision, hold.decided_by) == (Decision.APPROVED, "ada")
    assert hold.decided_at is not None
    assert world.holds.list() == []
    assert not list((world.settings.home / "runs").glob(f"*{held.run.id}/*/{STAGE}"))
    for decide in (world.holds.approve, world.holds.reject):
        with pytest.raises(Conflict):
            decide(held.run.id)
    assert world.live().number == 2
    # The next run is compared with what was approved.
    assert world.state(world.make("3", world.rows(4))) is RunState.SUCCEEDED


def test_rejected_nothing_of_it_is_left(world: Gated) -> None:
    held = world.make("2", world.rows(0))
    assert "it is empty" in world.store.load_run(held.run.id).error
    world.holds.reject(TABLE)
    assert (world.state(held), world.live().number) == (RunState.CANCELLED, 1)
    assert world.store.load_run(held.run.id).new.note == "rejected by ada"
    with pytest.raises(NotFound, match="No output of"):
        world.holds.get(TABLE)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": range(10), "day": [0] * 10, "z": [1] * 10}, "added 'z'"),
        ({"id": range(10)}, "dropped 'day'"),
        ({"id": ["x"] * 10, "day": [0] * 10}, "'id' was int64 and is string"),
    ],
)
def test_a_frozen_schema_is_held_and_may_be_approved(
    world: Gated, columns: dict[str, object], words: str
) -> None:
    staged = world.stage(pa.table(columns), mode=REPLACE, contract=Contract.FREEZE)
    held = world.make("2", staged)
    assert words in world.holds.get(held.run.id).differences[0].reasons[0]
    world.holds.approve(held.run.id)
    live = world.live()
    assert [c.name for c in live.what.columns] == list(columns)
    assert live.what.contract is Contract.FREEZE
    assert world.read(live).to_pydict() == {name: list(v) for name, v in columns.items()}  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"id": range(10), "day": [0] * 10, "z": [1] * 10}, None),
        ({"id": range(10)}, "dropped 'day'"),
        ({"id": range(10), "day": ["0"] * 10}, "'day' was int64 and is string"),
    ],
)
def test_a_schema_that_evolves_may_only_grow_unseen(
    world: Gated, columns: dict[str, object], words: str | None
) -> None:
    claim = world.make("2", world.stage(pa.table(columns), mode=REPLACE))
    if words is None:
        assert world.state(claim) is RunState.SUCCEEDED
        assert [c.name for c in world.live().what.columns] == list(columns)
        return
    assert world.state(claim) is RunState.HELD
    assert words in world.holds.get(claim.run.id).differences[0].reasons[0]
    assert world.live().number == 1
    assert world.read(world.live()).column_names == ["id", "day"]


def test_partitions_are_compared_with_the_same_partitions(world: Gated) -> None:
    def days(count: int, day: int) -> Staged:
        return world.rows(count, first=day, name="days", partition_by=("day",))

    for day, count in ((1, 10), (2, 100), (3, 1)):
        assert world.state(world.make(f"d{day}", days(count, day))) is RunState.SUCCEEDED
    held = world.make("again", days(4, 1))
    assert world.state(held) is RunState.HELD
    # Another day comes in between; the one that was held is still the newest of its day.
    world.make("d4", days(5, 4))
    world.holds.approve(held.run.id)
    counts = world.read(world.live("days")).group_by("day").aggregate([("id", "count")])
    assert sorted(counts.to_pydict()["id_count"]) == [1, 4, 5, 100]

    late = world.make("late", days(1, 2))
    world.make("newer", replace(days(90, 2), options={"change": "any"}))
    with pytest.raises(Conflict, match="newer"):
        world.holds.approve(late.run.id)
    assert world.state(late) is RunState.HELD


def test_old_rows_are_not_put_over_newer_ones(world: Gated) -> None:
    held = world.make("2", world.rows(3))
    world.make("3", world.rows(9))
    with pytest.raises(Conflict, match=r"Version 2 of 'shared\.rows' has been published since"):
        world.holds.approve(held.run.id)
    assert world.live().what.rows == 9
    world.holds.reject(held.run.id)


def test_what_only_adds_may_come_late(world: Gated) -> None:
    frozen = {"mode": APPEND, "contract": Contract.FREEZE}
    more = pa.table({"id": [77], "day": [1], "z": [1]})
    held = world.make("2", world.stage(more, **frozen))
    world.make("3", world.rows(1, first=99, **frozen))
    world.holds.approve(held.run.id)
    assert world.read(world.live()).num_rows == 12


def test_an_approval_that_is_cut_off_is_made_once(
    world: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = world.make("2", world.rows(1, first=50, mode=APPEND), world.rows(1, name="other"))
    assert world.state(held) is RunState.SUCCEEDED
    held = world.make("3", world.rows(1), world.rows(1, name="third"))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "decide_hold", killed)
        with pytest.raises(KeyboardInterrupt):
            world.holds.approve(held.run.id)
    assert world.live().number == 2
    world.holds.approve(held.run.id)
    assert (world.live().number, world.live().what.rows) == (3, 1)
    assert world.live().what.delta_version == 2


def test_only_the_owner_decides(world: Gated) -> None:
    held = world.make("2", world.rows(1))
    strangers = Holds(world.store, world.clock, replace(world.settings, owner="eve"))
    for decide in (strangers.approve, strangers.reject):
        with pytest.raises(PermissionDenied, match="'ada'"):
            decide(held.run.id)
    assert world.state(held) is RunState.HELD


def test_a_run_that_is_made_again_holds_nothing(world: Gated) -> None:
    held = world.make("2", world.rows(1))
    world.store.requeue(held.run.id, now=world.clock.now())
    assert world.holds.list() == []
    world.attempt(held.run.id)
    with pytest.raises(Conflict, match="is being retried"):
        world.holds.approve(held.run.id)


def test_missing_staged_files_are_reported(world: Gated) -> None:
    held = world.make("2", world.rows(1))
    (hold,) = world.holds.list()
    Path(hold.staged[0].folder, hold.staged[0].files[0]).unlink()
    with pytest.raises(NotFound, match="not on this machine"):
        world.holds.approve(held.run.id)
    assert world.state(held) is RunState.HELD


class Later:
    """The time, some days from now."""

    def __init__(self, days: float) -> None:
        self._by = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def test_prune_keeps_what_waits_and_gives_it_up_in_time(world: Gated) -> None:
    held = world.make("2", world.rows(1))
    stage = Path(world.holds.get(held.run.id).staged[0].folder)
    prune(world.settings, world.store, Later(13))  # type: ignore[arg-type]
    assert stage.is_dir()
    planned = prune(world.settings, world.store, Later(15), dry_run=True)  # type: ignore[arg-type]
    assert (stage.is_dir(), world.state(held)) == (True, RunState.HELD)
    done = prune(world.settings, world.store, Later(15))  # type: ignore[arg-type]
    for round_ in (planned, done):
        assert {one.kind: one.count for one in round_.pruned}["holds"] == 1
    assert (stage.is_dir(), world.state(held)) == (False, RunState.CANCELLED)
    hold = world.holds.get(held.run.id)
    assert (hold.decision, hold.decided_by) == (Decision.EXPIRED, "")


def test_a_renamed_column_of_replaced_partitions_is_held_and_can_be_allowed(world: Gated) -> None:
    def day(name: str, **declared: object) -> Staged:
        rows = pa.table({"day": [1, 1, 2], name: [5, 6, 7]})
        return world.stage(rows, name="days", mode=REPLACE, partition_by=("day",), **declared)

    world.make("days", day("amount"))
    held = world.make("renamed", day("amount_eur"))
    assert world.state(held) is RunState.HELD
    assert world.read(world.live("days"))["amount"].to_pylist() == [5, 6, 7]
    (hold,) = world.holds.list()
    assert "column 'amount' is absent (new: 'amount_eur')" in hold.differences[0].reasons[0]
    allowed = world.make("allowed", day("amount_eur", allow=("amount",)))
    assert world.state(allowed) is RunState.SUCCEEDED
    assert world.read(world.live("days"))["amount"].null_count == 3


def test_an_upsert_without_a_column_is_held_and_overwrites_it_once_approved(world: Gated) -> None:
    def rows(**columns: object) -> Staged:
        table = pa.table({"id": [1, 2], **columns})
        return world.stage(table, name="keyed", mode=UPSERT, key=("id",))

    world.make("keyed", rows(x=["a", "b"]))
    held = world.make("without", rows(y=["c", "d"]))
    assert world.state(held) is RunState.HELD
    world.holds.approve(held.run.id)
    assert world.read(world.live("keyed"))["x"].to_pylist() == [None, None]
    # No value is left that could be lost.
    assert world.state(world.make("again", rows(y=["e", "f"]))) is RunState.SUCCEEDED


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
    days = world.stage(frame, name="days", mode=REPLACE, partition_by=("day",))
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
