"""Copies of a ledger: whole, private, and put back in one step."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import threading
from contextlib import closing
from pathlib import Path

import pytest

from contracts.store_values import NOW, a_run
from fakes.children import ended, fork
from fakes.ledger import new_ledger
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import backup, open_store
from jupyter_etl.ledger.backup import back_up, inspect_file, put_back, unused
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.migration import upgrade_schema
from ledger.old_ledgers import make_old_ledger

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    new_ledger(tmp_path)
    return tmp_path / "ledger.sqlite"


def add_runs(path: Path, *keys: str) -> None:
    store = open_store(f"sqlite:///{path}")
    for key in keys:
        store.add_run(a_run(key), now=NOW)
    store.close()


def runs_in(path: Path) -> list[str]:
    store = open_store(f"sqlite:///{path}")
    found = [run.new.logical_key for run in store.load_runs()]
    store.close()
    return sorted(found)


def migrate(path: Path) -> None:
    ledger = Ledger(f"sqlite:///{path}")
    upgrade_schema(ledger, backup=False)
    ledger.close()


def restore(copy: Path, path: Path) -> Path | None:
    kept = unused(path.parent / "backups" / "kept.sqlite")
    return put_back(copy, path, kept=kept, migrate=migrate)


def test_a_copy_holds_what_the_ledger_held(path: Path, tmp_path: Path) -> None:
    add_runs(path, "a", "b")
    made = back_up(path, tmp_path / "new" / "copy.sqlite")
    add_runs(path, "c")
    assert (made.runs, made.last_run, made.bytes) == (2, 2, made.path.stat().st_size)
    assert stat.S_IMODE(made.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(made.path.parent.stat().st_mode) == 0o700
    assert [file.name for file in made.path.parent.iterdir()] == ["copy.sqlite"]
    assert runs_in(made.path) == ["a", "b"]


def test_a_copy_is_whole_while_others_write(path: Path, tmp_path: Path) -> None:
    over = threading.Event()
    store = open_store(f"sqlite:///{path}")

    def write() -> None:
        number = 0
        while not over.is_set():
            number += 1
            store.add_run(a_run(str(number)), now=NOW)

    writer = threading.Thread(target=write)
    writer.start()
    held = [back_up(path, tmp_path / f"copy-{number}.sqlite").runs for number in range(5)]
    over.set()
    writer.join()
    store.close()
    assert held == sorted(held)
    assert [inspect_file(tmp_path / f"copy-{n}.sqlite").runs for n in range(5)] == held


def test_no_file_is_overwritten(path: Path, tmp_path: Path) -> None:
    taken = tmp_path / "copy.sqlite"
    taken.write_text("mine")
    with pytest.raises(StoreError, match="The file already exists"):
        back_up(path, taken)
    assert taken.read_text() == "mine"
    assert unused(taken) == tmp_path / "copy-2.sqlite"


def test_a_copy_that_cannot_be_written_is_reported(path: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be written") as caught:
        back_up(path, tmp_path / "file" / "copy.sqlite")
    assert "free space" in caught.value.hint


def test_a_ledger_holds_again_what_its_copy_holds(path: Path, tmp_path: Path) -> None:
    add_runs(path, "a")
    copy = back_up(path, tmp_path / "copy.sqlite").path
    add_runs(path, "b", "c")
    other = open_store(f"sqlite:///{path}")
    assert other.count_runs() == 3
    before = copy.read_bytes()
    kept = restore(copy, path)
    # A process that had the ledger open sees what it holds now, and goes on.
    assert [run.new.logical_key for run in other.load_runs()] == ["a"]
    assert other.add_run(a_run("d"), now=NOW).id == 4, "the ids of b and c name folders on disk"
    other.close()
    assert kept is not None
    assert runs_in(kept) == ["a", "b", "c"]
    assert copy.read_bytes() == before
    assert inspect_file(path).runs == 2


def test_an_older_copy_is_migrated_when_it_is_put_back(path: Path, tmp_path: Path) -> None:
    make_old_ledger(f"sqlite:///{tmp_path / 'old.sqlite'}")
    restore(tmp_path / "old.sqlite", path)
    assert len(runs_in(path)) == 4
    assert inspect_file(tmp_path / "old.sqlite").revision == "0001"
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == [".ledger.sqlite.id", "backups", "ledger.sqlite", "old.sqlite"]


@pytest.mark.parametrize("damage", ["header", "pages", "gone"])
def test_a_damaged_ledger_is_replaced(path: Path, tmp_path: Path, damage: str) -> None:
    add_runs(path, "a")
    copy = back_up(path, tmp_path / "copy.sqlite").path
    content = bytearray(path.read_bytes())
    if damage == "gone":
        path.unlink()
    else:
        content[slice(0, 16) if damage == "header" else slice(5000, 60000)] = b"\xff" * (
            16 if damage == "header" else 55000
        )
        path.write_bytes(content)
        # What a process that was killed left beside the damaged file must not be played back.
        path.with_name("ledger.sqlite-journal").write_bytes(b"\0" * 512)
    kept = put_back(copy, path, kept=tmp_path / "backups" / "kept", migrate=migrate, last_run=41)
    assert runs_in(path) == ["a"]
    assert not path.with_name("ledger.sqlite-journal").exists()
    if damage == "gone":
        assert kept is None
    else:
        assert kept is not None
        assert kept.read_bytes() == bytes(content)
    store = open_store(f"sqlite:///{path}")
    assert store.add_run(a_run("next"), now=NOW).id == 42
    store.close()


@pytest.mark.parametrize("point", ["_copy", "back_up", "_skip_run_numbers"])
def test_a_restore_that_is_killed_leaves_the_ledger_as_it_was(
    path: Path, tmp_path: Path, point: str
) -> None:
    add_runs(path, "a")
    copy = back_up(path, tmp_path / "copy.sqlite").path
    add_runs(path, "b")

    def killed() -> None:
        setattr(backup, point, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
        restore(copy, path)

    assert ended(fork(killed)) == -signal.SIGKILL
    assert inspect_file(path).runs == 2
    restore(copy, path)
    assert runs_in(path) == ["a"]


def test_a_migration_that_fails_leaves_the_ledger_as_it_was(path: Path, tmp_path: Path) -> None:
    add_runs(path, "a")
    copy = back_up(path, tmp_path / "copy.sqlite").path
    add_runs(path, "b")

    def fail(path: Path) -> None:
        raise StoreError("it cannot be migrated")

    with pytest.raises(StoreError, match="cannot be migrated"):
        put_back(copy, path, kept=tmp_path / "kept", migrate=fail)
    assert runs_in(path) == ["a", "b"]
    left = sorted(file.name for file in tmp_path.iterdir())
    assert left == [".ledger.sqlite.id", "copy.sqlite", "ledger.sqlite"]


@pytest.mark.parametrize("content", [b"x", b"hello, this is a text" * 100, b""])
def test_another_file_is_no_ledger(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(StoreError, match="not a SQLite file") as caught:
        inspect_file(tmp_path / "file")
    assert "jupyter etl backup" in caught.value.hint


def test_another_programs_database_is_no_ledger(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "other")) as connection, connection:
        connection.execute("CREATE TABLE runs (x)")
    with pytest.raises(StoreError, match="not contain the tables of a ledger"):
        inspect_file(tmp_path / "other")


def test_a_damaged_copy_is_refused(path: Path) -> None:
    add_runs(path, "a")
    content = bytearray(path.read_bytes())
    content[9000:90000] = b"\xff" * 81000
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"damaged|malformed"):
        inspect_file(path)


def test_rows_without_their_other_half_are_damage(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "INSERT INTO pipeline_versions SELECT 'nobody', 1, '', '', NULL, '{}', '{}', '', 0"
        )
    with pytest.raises(StoreError, match="rows that are not there"):
        inspect_file(path)
