"""After a restore no version number is given again, and no ETag of before matches other rows."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pytest

from fakes.commits import TABLE, Publishing
from fakes.ledger import ledger_in
from jupyter_etl.errors import NotFound
from jupyter_etl.gateway.catalogue import live_version
from jupyter_etl.gateway.responses import etag_of
from jupyter_etl.ledger import open_store
from jupyter_etl.model import PublicationVersion, PublishMode
from jupyter_etl.publishing.tables.version_numbers import read_numbers
from jupyter_etl.services.clock import SystemClock
from jupyter_etl.services.doctor import Status, diagnose
from jupyter_etl.services.maintenance.backups import backup, restore
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.settings import Settings
from ledger.old_ledgers import make_old_ledger


class World(Publishing):
    """A home with a ledger and a lake."""

    def __init__(self, base: Path) -> None:
        (base / "home").mkdir(mode=0o700)
        super().__init__(base, open_store(ledger_in(base / "home")))
        self.settings = Settings.from_env({}, home=str(base / "home"), lake=self.lake, owner="ada")
        self.ledger = base / "home" / "ledger.sqlite"

    def next_table(self, key: str, name: str = TABLE) -> PublicationVersion:
        return self.publish(self.run(key), name=name, mode=PublishMode.REPLACE)

    def next_file(self, key: str) -> PublicationVersion:
        claim = self.run(key)
        (version,) = self.finish(claim, self.commit(claim, [self.stage_file("note", key)]))
        return version

    def next_draft(self, key: str) -> PublicationVersion:
        number = self.store.next_publication_number("draft", draft=True)
        from jupyter_etl.publishing.tables.publisher import TablePublisher

        committed = TablePublisher().commit(
            self.stage(pa.table({"x": [1]}), name="draft"), lake=self.lake, draft=True,
            number=number, token=key, previous=None,
        )  # fmt: skip
        return self.store.publish(
            committed, owner="ada", pipeline="", notebook="", draft=True, now=self.clock.now()
        )

    def lose_versions(self, damage: Callable[[Path], object]) -> list[PublicationVersion]:
        """Publish, take a backup, publish more, and restore the backup; return what is lost."""
        self.next_table("a")
        self.next_file("b")
        copy = backup(self.settings, None, now=self.clock.now()).path
        lost = [self.next_table("c"), self.next_table("d"), self.next_file("e")]
        lost += [self.next_table("f", "later"), self.next_draft("g")]
        self.store.close()
        damage(self.ledger)
        restore(self.settings, copy, now=self.clock.now())
        return lost


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(os.urandom(path.stat().st_size - 100))


DAMAGES: dict[str, Callable[[Path], object]] = {
    "none": lambda path: None,
    "deleted": Path.unlink,
    "emptied": lambda path: os.truncate(path, 0),
    "cut": lambda path: os.truncate(path, 5000),
    "overwritten": overwrite,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_numbers_go_on_after_a_restore(world: World, damage: str) -> None:
    lost = world.lose_versions(DAMAGES[damage])
    assert [version.number for version in lost] == [2, 3, 2, 1, 1]
    found = [world.next_table("h"), world.next_file("i"), world.next_table("j", "later")]
    assert [version.number for version in found] == [4, 3, 2]
    assert world.store.next_publication_number("draft", draft=True) == 2
    assert world.read().num_rows == 5
    etags = [etag_of(version) for version in (*lost, *found)]
    assert len(set(etags)) == len(etags)


def test_a_copy_from_before_ledgers_had_an_id_keeps_its_lake(world: World) -> None:
    world.next_table("a")
    copy = world.base / "old.sqlite"
    make_old_ledger(f"sqlite:///{copy}")
    before = world.store.load_identity()
    world.store.close()
    restore(world.settings, copy, now=world.clock.now())
    store = open_store(f"sqlite:///{world.ledger}")
    assert store.load_identity() == before
    store.close()


def test_a_page_that_stays_on_a_lost_version_is_not_answered(world: World) -> None:
    world.lose_versions(DAMAGES["none"])
    publications = Publications(world.store, world.clock, world.settings)
    service: Any = SimpleNamespace(publications=publications)
    for key in "hi":
        with pytest.raises(NotFound, match="has no version 2"):
            live_version(service, TABLE, 2)
        world.next_table(key)
    assert [one.number for one in publications.history(TABLE)] == [5, 4, 1]


def test_the_version_before_is_found_over_the_gap(world: World) -> None:
    world.lose_versions(DAMAGES["none"])
    world.next_table("h")
    publications = Publications(world.store, world.clock, world.settings)
    difference = publications.diff(TABLE, key=("run", "row"))
    assert (difference.before.number, difference.after.number) == (1, 4)
    assert publications.rollback(TABLE).note.startswith("rolled back to version 1 ")
    assert [one.number for one in publications.history(TABLE)] == [5, 4, 1]


def test_the_retry_of_a_first_run_that_was_killed_continues(world: World) -> None:
    """Its first number after a restore is not 1."""
    world.store.save_given_numbers({("fresh", False): 6})
    claim = world.run("a")
    rows = pa.table({"run": [1], "row": [1]})
    world.commit(claim, [world.stage(rows, name="fresh")])
    world.lose(claim)
    again = world.attempt(claim.run.id)
    (version,) = world.finish(again, world.commit(again, [world.stage(rows, name="fresh")]))
    assert (version.number, version.what.rows) == (7, 1)


def test_the_doctor_finds_numbers_that_the_ledger_does_not_know(world: World) -> None:
    """As after pg_restore, which does not consider the lake."""
    for key in "abcd":
        world.next_table(key)
    other = ledger_beside(world, "other")
    found = {one.what: one for one in diagnose(other, SystemClock())}
    assert found["numbers"].status is Status.WARN
    assert f"{TABLE} (4)" in found["numbers"].message
    found = {one.what: one for one in diagnose(other, SystemClock(), repair=True)}
    assert found["numbers"].repaired
    store = open_store(other.ledger)
    assert store.next_publication_number(TABLE, draft=False) == 5
    store.close()
    assert "numbers" not in {one.what for one in diagnose(other, SystemClock())}


def ledger_beside(world: World, name: str) -> Settings:
    """Return the settings of a new ledger over the lake of another."""
    home = world.base / name
    home.mkdir(mode=0o700)
    open_store(f"sqlite:///{home / 'ledger.sqlite'}").close()
    return Settings.from_env({}, home=str(home), lake=world.lake, owner="ada")


def entry(number: int | str, extra: str = "") -> str:
    return f'{{"commitInfo":{{"etlNumber":"{number}","etlToken":"t"}}}}\n{extra}'


LAKES: dict[str, tuple[dict[str, str], dict[tuple[str, bool], int]]] = {
    "empty": ({}, {}),
    "tables": (
        {
            "tables/a/_delta_log/00000000000000000000.json": entry(1),
            "tables/a/_delta_log/00000000000000000001.json": entry(3),
            "tables/a/_delta_log/00000000000000000002.json": '{"commitInfo":{"operation":"RESTORE"}}',
            "drafts/tables/a/_delta_log/00000000000000000000.json": entry(9),
            "tables/b/_delta_log/00000000000000000000.checkpoint.parquet": "",
        },
        {("a", False): 3, ("a", True): 9},
    ),
    "damaged entries": (
        {
            "tables/a/_delta_log/00000000000000000000.json": entry(4),
            "tables/a/_delta_log/00000000000000000001.json": '{"commitIn',
            "tables/a/_delta_log/00000000000000000002.json": "\0\0\0",
        },
        {("a", False): 6},
    ),
    "files and reports": (
        {
            "files/out/1/a.csv": "",
            "files/out/12-0123456789ab/a.csv": "",
            "files/out/notes/a.csv": "",
            "reports/daily/2/index.html": "",
            "drafts/reports/daily/5/index.html": "",
        },
        {("out", False): 12, ("daily", False): 2, ("daily", True): 5},
    ),
}


@pytest.mark.parametrize("name", LAKES)
def test_the_numbers_in_a_lake(tmp_path: Path, name: str) -> None:
    files, numbers = LAKES[name]
    for place, content in files.items():
        path = tmp_path / "lake" / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    assert read_numbers(str(tmp_path / "lake")) == numbers
