"""backup, restore and doctor."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from cli.conftest import Command
from contracts.store_values import a_run
from jupyter_etl.ports import SchedulerInfo
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import host_name


@pytest.fixture
def run_id(etl: Etl) -> int:
    return etl.store.add_run(a_run("first"), now=etl.clock.now()).id


def test_a_backup_by_default_is_in_the_home(run_id: int, home: Path, command: Command) -> None:
    said = command("backup", "--json")
    assert said.code == 0
    made = Path(said.json["file"])
    assert made.parent == home / "backups"
    assert made.name.startswith("ledger-20")
    assert said.json["bytes"] == made.stat().st_size
    assert (said.json["runs"], said.json["revision"] >= "0002") == (1, True)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    # Twice in one second, it chooses another name.
    assert command("backup").code == 0
    assert command("backup").code == 0
    assert len(list(made.parent.iterdir())) == 3


def test_a_backup_goes_to_the_given_file_and_overwrites_nothing(
    run_id: int, here: Path, command: Command
) -> None:
    said = command("backup", "copy.sqlite")
    assert said.code == 0
    assert "1 runs, intact" in said.out
    assert "lake" in said.err
    again = command("backup", "copy.sqlite")
    assert again.code == 1
    assert "overwrites no file" in again.err


def test_a_ledger_that_is_not_there_is_not_made(
    here: Path, isolation: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_HOME", str(here / "none"))
    said = command("backup")
    assert said.code == 1
    assert "does not exist yet" in said.err
    assert not (here / "none").exists()


def test_a_restore_asks_and_keeps_what_there_was(
    etl: Etl, run_id: int, home: Path, here: Path, command: Command
) -> None:
    command("backup", "copy.sqlite")
    second = etl.store.add_run(a_run("second"), now=etl.clock.now())
    refused = command("restore", "copy.sqlite")
    assert refused.code == 2
    assert "--yes" in refused.err
    assert etl.store.count_runs() == 2
    done = command("restore", "copy.sqlite", "--yes", "--json")
    assert done.code == 0
    assert (done.json["runs"], done.json["ledger"]) == (1, str(home / "ledger.sqlite"))
    assert [run.id for run in etl.store.load_runs()] == [run_id]
    back = command("restore", done.json["kept"], "--yes")
    assert back.code == 0
    assert "is kept" in back.out
    assert [run.id for run in etl.store.load_runs()] == [second.id, run_id]


def test_a_restore_asks_a_person(
    etl: Etl, run_id: int, here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    command("backup", "copy.sqlite")
    etl.store.add_run(a_run("second"), now=etl.clock.now())
    for answer, code, runs in (("n", 2, 2), ("", 2, 2), ("y", 0, 1)):
        monkeypatch.setattr("sys.stdin", Person(answer))
        said = command("restore", "copy.sqlite")
        assert said.code == code
        assert "(1 runs)? [y/N]" in said.err
        assert etl.store.count_runs() == runs


class Person:
    """Answers one word at a terminal."""

    def __init__(self, word: str) -> None:
        self._word = word

    def isatty(self) -> bool:
        return True

    def readline(self) -> str:
        return f"{self._word}\n"


def test_a_ledger_in_use_is_not_replaced(
    etl: Etl, run_id: int, here: Path, command: Command
) -> None:
    command("backup", "copy.sqlite")
    now = etl.clock.now()
    etl.store.claim("gone", now=now, limit=1)
    in_progress = command("restore", "copy.sqlite", "--yes")
    assert in_progress.code == 1
    assert "Runs are active (1)" in in_progress.err
    assert "--repair" in in_progress.err
    info = SchedulerInfo(id="me", host=host_name(), pid=os.getpid(), workers=1, seen_at=now)
    etl.store.save_scheduler(info)
    alive = command("restore", "copy.sqlite", "--yes")
    assert alive.code == 1
    assert "A scheduler is alive" in alive.err


def test_what_is_no_ledger_is_not_put_back(
    etl: Etl, run_id: int, here: Path, command: Command
) -> None:
    (here / "notes").write_text("a text")
    for file in ("notes", "absent"):
        said = command("restore", file, "--yes")
        assert said.code == 1
        assert "not a usable ledger" in said.err
    assert etl.store.count_runs() == 1


def test_a_newer_copy_is_not_put_back(etl: Etl, run_id: int, here: Path, command: Command) -> None:
    import sqlite3
    from contextlib import closing

    command("backup", "copy.sqlite")
    with closing(sqlite3.connect(here / "copy.sqlite")) as connection, connection:
        connection.execute("UPDATE ledger_revision SET version_num = '9999'")
    said = command("restore", "copy.sqlite", "--yes")
    assert (said.code, "newer version" in said.err) == (1, True)


def test_a_damaged_ledger_is_restored(
    etl: Etl, run_id: int, home: Path, here: Path, command: Command
) -> None:
    command("backup", "copy.sqlite")
    etl.close()
    (home / "runs" / "00000077").mkdir(parents=True)
    (home / "ledger.sqlite").write_bytes(b"torn")
    assert command("status").code == 1
    assert command("restore", "copy.sqlite", "--yes").code == 0
    reopened = Etl.open()
    assert reopened.store.count_runs() == 1
    assert reopened.store.add_run(a_run("next"), now=reopened.clock.now()).id == 78
    reopened.close()


@pytest.mark.parametrize("word", ["backup", "restore"])
def test_postgres_has_programs_of_its_own(
    word: str, here: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql+psycopg://etl:canary@db.example:5433/the%20etl?sslmode=require"
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", url)
    said = command(*(("backup",) if word == "backup" else ("restore", "x", "--yes")))
    assert said.code == 1
    assert "canary" not in said.err
    program = "pg_dump --format=custom" if word == "backup" else "pg_restore --clean"
    assert program in said.err
    assert "postgresql://etl@db.example:5433/the%20etl?sslmode=require" in said.err


def test_the_doctor_works_where_no_ledger_can_be_opened(home: Path, command: Command) -> None:
    (home / "ledger.sqlite").write_text("some other file")
    said = command("doctor")
    assert said.code == 1
    assert "ERROR  ledger: " in said.out
    (item,) = [one for one in command("doctor", "--json").json if one["what"] == "ledger"]
    assert set(item) == {"what", "ok", "status", "message", "hint", "repaired"}
    assert (item["ok"], item["status"]) == (False, "error")


def test_the_doctor_repairs_and_reports_it(run_id: int, home: Path, command: Command) -> None:
    home.chmod(0o755)
    looked = command("doctor")
    assert "warn   permissions: " in looked.out
    assert stat.S_IMODE(home.stat().st_mode) == 0o755
    said = command("doctor", "--repair")
    assert f"repaired: {home} is 700" in said.out
    assert said.code == 0


def test_the_status_shows_a_full_disk(
    home: Path, command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert command("status", "--json").json["full_disk"] is None
    monkeypatch.setenv("JUPYTER_ETL_DISK_RESERVE", "99.9999")
    assert "reserve" in command("status", "--json").json["full_disk"]
    assert "No runs start on this machine" in command("status").err
