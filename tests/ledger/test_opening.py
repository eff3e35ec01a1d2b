"""Creating, migrating and refusing a ledger."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from contracts.store_values import NOW, a_run
from jupyter_etl.errors import MissingDependency, StoreError
from jupyter_etl.ledger import migration, open_store
from jupyter_etl.ledger.connection import Ledger, parse_url
from jupyter_etl.ledger.schema.tables import REVISION, VERSION_TABLE, metadata


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "home" / "ledger.sqlite"


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def differences(url: str) -> list[object]:
    ledger = Ledger(url)
    with ledger.reading() as connection:
        context = MigrationContext.configure(
            connection, opts={"version_table": VERSION_TABLE, "compare_type": True}
        )
        found = compare_metadata(context, metadata)
    ledger.close()
    return list(found)


def test_the_migrations_make_the_tables_of_the_schema(path: Path) -> None:
    open_store(url_of(path)).close()
    assert differences(url_of(path)) == []


@pytest.mark.postgres
def test_the_migrations_make_the_tables_of_the_schema_in_postgres(postgres_url: str) -> None:
    open_store(postgres_url).close()
    assert differences(postgres_url) == []


def test_the_comparison_sees_a_difference(path: Path) -> None:
    open_store(url_of(path)).close()
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE runs DROP COLUMN note")
        connection.execute("DROP INDEX ix_runs_wake")
    assert len(differences(url_of(path))) == 2


def test_the_partial_index_is_partial(path: Path) -> None:
    open_store(url_of(path)).close()
    query = "SELECT sql FROM sqlite_master WHERE name = 'uq_attempts_live'"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute(query).fetchone()[0].endswith("WHERE outcome IS NULL")


def test_the_schema_names_the_newest_migration() -> None:
    config = Config()
    config.set_main_option(
        "script_location", str(Path(migration.__file__).parent / "schema" / "migrations")
    )
    assert ScriptDirectory.from_config(config).get_heads() == [REVISION]


def test_a_ledger_is_private(path: Path) -> None:
    before = os.umask(0)
    try:
        open_store(url_of(path)).close()
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_journal_fits_the_version_of_sqlite(path: Path) -> None:
    assert migration.journal_mode((3, 51, 2)) == "DELETE"
    assert migration.journal_mode((3, 51, 3)) == "WAL"
    assert migration.journal_mode((4, 0, 0)) == "WAL"
    open_store(url_of(path)).close()
    expected = migration.journal_mode(sqlite3.sqlite_version_info).lower()
    assert journal_of(path) == expected


def test_the_journal_can_be_switched_while_others_come_and_go(path: Path) -> None:
    open_store(url_of(path)).close()
    with closing(sqlite3.connect(path, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        threading.Timer(0.1, other.execute, ["ROLLBACK"]).start()
        migration.set_journal_mode(path, "WAL", wait_s=30)
    assert journal_of(path) == "wal"
    store = open_store(url_of(path))
    store.add_run(a_run(), now=NOW)
    store.close()


def test_a_second_opening_imports_no_alembic(path: Path) -> None:
    open_store(url_of(path)).close()
    code = (
        "import sys; from jupyter_etl.ledger import open_store\n"
        f"open_store({url_of(path)!r}).close()\n"
        "print('alembic' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "False"


def test_importing_the_room_imports_no_sqlalchemy() -> None:
    code = "import sys, jupyter_etl.ledger; print('sqlalchemy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert said.stdout.strip() == "False"


def test_a_newer_ledger_is_refused(path: Path) -> None:
    open_store(url_of(path)).close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(StoreError, match="newer version") as caught:
        open_store(url_of(path))
    assert "pip install --upgrade" in caught.value.hint
    assert not caught.value.retryable


def test_a_migration_that_breaks_off_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(self: MigrationContext, *args: object) -> None:
        raise KeyboardInterrupt

    # The version is written last, after all tables.
    with monkeypatch.context() as patched:
        patched.setattr("alembic.runtime.migration.HeadMaintainer.update_to_step", break_off)
        with pytest.raises(KeyboardInterrupt):
            open_store(url_of(path))
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    open_store(url_of(path)).close()
    assert differences(url_of(path)) == []


def open_and_count(url: str, start: object, results: object) -> None:
    start.wait()  # type: ignore[attr-defined]
    store = open_store(url)
    results.put(store.count_runs())  # type: ignore[attr-defined]
    store.close()


def open_at_once(url: str, processes: int) -> list[int]:
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(processes), context.Queue()
    workers = [
        context.Process(target=open_and_count, args=(url, start, results)) for _ in range(processes)
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=150) for _ in workers]
    for worker in workers:
        worker.join()
    return found


@pytest.mark.slow
def test_several_processes_may_open_first(path: Path) -> None:
    assert open_at_once(url_of(path), 4) == [0] * 4
    assert differences(url_of(path)) == []


@pytest.mark.postgres
@pytest.mark.slow
def test_several_processes_may_open_first_in_postgres(postgres_url: str) -> None:
    assert open_at_once(postgres_url, 4) == [0] * 4
    assert differences(postgres_url) == []


@pytest.mark.parametrize(
    "url", ["", "not a url", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:", "oracle://x"]
)
def test_what_cannot_be_a_ledger_is_refused(url: str) -> None:
    with pytest.raises(StoreError, match="cannot be kept in") as caught:
        open_store(url)
    assert not caught.value.retryable


def test_a_missing_driver_shows_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingDependency, match=r"jupyter-etl\[postgres\]"):
        open_store("postgresql://u@127.0.0.1:1/d")


def test_the_driver_for_postgres_is_psycopg_3() -> None:
    for scheme in ("postgresql", "postgres", "postgresql+psycopg"):
        assert parse_url(f"{scheme}://u@h/d").drivername == "postgresql+psycopg"


def journal_of(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        return str(connection.execute("PRAGMA journal_mode").fetchone()[0])
