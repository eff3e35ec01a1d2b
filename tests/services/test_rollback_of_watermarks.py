"""A rollback restores the watermarks of the loads whose rows it removes: the next run reads them again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import update

from contracts.store_values import a_pipeline, a_run
from contracts.store_watermarks import ORDERS, moved_to, number
from fakes.commits import Publishing
from jupyter_etl.errors import Conflict, NotFound, PermissionDenied, PublishError
from jupyter_etl.ledger.schema.tables import publication_versions
from jupyter_etl.model import (
    AttemptReport,
    Cursor,
    CursorMove,
    Outcome,
    PublicationVersion,
    PublishMode,
    RunState,
)
from jupyter_etl.ports import Claim, ReadRequest
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.runner.watermarks import refuse_doubles, with_batches
from jupyter_etl.services import Settings
from jupyter_etl.services.publications.publications import Publications

APPEND, UPSERT, REPLACE = PublishMode.APPEND, PublishMode.UPSERT, PublishMode.REPLACE
RETURNS = Cursor(source="wh", table="returns", column="id")


class World(Publishing):
    """Runs that read the rows 1 to n of a source by a cursor, and publish them."""

    runs = 0

    @property
    def publications(self) -> Publications:
        settings = Settings.from_env({}, home=str(self.base / "home"), lake=self.lake, owner="ada")
        return Publications(self.store, self.clock, settings)

    def begin(self, pipeline: str = "orders") -> Claim:
        self.runs += 1
        new = replace(a_run(f"{self.runs}"), pipeline=pipeline)
        return self.attempt(self.store.add_run(new, now=self.clock.now()).id)

    def move(self, upto: int, *, pipeline: str = "orders", cursor: Cursor = ORDERS) -> CursorMove:
        found = self.store.load_watermark(pipeline, cursor)
        after, era = (found.value, found.era) if found else (None, 0)
        return moved_to(number(upto), cursor=cursor, after=after, era=era)

    def end(self, claim: Claim, move: CursorMove, **tables: PublishMode) -> None:
        """Publish the rows between the start of a load and its end, as several tables."""
        first = int(move.start.after.text) if move.start.after else 0
        assert move.value is not None
        ids = list(range(first + 1, int(move.value.text) + 1))
        rows = pa.table({"id": ids, "of": [move.cursor.table] * len(ids)})
        staged = [
            self.stage(rows, name=name, mode=mode, key=("id", "of") if mode is UPSERT else ())
            for name, mode in tables.items()
        ]
        staged = with_batches(staged, [move], claim.run)
        now = {move.cursor: self.store.load_watermark(claim.run.new.pipeline, move.cursor)}
        refuse_doubles(staged, [move], now)
        report = AttemptReport(
            outcome=Outcome.SUCCEEDED, committed=self.commit(claim, staged), moves=(move,)
        )
        self._end(claim, report, RunState.SUCCEEDED)

    def load(
        self, upto: int, *, pipeline: str = "orders", cursor: Cursor = ORDERS, **tables: PublishMode
    ) -> None:
        """Make a whole run."""
        claim = self.begin(pipeline)
        self.end(
            claim, self.move(upto, pipeline=pipeline, cursor=cursor), **tables or {"t": APPEND}
        )

    def ids(self, name: str = "t", of: str = "orders") -> list[int]:
        live = self.live(name)
        rows = TablePublisher().read(live, ReadRequest()).batches.read_all().to_pylist()
        return sorted(row["id"] for row in rows if row["of"] == of)

    def live(self, name: str = "t") -> PublicationVersion:
        live = self.store.load_publication(name).live
        assert live is not None
        return live

    def watermark(self, pipeline: str = "orders", cursor: Cursor = ORDERS) -> int | None:
        found = self.store.load_watermark(pipeline, cursor)
        return None if found is None or found.value is None else int(found.value.text)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.store.close()


@pytest.mark.parametrize("mode", [APPEND, UPSERT])
def test_the_next_run_reads_what_a_rollback_took_away(world: World, mode: PublishMode) -> None:
    for upto in (3, 6, 9):
        world.load(upto, t=mode)
    version = world.publications.rollback("t", 1)
    assert version.note == (
        "rolled back to version 1 by ada; watermark of orders by wh.orders.updated_at: 9 to 3"
    )
    assert (world.ids(), world.watermark()) == ([1, 2, 3], 3)
    world.load(12, t=mode)
    assert (world.ids(), world.watermark()) == (list(range(1, 13)), 12)


def test_without_a_number_it_is_the_version_before_and_then_back_again(world: World) -> None:
    for upto in (3, 6, 9):
        world.load(upto)
    assert world.publications.rollback("t").note.startswith("rolled back to version 2 by ada; ")
    assert (world.ids(), world.watermark()) == ([1, 2, 3, 4, 5, 6], 6)
    # The version before the live one is now the one that was live.
    again = world.publications.rollback("t")
    assert again.note.endswith("wh.orders.updated_at: 6 to 9")
    assert (world.ids(), world.watermark()) == (list(range(1, 10)), 9)
    world.load(10)
    assert world.ids() == list(range(1, 11))


def test_going_forward_sets_them_forward(world: World) -> None:
    for upto in (3, 6, 9):
        world.load(upto)
    world.publications.rollback("t", 1)
    world.publications.rollback("t", 2)
    assert (world.ids(), world.watermark()) == ([1, 2, 3, 4, 5, 6], 6)
    # A version that was itself a rollback has what it was rolled back to.
    world.publications.rollback("t", 4)
    assert (world.ids(), world.watermark()) == ([1, 2, 3], 3)


def test_a_run_that_read_nothing_new_records_where_it_stands(world: World) -> None:
    world.load(3)
    claim = world.begin()
    world.end(claim, replace(world.move(3), value=number(3)), t=APPEND)
    world.load(6)
    world.publications.rollback("t", 2)
    assert (world.ids(), world.watermark()) == ([1, 2, 3], 3)


def test_an_interactively_published_version_holds_the_rows_of_the_one_before(world: World) -> None:
    world.load(3)
    staged = world.stage(pa.table({"id": [100], "of": ["hand"]}), name="t")
    committed = TablePublisher().commit(
        staged, lake=world.lake, draft=False, number=2, token="hand/t", previous=world.live()
    )
    world.store.publish(
        committed, owner="ada", pipeline="", notebook="", draft=False, now=world.clock.now()
    )
    world.load(6)
    world.publications.rollback("t", 2)
    assert (world.ids(), world.ids(of="hand"), world.watermark()) == ([1, 2, 3], [100], 3)


def test_of_two_pipelines_each_goes_back_to_its_own(world: World) -> None:
    world.load(3)
    world.load(5, pipeline="returns", cursor=RETURNS)
    world.load(6)
    world.load(9, pipeline="returns", cursor=RETURNS)
    world.publications.rollback("t", 2)
    assert (world.ids(), world.ids(of="returns")) == ([1, 2, 3], [1, 2, 3, 4, 5])
    assert (world.watermark(), world.watermark("returns", RETURNS)) == (3, 5)
    # Before the first rows of the second load, its watermark is where it began.
    world.publications.rollback("t", 1)
    assert (world.watermark(), world.watermark("returns", RETURNS)) == (3, None)
    world.load(9, pipeline="returns", cursor=RETURNS)
    world.load(6)
    assert (world.ids(), world.ids(of="returns")) == (list(range(1, 7)), list(range(1, 10)))


def test_a_load_that_was_used_before_goes_back_to_where_the_table_got_it(world: World) -> None:
    world.load(4, elsewhere=REPLACE)
    world.load(3, pipeline="returns", cursor=RETURNS)
    world.load(6)
    world.publications.rollback("t", 1)
    assert world.watermark() == 4


def test_watermarks_may_be_left_alone(world: World) -> None:
    world.load(3)
    world.load(6)
    version = world.publications.rollback("t", 1, keep_watermarks=True)
    assert version.note == "rolled back to version 1 by ada"
    assert (world.ids(), world.watermark()) == ([1, 2, 3], 6)
    world.load(8)
    assert world.ids() == [1, 2, 3, 7, 8]


def test_an_active_run_is_repeated_from_the_new_one(world: World) -> None:
    world.load(3)
    world.load(6)
    in_progress = world.begin()
    move = world.move(9)
    world.publications.rollback("t", 1)
    with pytest.raises(PublishError, match="moved from 6 to 3") as caught:
        world.end(in_progress, move, t=APPEND)
    assert caught.value.retryable
    world.end(in_progress, world.move(9), t=APPEND)
    assert (world.ids(), world.watermark()) == (list(range(1, 10)), 9)


def test_another_table_that_is_appended_to_has_to_go_back_too(world: World) -> None:
    for upto in (3, 6, 9):
        world.load(upto, t=APPEND, u=APPEND)
    with pytest.raises(Conflict, match=r"'u' by wh\.orders\.updated_at too") as caught:
        world.publications.rollback("t", 1)
    assert "jupyter etl rollback u --to 1 --keep-watermarks" in caught.value.hint
    assert "jupyter etl rollback t --to 1 --keep-watermarks" in caught.value.hint
    assert (world.ids(), world.watermark()) == (list(range(1, 10)), 9)
    world.publications.rollback("u", 1, keep_watermarks=True)
    world.publications.rollback("t", 1)
    assert world.watermark() == 3
    # And forward in the same way.
    with pytest.raises(Conflict, match="has the rows only up to 3"):
        world.publications.rollback("t", 3)
    world.publications.rollback("u", 3, keep_watermarks=True)
    world.publications.rollback("t", 3)
    world.load(12, t=APPEND, u=APPEND)
    assert world.ids("t") == world.ids("u") == list(range(1, 13))


@pytest.mark.parametrize("mode", [UPSERT, REPLACE])
def test_another_table_that_takes_rows_twice_need_not(world: World, mode: PublishMode) -> None:
    for upto in (3, 6, 9):
        world.load(upto, t=APPEND, u=mode)
    world.publications.rollback("t", 1)
    world.load(12, t=APPEND, u=mode)
    assert world.ids("t") == list(range(1, 13))
    assert world.ids("u") == list(range(1 if mode is UPSERT else 4, 13))


def test_a_version_of_before_the_record_is_refused_with_the_commands(world: World) -> None:
    world.load(3)
    world.load(6)
    with world.store._ledger.writing() as connection:  # type: ignore[attr-defined]
        connection.execute(update(publication_versions).values(watermarks=None))
    world.load(9)
    with pytest.raises(Conflict, match="before versions recorded their watermarks") as caught:
        world.publications.rollback("t", 1)
    assert "jupyter etl rollback t --to 1 --keep-watermarks" in caught.value.hint
    assert (
        "jupyter etl watermark orders wh.orders --since updated_at --set VALUE" in caught.value.hint
    )
    world.publications.rollback("t", 1, keep_watermarks=True)
    # Later versions have a record.
    world.load(12)
    world.publications.rollback("t", 3)
    assert (world.ids(), world.watermark()) == (list(range(1, 10)), 9)


def test_a_table_of_before_the_record_without_increments_goes_back(world: World) -> None:
    for claim in (world.run("a"), world.run("b")):
        world.publish(claim, name="plain", mode=REPLACE)
    with world.store._ledger.writing() as connection:  # type: ignore[attr-defined]
        connection.execute(update(publication_versions).values(watermarks=None))
    assert world.publications.rollback("plain").note == "rolled back to version 1 by ada"


def test_the_pipeline_of_another_user_is_left_alone(world: World) -> None:
    world.load(3)
    world.load(6)
    world.store.deploy(replace(a_pipeline(), owner="eve"), now=world.clock.now())
    with pytest.raises(PermissionDenied, match="belongs to 'eve'"):
        world.publications.rollback("t", 1)
    assert (world.ids(), world.watermark()) == ([1, 2, 3, 4, 5, 6], 6)


def test_there_is_nothing_before_the_first_version(world: World) -> None:
    world.load(3)
    with pytest.raises(NotFound, match="no version of 't' before version 1, the first"):
        world.publications.rollback("t")
