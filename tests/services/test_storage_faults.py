"""A lake that is not mounted, a table that is gone, a log that lost an entry: nothing is lost or read in part."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest

from fakes.commits import MODES, TABLE, Publishing, wrong_rows
from fakes.ledger import ledger_in
from jupyter_etl.errors import EtlError, StorageError
from jupyter_etl.ledger import open_store
from jupyter_etl.model import AttemptReport, Outcome, PublicationVersion, RunState
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.lake.layout import LAKE_MARKER
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Diagnosis, Status, diagnose
from jupyter_etl.services.maintenance.pruning import prune
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.settings import Settings


class World(Publishing):
    """A lake with a table of three versions, and what a person would do about it."""

    def __init__(self, base: Path, declared: dict[str, object]) -> None:
        super().__init__(base, open_store(ledger_in(base / "home")))
        self.declared = declared
        self.runs = 0
        if not self.store.load_publications():
            for key in "abc":
                self.publish(self.run(key), **declared)
        self.rows = self.read().sort_by([("run", "ascending"), ("row", "ascending")])

    @property
    def settings(self) -> Settings:
        return Settings.from_env({}, home=str(self.base / "home"), lake=self.lake, owner="ada")

    @property
    def live(self) -> PublicationVersion:
        live = self.store.load_publication(TABLE).live
        assert live is not None
        return live

    @property
    def log(self) -> list[Path]:
        return sorted(Path(self.live.what.location, "_delta_log").glob("*.json"))

    def next_run(self) -> PublicationVersion:
        self.runs += 1
        claim = self.run(f"next-{self.runs}")
        try:
            return self.publish(claim, **self.declared)
        except StorageError:
            self._end(claim, AttemptReport(outcome=Outcome.FAILED), RunState.FAILED)
            raise

    def files(self) -> dict[str, bytes]:
        return {
            str(path.relative_to(self.lake)): path.read_bytes()
            for path in Path(self.lake).rglob("*")
            if path.is_file()
        }

    def doctor(self, *, repair: bool = False) -> dict[str, Diagnosis]:
        return {one.what: one for one in diagnose(self.settings, SystemClock(), repair=repair)}

    def assert_refused(self) -> None:
        """Nothing reads less than the live version, or writes anything."""
        before, number = self.files(), self.live.number
        with pytest.raises(StorageError) as reading:
            self.read()
        assert reading.value.hint
        with pytest.raises(StorageError) as writing:
            self.next_run()
        assert writing.value.retryable
        assert self.files() == before
        assert self.live.number == number

    def assert_whole(self) -> None:
        assert self.read().sort_by([("run", "ascending"), ("row", "ascending")]).equals(self.rows)


@pytest.fixture(scope="module")
def world_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], World]:
    """Makes a world of a mode: a copy of the first, in the folder that its ledger names."""
    folder = tmp_path_factory.mktemp("worlds")

    def make(mode: str) -> World:
        base, kept = folder / mode, folder / f"{mode}-kept"
        if not kept.exists():
            (base / "home").mkdir(mode=0o700, parents=True)
            World(base, MODES[mode]).store.close()
            shutil.copytree(base, kept)
        shutil.rmtree(base)
        shutil.copytree(kept, base)
        return World(base, MODES[mode])

    return make


@pytest.fixture(params=MODES)
def world(request: pytest.FixtureRequest, world_of: Callable[[str], World]) -> Iterator[World]:
    made = world_of(request.param)
    yield made
    made.store.close()


def test_a_lake_that_is_not_mounted_is_no_new_lake(world: World) -> None:
    aside = Path(world.lake).rename(world.base / "aside")
    Path(world.lake).mkdir()
    world.assert_refused()
    assert list(Path(world.lake).iterdir()) == []
    assert world.doctor()["mounted"].status is Status.ERROR
    assert "Mount it" in world.doctor(repair=True)["mounted"].hint
    assert list(Path(world.lake).iterdir()) == []

    Path(world.lake).rmdir()
    aside.rename(world.lake)
    world.assert_whole()
    world.next_run()
    history = world.store.load_publication_versions(TABLE)
    kept = history[:1] if world.declared == MODES["replace"] else history
    assert wrong_rows(world.read(), kept) == []


def test_another_publication_is_not_written_beside_the_mount_point(world: World) -> None:
    Path(world.lake).rename(world.base / "aside")
    with pytest.raises(StorageError, match="is not available"):
        world.publish(world.run("other"), name="another.table")
    with pytest.raises(StorageError, match="is not available"):
        world.commit(world.run("file"), [world.stage_file("note", "text")])
    assert not Path(world.lake).exists()


def test_a_prune_of_a_lake_that_is_not_mounted_marks_nothing(world: World) -> None:
    Path(world.lake).rename(world.base / "aside")
    Path(world.lake).mkdir()
    settings = replace(world.settings, keep_versions=1, keep_days=0)
    pruned = prune(settings, world.store, world.clock)
    assert "is not available" in pruned.failed[0]
    history = world.store.load_publication_versions(TABLE)
    assert [version.pruned_at for version in history] == [None] * 3


def test_a_missing_table_is_not_a_new_table(world: World) -> None:
    location = Path(world.live.what.location)
    aside = location.rename(world.base / "aside")
    world.assert_refused()
    assert world.doctor()["published"].status is Status.ERROR
    aside.rename(location)
    world.assert_whole()


def test_the_lake_of_another_ledger_is_refused(world: World, tmp_path: Path) -> None:
    (Path(world.lake) / LAKE_MARKER).write_text("f" * 32 + "\n")
    before = world.files()
    with pytest.raises(StorageError, match="belongs to another ledger") as caught:
        world.next_run()
    assert not caught.value.retryable
    assert world.files() == before


def test_a_lake_without_a_marker_is_adopted_where_its_tables_are_there(world: World) -> None:
    (Path(world.lake) / LAKE_MARKER).unlink()
    world.next_run()
    assert (Path(world.lake) / LAKE_MARKER).read_text().strip() == world.store.load_identity()


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "half": lambda content: content[: len(content) // 2],
    "one line": lambda content: content.splitlines(keepends=True)[0],
    "zeros": lambda content: bytes(len(content)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_log_entry_is_noticed_and_repaired(world: World, damage: str) -> None:
    entry = world.log[-1]
    content = entry.read_bytes()
    assert DAMAGES[damage](content) != content
    entry.write_bytes(DAMAGES[damage](content))
    world.assert_refused()
    assert world.doctor()["published"].status is Status.ERROR
    assert "jupyter etl doctor --repair" in world.doctor()["published"].hint

    assert world.doctor(repair=True)["published"].repaired
    assert entry.read_bytes() == content
    world.assert_whole()
    assert world.doctor()["published"].status is Status.OK
    world.next_run()


def test_a_log_entry_that_is_missing_is_noticed_and_repaired(world: World) -> None:
    world.log[-1].unlink()
    world.assert_refused()
    world.doctor(repair=True)
    world.assert_whole()


@pytest.mark.parametrize("mode", ["append", "upsert", "partition"])
def test_an_earlier_log_entry_matters_as_long_as_its_rows_do(
    world_of: Callable[[str], World], mode: str
) -> None:
    world = world_of(mode)
    middle = world.log[len(world.log) // 2]
    middle.write_bytes(b"")
    world.assert_refused()
    world.doctor(repair=True)
    world.assert_whole()


def test_missing_data_files_are_named_and_not_repaired(world: World) -> None:
    location = Path(world.live.what.location)
    (
        lost := next(
            iter(
                sorted(
                    location.rglob("*.parquet"), key=lambda p: p.stat().st_mtime_ns, reverse=True
                )
            )
        )
    ).unlink()
    world.log[-1].write_bytes(b"")
    found = world.doctor(repair=True)["published"]
    assert found.status is Status.ERROR
    assert lost.name in found.message
    assert "backup" in found.hint


@pytest.mark.parametrize("damage", [Path.unlink, lambda path: path.write_bytes(b"PAR1")])
def test_a_data_file_that_is_lost_or_damaged(
    world: World, damage: Callable[[Path], object]
) -> None:
    for path in Path(world.live.what.location).rglob("*.parquet"):
        damage(path)
    with pytest.raises(StorageError) as caught:
        TablePublisher().read(world.live, ReadRequest()).batches.read_all()
    assert caught.value.hint


def test_a_lake_that_is_unmounted_during_a_commit(world: World) -> None:
    """What was written lies below the mount point, or nowhere: nothing of it is recorded."""
    claim = world.run("during")
    staged = [world.stage(world.rows_of(claim), **world.declared)]
    store, number = world.store, world.live.number
    aside = world.base / "aside"

    def numbered(name: str, *, draft: bool) -> int:
        Path(world.lake).rename(aside)
        (Path(world.lake) / "tables").mkdir(parents=True)
        return store.next_publication_number(name, draft=draft)

    world.store = Mock(wraps=store, next_publication_number=numbered)
    with pytest.raises(StorageError):
        world.commit(claim, [replace(one, name="a.new.one") for one in staged])
    world.store = store
    assert world.live.number == number
    assert [one.name for one in store.load_publications()] == [TABLE]


def test_a_prune_never_deletes_by_a_damaged_log(world: World) -> None:
    world.log[-1].write_bytes(b"")
    before = world.files()
    pruned = prune(replace(world.settings, keep_versions=1, keep_days=0), world.store, world.clock)
    assert any("is damaged" in sentence for sentence in pruned.failed)
    assert world.files() == before


def test_a_rollback_of_a_damaged_table_is_refused(world: World) -> None:
    world.log[-1].write_bytes(b"")
    before = world.files()
    publications = Publications(
        world.store, world.clock, replace(world.settings, owner=world.live.owner)
    )
    with pytest.raises(EtlError, match="is damaged"):
        publications.rollback(TABLE, 1)
    assert world.files() == before


def test_a_rollback_leaves_a_version_that_can_be_repaired(world: World) -> None:
    publications = Publications(
        world.store, world.clock, replace(world.settings, owner=world.live.owner)
    )
    publications.rollback(TABLE, 1)
    rows = world.read()
    world.log[-1].write_bytes(b"")
    world.assert_refused()
    world.doctor(repair=True)
    assert world.read().equals(rows)


@pytest.mark.parametrize("mode", ["append", "upsert", "partition"])
def test_versions_of_before_are_compared_by_rows_and_bytes(
    world_of: Callable[[str], World], mode: str
) -> None:
    world = world_of(mode)
    old = replace(world.live, what=replace(world.live.what, token="", files_hash=""))
    assert world.read(old).num_rows == world.rows.num_rows
    world.log[-1].write_bytes(b"")
    with pytest.raises(StorageError, match="is damaged"):
        world.read(old)


def test_nothing_is_built_on_the_commit_of_another_process(world: World) -> None:
    content = world.log[-1].read_bytes()
    world.log[-1].write_bytes(content.replace(b"run-3.1/", b"run-9.1/"))
    before = world.files()
    with pytest.raises(StorageError, match=r"is of commit 'run-9\.1/"):
        world.next_run()
    assert world.files() == before


def test_pruned_versions_keep_no_log_entries(world: World) -> None:
    assert world.store.load_table_log(TABLE, 1, draft=False)
    world.store.save_pruned(TABLE, [1], draft=False, now=world.clock.now())
    assert world.store.load_table_log(TABLE, 1, draft=False) == ()
    assert world.store.load_table_log(TABLE, 3, draft=False)


def test_a_new_lake_is_marked_before_its_first_commit(tmp_path: Path) -> None:
    world = Publishing(tmp_path)
    claim = world.run("first")
    staged = world.stage(pa.table({"run": [1], "row": [0]}))
    assert not Path(world.lake).exists()
    world.commit(claim, [staged])
    assert (Path(world.lake) / LAKE_MARKER).read_text().strip() == world.store.load_identity()
    assert len(world.store.load_identity()) == 32


def test_a_marked_lake_without_a_publication_is_missed(tmp_path: Path) -> None:
    """Nothing is live in it yet, and still it is not a new one."""
    (tmp_path / "home").mkdir(mode=0o700)
    settings = Settings.from_env({}, home=str(tmp_path / "home"), lake=str(tmp_path / "lake"))
    world = Publishing(tmp_path, open_store(settings.ledger))
    world.commit(world.run("first"), [world.stage(pa.table({"run": [1], "row": [0]}))])
    Path(world.lake).rename(tmp_path / "aside")
    Path(world.lake).mkdir()
    claim = world.run("second")
    with pytest.raises(StorageError, match="is not available") as caught:
        world.commit(claim, [world.stage_file("note", "text")])
    assert "doctor --repair" in caught.value.hint
    assert list(Path(world.lake).iterdir()) == []

    found = {one.what: one for one in diagnose(settings, SystemClock(), repair=True)}
    assert found["mounted"].repaired
    world.commit(claim, [world.stage_file("note", "text")])
