"""Watermarks of runs that append, and of runs that are held: nothing twice, nothing left out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from contracts.store_values import a_run
from contracts.store_watermarks import ORDERS, moved_to, number
from fakes.attempts import FakePolicy
from fakes.commits import TABLE, Publishing
from jupyter_etl.errors import PublishError
from jupyter_etl.model import (
    AttemptReport,
    Cause,
    CheckResult,
    CheckRule,
    CheckStatus,
    CursorMove,
    CursorValue,
    Difference,
    Outcome,
    PublishMode,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim
from jupyter_etl.runner.commit import HeldBack, commit_outputs
from jupyter_etl.runner.folders import STAGE, save_claim
from jupyter_etl.runner.watermarks import with_batches
from jupyter_etl.scheduling.publish_gate import judge_difference
from jupyter_etl.services import Settings
from jupyter_etl.services.publications.holds import Holds

BROKEN = CheckResult(
    rule=CheckRule(text="id: unique", kind="unique", column="id"),
    status=CheckStatus.ERROR,
    dataset="rows",
    failed_rows=2,
    total_rows=5,
    message="2 of 5 rows: id is not unique",
)
APPEND, UPSERT = PublishMode.APPEND, PublishMode.UPSERT


class Gate(FakePolicy):
    """Holds every table, or none."""

    def __init__(self, *, strict: bool) -> None:
        super().__init__()
        self._reasons = ("look",) if strict else ()

    def gate(self, difference: Difference, staged: Staged) -> Difference:
        return replace(judge_difference(difference, staged), reasons=self._reasons)


class World(Publishing):
    """Runs that load by a cursor and publish what they read, as a runner does."""

    @property
    def holds(self) -> Holds:
        settings = Settings.from_env({}, home=str(self.base / "home"), lake=self.lake, owner="ada")
        return Holds(self.store, self.clock, settings)

    def begin(self, key: str, cause: Cause = Cause.MANUAL) -> Claim:
        added = self.store.add_run(replace(a_run(key), cause=cause), now=self.clock.now())
        return self.attempt(added.id)

    def move(self, last: int) -> CursorMove:
        """The move of a load that starts now and reads up to ``last``."""
        found = self.store.load_watermark("orders", ORDERS)
        after, era = (found.value, found.era) if found else (None, 0)
        return moved_to(number(last), after=after, era=era)

    def end(self, claim: Claim, move: CursorMove, mode: PublishMode = APPEND) -> None:
        """Publish the rows between the start of a load and its end."""
        first = int(move.start.after.text) if move.start.after else 0
        assert move.value is not None
        ids = range(first + 1, int(move.value.text) + 1)
        key = ("id",) if mode is UPSERT else ()
        staged = self.stage(pa.table({"id": ids}), mode=mode, key=key)
        folder = save_claim(self.base / "home", claim) / STAGE / "0"
        staged = replace(staged, folder=str(Path(staged.folder).rename(folder)))
        self.put(claim, with_batches([staged], [move], claim.run), move)

    def put(self, claim: Claim, staged: list[Staged], move: CursorMove) -> None:
        report = AttemptReport(outcome=Outcome.SUCCEEDED, moves=(move,))
        try:
            committed = commit_outputs(
                self.context(claim),
                Gate(strict=self.strict),
                staged,
                failed_checks=self.broken,
                moves=(move,),
            )
        except HeldBack as held:
            report = replace(
                report,
                outcome=Outcome.HELD,
                staged=tuple(staged),
                differences=held.differences,
                checks=self.broken,
            )
            self._end(claim, report, RunState.HELD)
        except PublishError:
            self._end(claim, AttemptReport(outcome=Outcome.FAILED), RunState.QUEUED)
            raise
        else:
            self._end(claim, replace(report, committed=committed), RunState.SUCCEEDED)

    strict = False
    broken: tuple[CheckResult, ...] = ()

    @property
    def ids(self) -> list[int]:
        return sorted(self.read()["id"].to_pylist())

    @property
    def watermark(self) -> CursorValue | None:
        found = self.store.load_watermark("orders", ORDERS)
        return None if found is None else found.value


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_runs_one_after_another_append_each_row_once(world: World) -> None:
    for last in (3, 5, 9):
        world.end(world.begin(f"to {last}"), world.move(last))
    assert world.ids == list(range(1, 10))
    assert world.watermark == number(9)


def test_runs_of_one_interval_do_not_take_each_others_rows_out(world: World) -> None:
    """As a backfill that makes all of its partitions again, or two that read by one cursor."""
    for key in ("a", "b"):
        # `a_run` has one interval for all; the interval's append would replace the first.
        world.end(world.begin(key, Cause.BACKFILL), world.move(3 if key == "a" else 5))
    assert world.ids == [1, 2, 3, 4, 5]


def test_two_that_append_from_one_start_are_one_and_a_retry(world: World) -> None:
    one, two = world.begin("1"), world.begin("2")
    of_one, of_two = world.move(3), world.move(5)
    world.end(one, of_one)
    with pytest.raises(PublishError, match="from the start to 3 since") as caught:
        world.end(two, of_two)
    assert caught.value.retryable
    assert (world.ids, world.watermark) == ([1, 2, 3], number(3))
    world.end(world.attempt(two.run.id), world.move(5))
    assert (world.ids, world.watermark) == ([1, 2, 3, 4, 5], number(5))


@pytest.mark.parametrize(("first", "second"), [(3, 5), (5, 3)])
def test_two_that_upsert_from_one_start_both_count(world: World, first: int, second: int) -> None:
    one, two = world.begin("1"), world.begin("2")
    of_one, of_two = world.move(first), world.move(second)
    world.end(one, of_one, UPSERT)
    world.end(two, of_two, UPSERT)
    assert (world.ids, world.watermark) == ([1, 2, 3, 4, 5], number(5))


def test_a_reset_is_not_overwritten_by_an_active_run(world: World) -> None:
    world.end(world.begin("1"), world.move(5), UPSERT)
    in_progress = world.begin("2")
    move = world.move(9)
    world.store.set_watermark("orders", ORDERS, number(2), by="ada", now=world.clock.now())
    world.end(in_progress, move, UPSERT)
    assert world.watermark == number(2)
    world.end(world.begin("3"), world.move(9), UPSERT)
    assert (world.ids, world.watermark) == (list(range(1, 10)), number(9))


@pytest.fixture(params=["gate", "check", "both"])
def held_by(request: pytest.FixtureRequest) -> str:
    return request.param


def held(world: World, mode: PublishMode, held_by: str) -> Claim:
    world.end(world.begin("1"), world.move(3), mode)
    claim = world.begin("2")
    world.strict = held_by != "check"
    world.broken = () if held_by == "gate" else (BROKEN,)
    world.end(claim, world.move(5), mode)
    world.strict, world.broken = False, ()
    assert world.store.load_run(claim.run.id).state is RunState.HELD
    assert (world.ids, world.watermark) == ([1, 2, 3], number(3))
    return claim


@pytest.mark.parametrize("mode", [APPEND, UPSERT])
def test_what_is_approved_moves_it(world: World, mode: PublishMode, held_by: str) -> None:
    claim = held(world, mode, held_by)
    world.holds.approve(claim.run.id)
    assert (world.ids, world.watermark) == ([1, 2, 3, 4, 5], number(5))
    assert world.store.load_publication(TABLE).live is not None


def test_what_is_rejected_comes_again(world: World, held_by: str) -> None:
    claim = held(world, APPEND, held_by)
    world.holds.reject(claim.run.id)
    world.end(world.begin("3"), world.move(5))
    assert (world.ids, world.watermark) == ([1, 2, 3, 4, 5], number(5))


def test_a_held_append_whose_rows_were_published_meanwhile_is_not_approved(
    world: World, held_by: str
) -> None:
    claim = held(world, APPEND, held_by)
    world.end(world.begin("3"), world.move(7))
    with pytest.raises(PublishError, match="from 3 to 7"):
        world.holds.approve(claim.run.id)
    world.end(world.begin("4"), world.move(8))
    assert (world.ids, world.watermark) == (list(range(1, 9)), number(8))
