"""What the publish gate holds is approved, rejected or expires; readers keep the live version."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.commits import TABLE
from fakes.gated import Gated, Later, with_ten_rows
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied
from jupyter_etl.model import Contract, Decision, Outcome, PublishMode, RunState, Staged
from jupyter_etl.runner.folders import STAGE
from jupyter_etl.services.maintenance.pruning import prune
from jupyter_etl.services.publications.holds import Holds


@pytest.fixture
def world(tmp_path: Path) -> Gated:
    return with_ten_rows(tmp_path)


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
    staged = world.stage(pa.table(columns), mode=PublishMode.REPLACE, contract=Contract.FREEZE)
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
    claim = world.make("2", world.stage(pa.table(columns), mode=PublishMode.REPLACE))
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
    frozen = {"mode": PublishMode.APPEND, "contract": Contract.FREEZE}
    more = pa.table({"id": [77], "day": [1], "z": [1]})
    held = world.make("2", world.stage(more, **frozen))
    world.make("3", world.rows(1, first=99, **frozen))
    world.holds.approve(held.run.id)
    assert world.read(world.live()).num_rows == 12


def test_an_approval_that_is_cut_off_is_made_once(
    world: Gated, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = world.make(
        "2", world.rows(1, first=50, mode=PublishMode.APPEND), world.rows(1, name="other")
    )
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
        return world.stage(
            rows, name="days", mode=PublishMode.REPLACE, partition_by=("day",), **declared
        )

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
        return world.stage(table, name="keyed", mode=PublishMode.UPSERT, key=("id",))

    world.make("keyed", rows(x=["a", "b"]))
    held = world.make("without", rows(y=["c", "d"]))
    assert world.state(held) is RunState.HELD
    world.holds.approve(held.run.id)
    assert world.read(world.live("keyed"))["x"].to_pylist() == [None, None]
    # No value is left that could be lost.
    assert world.state(world.make("again", rows(y=["e", "f"]))) is RunState.SUCCEEDED
