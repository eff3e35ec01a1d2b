"""Errors of databases are reported with the next step."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError

from contracts.store_values import NOW, a_run
from fakes.ledger import new_ledger
from fakes.postgres import PostgresServer
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.databases.error_mapping import translated
from jupyter_etl.ledger.store import SqlStore


@pytest.fixture
def path(tmp_path: Path) -> Path:
    new_ledger(tmp_path)
    return tmp_path / "ledger.sqlite"


def test_a_read_only_file_can_be_read_and_not_written(path: Path) -> None:
    store = open_store(f"sqlite:///file:{path}?mode=ro&uri=true")
    assert store.count_runs() == 0
    with pytest.raises(StoreError, match="readonly database") as caught:
        store.add_run(a_run(), now=NOW)
    assert "writable" in caught.value.hint
    assert caught.value.retryable
    store.close()


def test_a_full_disk_can_be_retried_and_writes_nothing(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    assert isinstance(store, SqlStore)
    engine = store._ledger._engine()
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
    engine.dispose()
    event.listen(
        engine, "connect", lambda raw, _: raw.execute(f"PRAGMA max_page_count = {pages + 1}")
    )
    with pytest.raises(StoreError, match="full") as caught:
        store.save_snapshot("x" * 100_000)
    assert caught.value.retryable
    assert "Free some space" in caught.value.hint
    run = store.add_run(a_run(), now=NOW)
    assert store.load_runs() == [run]
    store.close()


def test_a_locked_ledger_can_be_retried(path: Path) -> None:
    store = open_store(f"sqlite:///{path}?timeout=0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert store.count_runs() == 0
        with pytest.raises(StoreError, match="locked") as caught:
            store.add_run(a_run(), now=NOW)
        assert caught.value.retryable
        other.execute("ROLLBACK")
    assert store.add_run(a_run(), now=NOW).id == 1
    store.close()


@pytest.mark.parametrize("content", ["x", "short", "a text that fills SQLite's header" * 20])
def test_another_file_is_no_ledger(tmp_path: Path, content: str) -> None:
    path = tmp_path / "notes.txt"
    path.write_text(content)
    with pytest.raises(StoreError, match="not a database") as caught:
        open_store(f"sqlite:///{path}")
    assert not caught.value.retryable
    assert path.read_text() == content


def test_an_empty_file_becomes_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "new.sqlite").touch()
    store = open_store(f"sqlite:///{tmp_path}/new.sqlite")
    assert store.count_runs() == 0
    store.close()


def test_a_folder_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot be created") as caught:
        open_store(f"sqlite:///{tmp_path}/file/ledger.sqlite")
    assert not caught.value.retryable


def test_a_folder_is_no_ledger(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="unable to open") as caught:
        open_store(f"sqlite:///{tmp_path}")
    assert not caught.value.retryable


def test_another_programs_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE runs (x)")
    with pytest.raises(StoreError, match="already exists") as caught:
        open_store(f"sqlite:///{path}")
    assert "separate database" in caught.value.hint
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("runs",)]


def test_a_damaged_file_is_not_retried() -> None:
    damaged = sqlite3.DatabaseError("database disk image is malformed")
    with pytest.raises(StoreError, match="malformed") as caught, translated("'l'"):
        raise DBAPIError.instance("SELECT 1", {}, damaged, sqlite3.Error)
    assert "backup" in caught.value.hint
    assert not caught.value.retryable


def test_a_server_that_is_away_can_be_retried_and_its_password_stays_secret() -> None:
    with pytest.raises(StoreError) as caught:
        open_store("postgresql://u:canary@127.0.0.1:1/d")
    assert caught.value.retryable
    assert "server" in caught.value.hint
    assert "canary" not in str(caught.value)


@pytest.mark.postgres
def test_a_database_that_is_missing_is_not_retried(postgres_server: PostgresServer) -> None:
    with pytest.raises(StoreError, match="does not exist") as caught:
        open_store(postgres_server.url("nowhere"))
    assert "createdb" in caught.value.hint
    assert not caught.value.retryable


@pytest.mark.postgres
@pytest.mark.parametrize("at_once", [False, True])
def test_a_server_that_comes_back_is_used_again(
    postgres_server: PostgresServer, postgres_url: str, at_once: bool
) -> None:
    store = open_store(postgres_url)
    run = store.add_run(a_run("a"), now=NOW)
    postgres_server.stop(at_once=at_once)
    try:
        with pytest.raises(StoreError) as caught:
            store.load_runs()
        assert caught.value.retryable
    finally:
        postgres_server.start()
    assert store.load_runs() == [run]
    store.close()


def test_a_fault_of_the_program_is_called_one(path: Path) -> None:
    ledger = Ledger(f"sqlite:///{path}")
    with pytest.raises(StoreError) as caught, ledger.reading() as connection:
        connection.exec_driver_sql("SELEKT")
    assert not caught.value.retryable
    assert "fault of jupyter-etl" in caught.value.hint
    ledger.close()
