"""One commit at a time, and nothing of a killed run left where the next one builds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pytest

from fakes.commits import ROWS, TABLE, Publishing, wrong_rows
from jupyter_etl.errors import Conflict, PublishError, StorageError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import PublishMode
from jupyter_etl.notebook.kernel_state import data_session
from jupyter_etl.notebook.outputs import publish_table
from jupyter_etl.ports import Claim
from jupyter_etl.publishing.lake import layout
from jupyter_etl.publishing.lake.layout import LAKE_MARKER
from jupyter_etl.publishing.tables import commit as delta_commit
from jupyter_etl.publishing.tables import publisher
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.runner import commit as committing
from jupyter_etl.runner.watchdogs.cancellation import CancellationReason

APPEND, REPLACE, UPSERT = PublishMode.APPEND, PublishMode.REPLACE, PublishMode.UPSERT


class Killed(BaseException):
    """SIGKILL, as far as Python can tell."""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Publishing]:
    world = Publishing(tmp_path)
    yield world
    world.store.close()


def before(target: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what lets a call be killed before it does anything."""

    def patch(patch: pytest.MonkeyPatch) -> None:
        def killed(*_: object, **__: object) -> None:
            raise Killed

        patch.setattr(target, name, killed)

    return patch


def after(target: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    """Return what lets a call be killed when it is done."""

    def patch(patch: pytest.MonkeyPatch) -> None:
        original = getattr(target, name)

        def killed(*arguments: object, **named: object) -> None:
            original(*arguments, **named)
            raise Killed

        patch.setattr(target, name, killed)

    return patch


STEPS = {
    "staged": before(committing, "_acquire_locks"),
    "locks acquired": after(committing, "_acquire_locks"),
    "undone": after(publisher, "undo_beyond"),
    "columns added": after(delta_commit, "_add_columns"),
    "files placed": after(delta_commit, "place_files"),
    "committed": after(publisher, "write_commit"),
    "described": after(publisher, "_committed"),
    "all committed": after(committing, "commit_outputs"),
}
MODES = {
    "append": {"mode": APPEND},
    "partitions": {"mode": REPLACE, "partition_by": ("run",)},
    "upsert": {"mode": UPSERT, "key": ("run", "row")},
}


def try_to_commit(world: Publishing, claim: Claim, step: str, staged: object) -> None:
    """Commit as far as a step."""
    with pytest.MonkeyPatch.context() as patch:
        STEPS[step](patch)
        if step == "all committed":
            world.commit(claim, [staged])  # type: ignore[list-item]
            return
        try:
            world.commit(claim, [staged])  # type: ignore[list-item]
        except Killed:
            return
    assert step in ("undone", "columns added", "files placed"), "nothing passes the other steps by"


CASES = [
    *(pytest.param(step, "append", id=f"{step}-append") for step in STEPS),
    *(
        pytest.param(step, mode, id=f"{step}-{mode}", marks=pytest.mark.slow)
        for step in STEPS
        for mode in ("partitions", "upsert")
    ),
]


@pytest.mark.parametrize(("step", "mode"), CASES)
def test_a_run_that_is_killed_at_any_step(world: Publishing, step: str, mode: str) -> None:
    declared = MODES[mode]
    killed = world.run("killed")
    # Its columns differ, so that it also changes the table's schema on its way.
    wide = world.rows_of(killed).append_column("more", pa.array(["x"] * ROWS))
    world.publish(world.run("first"), **declared)
    seen = world.read()
    try_to_commit(world, killed, step, world.stage(wide, **declared))
    assert world.read().equals(seen)
    world.lose(killed)

    other = world.publish(world.run("other"), **declared)
    assert world.wrong() == []
    assert world.read().column_names == ["run", "row"]
    assert other.number == 2
    assert other.what.rows == 2 * ROWS

    again = world.attempt(killed.run.id)
    last = world.publish(again, **declared)
    assert world.wrong() == []
    assert (last.number, last.what.rows) == (3, 3 * ROWS)
    assert wrong_rows(world.read(other), world.store.load_publication_versions(TABLE)[1:]) == []


@pytest.mark.parametrize(("step", "mode"), CASES)
def test_a_first_run_that_is_killed_at_any_step(world: Publishing, step: str, mode: str) -> None:
    declared = MODES[mode]
    killed = world.run("killed")
    wide = world.rows_of(killed).append_column("more", pa.array(["x"] * ROWS))
    try_to_commit(world, killed, step, world.stage(wide, **declared))
    world.lose(killed)
    world.publish(world.run("other"), **declared)
    assert world.wrong() == []
    assert world.read().column_names == ["run", "row"]
    world.publish(world.attempt(killed.run.id), **declared)
    assert world.wrong() == []


def test_a_runner_that_is_killed_while_it_undoes(world: Publishing) -> None:
    world.publish(world.run("first"))
    for step in ("committed", "undone", "committed", "undone", "files placed"):
        claim = world.run(step + str(len(world.store.load_runs())))
        try_to_commit(world, claim, step, world.stage(world.rows_of(claim)))
        world.lose(claim)
    world.publish(world.run("last"))
    assert world.wrong() == []


def test_the_same_commit_is_taken_as_it_is(world: Publishing) -> None:
    """Whoever calls twice, within one attempt, has committed once."""
    world.publish(world.run("first"))
    claim = world.run("twice")
    staged = world.stage(world.rows_of(claim))
    made = world.commit(claim, [staged])
    assert world.commit(claim, [staged]) == made
    world.finish(claim, made)
    assert world.wrong() == []


def test_the_next_attempt_publishes_what_it_has_checked(world: Publishing) -> None:
    """Not what an earlier attempt had committed before it was killed."""
    killed = world.run("killed")
    world.commit(killed, [world.stage(pa.table({"x": [1]})), world.stage_file("note", "old")])
    world.lose(killed)
    again = world.attempt(killed.run.id)
    staged = [world.stage(pa.table({"x": [2]})), world.stage_file("note", "new")]
    table, file = world.finish(again, world.commit(again, staged))
    assert world.read(table).to_pylist() == [{"x": 2}]
    assert Path(file.what.location).read_text() == "new"


def test_a_file_of_a_run_that_was_never_recorded_is_not_taken(world: Publishing) -> None:
    for killed in (world.run("1"), world.run("2")):
        world.commit(killed, [world.stage_file("note", "never recorded")])
        world.lose(killed)
    claim = world.run("3")
    (version,) = world.finish(claim, world.commit(claim, [world.stage_file("note", "mine")]))
    assert version.number == 1
    assert Path(version.what.location).read_text() == "mine"
    with pytest.MonkeyPatch.context() as patch:
        after(layout, "copy_beneath")(patch)
        half = world.run("4")
        with pytest.raises(Killed):
            world.commit(half, [world.stage_file("note", "half way")])
    world.lose(half)
    claim = world.run("5")
    (version,) = world.finish(claim, world.commit(claim, [world.stage_file("note", "next")]))
    assert Path(version.what.location).read_text() == "next"


def test_a_zombie_that_wakes_up_late_changes_nothing(world: Publishing) -> None:
    """It committed after another run had taken the lock; the ledger refuses it, and the next undoes it."""
    world.publish(world.run("first"))
    zombie = world.run("zombie")
    staged = world.stage(world.rows_of(zombie))
    previous = world.store.load_publication(TABLE).live
    world.lose(zombie)
    other = world.publish(world.run("other"))
    seen = world.read(other)
    late = TablePublisher().commit(
        staged, lake=world.lake, draft=False, number=2, token="run-z/t", previous=previous
    )
    with pytest.raises(Conflict):
        world.finish(zombie, [late])
    assert world.read().equals(seen)
    world.publish(world.run("last"))
    assert world.wrong() == []
    assert world.read(other).equals(seen)


def test_a_ledger_that_was_put_back_takes_the_table_with_it(world: Publishing) -> None:
    """What lies beyond the ledger's version is undone, however many versions that are."""
    for key in ("1", "2"):
        world.publish(world.run(key))
    backed_up = world.store.load_publication(TABLE).live
    for key in ("3", "4", "5"):
        world.publish(world.run(key))
    claim = world.run("6")
    staged = world.stage(world.rows_of(claim))
    made = TablePublisher().commit(
        staged, lake=world.lake, draft=False, number=3, token="run-6.1/t", previous=backed_up
    )
    assert made.rows == 3 * ROWS


def test_a_table_older_than_the_ledger_is_not_built_on(world: Publishing) -> None:
    for key in ("1", "2", "3"):
        world.publish(world.run(key))
    log = Path(world.lake, "tables", TABLE, "_delta_log")
    (log / f"{2:020d}.json").unlink()
    claim = world.run("4")
    with pytest.raises(StorageError, match=r"its log ends at \d+, and the ledger has it at"):
        world.commit(claim, [world.stage(world.rows_of(claim))])


def test_a_table_that_the_ledger_does_not_know_is_not_replaced_by_an_append(
    world: Publishing, tmp_path: Path
) -> None:
    for key in ("1", "2"):
        world.publish(world.run(key))
    (tmp_path / "new").mkdir()
    # Not a copy: a ledger with an identity of its own.
    fresh = Publishing(tmp_path / "new", open_store(f"sqlite:///{tmp_path}/new/ledger.sqlite"))
    fresh.lake = world.lake
    claim = fresh.run("1")
    with pytest.raises(StorageError, match="belongs to another ledger"):
        fresh.commit(claim, [fresh.stage(fresh.rows_of(claim))])
    (Path(world.lake) / LAKE_MARKER).unlink()
    with pytest.raises(PublishError, match="that is not in the ledger"):
        fresh.commit(claim, [fresh.stage(fresh.rows_of(claim))])
    assert len(world.read()) == 2 * ROWS
    replaced = fresh.commit(claim, [fresh.stage(fresh.rows_of(claim), mode=REPLACE)])
    assert replaced[0].rows == ROWS
    fresh.store.close()


def test_another_lake_begins_with_what_lies_there(world: Publishing) -> None:
    world.publish(world.run("1"))
    home = world.lake
    world.lake = home + "-2"
    assert world.publish(world.run("2")).what.rows == ROWS
    world.lake = home
    assert world.publish(world.run("3")).what.rows == 2 * ROWS


def test_a_run_that_is_cancelled_while_it_waits_publishes_nothing(world: Publishing) -> None:
    first, second = world.run("1"), world.run("2")
    made = world.commit(first, [world.stage(world.rows_of(first))])
    world.cancellation.ask(CancellationReason.CANCELLED)
    with pytest.raises(PublishError, match="waited for the publication lock"):
        world.commit(second, [world.stage(world.rows_of(second))])
    world.finish(first, made)
    assert world.wrong() == []


def test_a_runner_whose_attempt_has_ended_gets_no_publication_lock(world: Publishing) -> None:
    claim = world.run("1")
    world.lose(claim)
    with pytest.raises(Conflict):
        world.commit(claim, [world.stage(world.rows_of(claim))])
    assert not Path(world.lake).exists()


def test_interactive_publishing_does_not_wait_for_dead_processes(
    world: Publishing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_HOME", str(world.base))
    monkeypatch.setenv("JUPYTER_ETL_LAKE", world.lake)
    monkeypatch.setenv("JUPYTER_ETL_OWNER", "ada")
    monkeypatch.setenv("JUPYTER_ETL_AUTOSTART", "0")
    monkeypatch.chdir(world.base)
    killed = world.run("killed")
    world.commit(killed, [world.stage(world.rows_of(killed))])
    world.lose(killed)
    session = data_session({})
    mine = pa.table({"run": [0], "row": [0]})
    published = publish_table(session, TABLE, mine, mode="append", live=True)
    assert published.version is not None
    assert world.read(published.version).to_pylist() == [{"run": 0, "row": 0}]
    draft = publish_table(session, TABLE, mine, mode="append")
    other = pa.table({"run": [0], "row": [1]})
    again = publish_table(session, TABLE, other, mode="append")
    assert draft.version is not None
    assert again.version is not None
    assert [draft.version.what.rows, again.version.what.rows] == [1, 2]


def publish_many(world: Publishing, worker: int, commits: int) -> None:
    for commit in range(commits):
        world.publish(world.run(f"{worker}-{commit}"))


def test_four_threads_publish_and_a_reader_sees_whole_versions(world: Publishing) -> None:
    workers = [threading.Thread(target=publish_many, args=(world, n, 3)) for n in range(4)]
    for worker in workers:
        worker.start()
    torn: list[str] = []
    while any(worker.is_alive() for worker in workers):
        history = world.store.load_publication_versions(TABLE) if _published(world) else []
        if history:
            torn += wrong_rows(world.read(history[0]), history)
    for worker in workers:
        worker.join()
    assert torn == []
    assert world.wrong() == []
    versions = world.store.load_publication_versions(TABLE)
    assert [version.number for version in versions] == list(range(12, 0, -1))


def _published(world: Publishing) -> bool:
    return bool(world.store.load_publications())
