"""A ledger with schema 0001 is migrated to this version, or stays unchanged."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
import stat
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, text

from contracts.store_values import NOW, a_run
from fakes.children import ended, fork
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import backup, migration, open_store
from jupyter_etl.ledger.backup import inspect_file
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.schema.tables import REVISION
from jupyter_etl.model import Outcome, RunState
from ledger.old_ledgers import make_old_ledger
from ledger.test_opening import differences

pytestmark = pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")

POSTGRES = pytest.param("postgres", marks=pytest.mark.postgres)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


@pytest.fixture(params=["sqlite", POSTGRES])
def url(request: pytest.FixtureRequest, path: Path) -> str:
    """Return the URL of a ledger of schema 0001 with rows."""
    url: str = f"sqlite:///{path}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    make_old_ledger(url)
    return url


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob("ledger.sqlite.0001-*.backup*"))


def assert_everything_is_there(url: str) -> None:
    store = open_store(url)
    runs = {run.id: run for run in store.load_runs()}
    assert {number: run.state for number, run in runs.items()} == {
        1: RunState.SUCCEEDED,
        2: RunState.FAILED,
        3: RunState.RUNNING,
        4: RunState.QUEUED,
    }
    assert runs[1].reads[0].source == "shop"
    assert [version.number for version in runs[1].published] == [1]
    assert (runs[2].failed_cell, runs[2].attempts) == (4, 2)
    assert runs[2].verdict is not None
    assert [one.outcome for one in store.load_attempts(2)] == [Outcome.LOST, Outcome.FAILED]
    (live,) = store.load_live_attempts()
    assert (live.run.id, live.attempt.token) == (3, "3" * 32)
    assert store.heartbeat(3, 1, "3" * 32).valid
    assert [pipeline.name for pipeline in store.load_pipelines()] == ["brief", "orders"]
    orders = store.load_pipeline("orders")
    assert orders.schedule is not None
    assert (orders.schedule.cron, orders.policy.retries) == ("0 0 * * *", 3)
    assert "nbformat" in store.load_snapshot(orders.content_hash)
    assert store.load_source("shop").options == {"delimiter": ";"}
    publication = store.load_publication("sales.daily")
    assert publication.live is not None
    assert publication.live.what.rows == 3
    assert [info.id for info in store.load_schedulers()] == ["scheduler-1"]
    assert store.add_run(a_run("new"), now=NOW).id == 5
    store.close()


def test_an_old_ledger_is_migrated_with_all_it_holds(url: str) -> None:
    open_store(url).close()
    assert differences(url) == []
    assert_everything_is_there(url)


def test_a_backup_is_made_first(path: Path) -> None:
    make_old_ledger(f"sqlite:///{path}")
    before = path.read_bytes()
    open_store(f"sqlite:///{path}").close()
    (copy,) = backups(path)
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    held = inspect_file(copy)
    assert (held.revision, held.runs, held.last_run) == ("0001", 4, 4)
    # Only the journal's counters in the header may differ.
    assert copy.read_bytes()[100:] == before[100:]
    assert_everything_is_there(f"sqlite:///{copy}")


def kill_at(url: str, number: int) -> None:
    """Open the ledger, and be killed before the given statement that changes it."""
    left = number

    def count(connection: object, cursor: object, statement: str, *_: object) -> None:
        nonlocal left
        left -= statement.lstrip().startswith(("CREATE", "ALTER", "DROP", "INSERT", "UPDATE"))
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def commit(connection: object) -> None:
        # The last statement is out, and the transaction is still open.
        os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    if number == 0:
        event.listen(Engine, "commit", commit)
    open_store(url).close()


@pytest.mark.slow
def test_a_process_that_is_killed_half_way_changes_nothing(url: str) -> None:
    number = 0
    while (code := ended(fork(partial(kill_at, url, number)))) != 0:
        assert code == -signal.SIGKILL
        ledger = Ledger(url)
        assert migration.read_revision(ledger) == "0001"
        with ledger.reading() as connection:
            assert connection.execute(text("SELECT count(*) FROM runs")).scalar_one() == 4
        ledger.close()
        # What is committed too early is found by every later kill.
        number += 5
    assert number > 10, "the migration has more statements than that"
    assert differences(url) == []
    assert_everything_is_there(url)


def test_a_process_that_is_killed_in_the_backup_changes_nothing(path: Path) -> None:
    make_old_ledger(f"sqlite:///{path}")

    def killed() -> None:
        backup._sync = lambda part: os.kill(os.getpid(), signal.SIGKILL)
        open_store(f"sqlite:///{path}")

    assert ended(fork(killed)) == -signal.SIGKILL
    assert backups(path) == []
    assert_everything_is_there(f"sqlite:///{path}")
    (copy,) = backups(path)
    assert inspect_file(copy).revision == "0001"


def test_several_processes_may_migrate_at_once(url: str, path: Path) -> None:
    reader, writer = os.pipe()

    def work() -> None:
        os.close(writer)
        os.read(reader, 1)
        open_store(url).close()

    children = [fork(work) for _ in range(3)]
    os.close(reader)
    os.close(writer)
    assert [ended(child) for child in children] == [0, 0, 0]
    assert len(backups(path)) == (1 if url.startswith("sqlite") else 0)
    assert_everything_is_there(url)


def test_nothing_is_migrated_where_the_disk_has_no_room_for_the_backup(path: Path) -> None:
    make_old_ledger(f"sqlite:///{path}")

    def work() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size // 2, -1))
        with pytest.raises(StoreError, match="was not migrated from 0001") as caught:
            open_store(f"sqlite:///{path}")
        assert "Nothing was changed" in caught.value.hint
        assert caught.value.retryable

    assert ended(fork(work)) == 0
    assert inspect_file(path).revision == "0001"
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert_everything_is_there(f"sqlite:///{path}")


def test_nothing_is_migrated_where_the_backup_may_not_be_written(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old_ledger(f"sqlite:///{path}")
    allowed = os.open

    def refuse(file: object, *words: int, **others: int) -> int:
        if str(file).endswith(".part"):
            raise PermissionError(13, "Permission denied", str(file))
        return allowed(file, *words, **others)  # type: ignore[arg-type, no-any-return]

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", refuse)
        with pytest.raises(StoreError, match="Permission denied") as caught:
            open_store(f"sqlite:///{path}")
    assert "was not migrated" in caught.value.message
    assert not caught.value.retryable
    assert inspect_file(path).revision == "0001"


@pytest.mark.postgres
def test_a_newer_ledger_in_postgres_is_refused(postgres_url: str) -> None:
    open_store(postgres_url).close()
    ledger = Ledger(postgres_url)
    with ledger.writing() as connection:
        connection.execute(text("UPDATE ledger_revision SET version_num = '9999'"))
    ledger.close()
    with pytest.raises(StoreError, match="newer version") as caught:
        open_store(postgres_url)
    assert not caught.value.retryable


def test_the_revisions_that_are_known(path: Path) -> None:
    assert migration.known_revisions()[0] == "0001"
    assert migration.known_revisions()[-1] == REVISION
    make_old_ledger(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT version_num FROM ledger_revision").fetchone()
    assert found == ("0001",)
