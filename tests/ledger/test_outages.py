"""The ledger's database is away, silent, locked or full for a while."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import cast

import psycopg
import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from contracts.store_values import NOW, a_run
from fakes.children import ended, fork
from fakes.ledger import new_ledger
from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import open_store
from jupyter_etl.ledger.backup import inspect_file
from jupyter_etl.ledger.connection import Ledger
from jupyter_etl.ledger.databases import postgres
from jupyter_etl.ledger.databases.error_mapping import translated
from jupyter_etl.ports import Store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    new_ledger(tmp_path)
    return tmp_path / "ledger.sqlite"


def test_a_writer_waits_for_another_process_that_holds_the_ledger(path: Path) -> None:
    store = open_store(f"sqlite:///{path}?timeout=60")
    held, over = threading.Event(), threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            held.set()
            over.wait(30)
            other.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    threading.Timer(0.3, over.set).start()
    run = store.add_run(a_run(), now=NOW)
    assert over.is_set()
    assert store.load_runs() == [run]
    holder.join()
    store.close()


def fill(store: Store) -> None:
    for number in range(100):
        store.save_snapshot(f"{number}" * 10_000)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_disk_without_room_tears_nothing(path: Path) -> None:
    """The size that files may have stands for the disk: it needs no root."""

    def work() -> None:
        store = open_store(f"sqlite:///{path}")
        first = store.add_run(a_run("first"), now=NOW)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 20_000, -1))
        with pytest.raises(StoreError) as caught:
            fill(store)
        assert caught.value.retryable
        assert "disk" in caught.value.hint
        assert store.load_runs() == [first]
        resource.setrlimit(resource.RLIMIT_FSIZE, (-1, -1))
        again = store.add_run(a_run("again"), now=NOW)
        assert store.load_runs() == [again, first]
        store.close()

    assert ended(fork(work)) == 0
    assert inspect_file(path).runs == 2


@pytest.mark.parametrize(
    ("error", "retryable", "hint"),
    [
        (psycopg.errors.DeadlockDetected, True, "same rows"),
        (psycopg.errors.DiskFull, True, "space"),
        (psycopg.errors.TooManyConnections, True, "max_connections"),
        (psycopg.errors.QueryCanceled, True, "too long"),
        (psycopg.errors.LockNotAvailable, True, "locked the rows"),
        (psycopg.errors.IdleInTransactionSessionTimeout, True, "rested"),
        (psycopg.errors.ReadOnlySqlTransaction, True, "replica"),
        (psycopg.errors.AdminShutdown, True, "server runs"),
        (psycopg.errors.CannotConnectNow, True, "server runs"),
        (psycopg.errors.InsufficientPrivilege, False, "Grant"),
        (psycopg.errors.UndefinedTable, False, "removed"),
        (psycopg.errors.DataCorrupted, False, "pg_restore"),
        (psycopg.errors.SyntaxError, False, "fault of jupyter-etl"),
        (psycopg.OperationalError, True, "server runs"),
        (psycopg.InterfaceError, True, "server runs"),
        (sqlite3.DatabaseError, False, "fault of jupyter-etl"),
    ],
)
def test_each_error_of_a_driver_says_whether_to_try_again(
    error: type[Exception], retryable: bool, hint: str
) -> None:
    bases = (psycopg.Error, sqlite3.Error)
    wrapped = DBAPIError.instance("SELECT 1", {}, error("it failed"), bases)  # type: ignore[arg-type]
    for problem in (wrapped, error("it failed")):
        with pytest.raises(StoreError, match="it failed") as caught, translated("'l'"):
            raise problem
        assert caught.value.retryable is retryable
        assert hint in caught.value.hint


def test_what_is_no_error_of_a_driver_comes_through() -> None:
    with pytest.raises(ZeroDivisionError), translated("'l'"):
        _ = 1 / 0


def test_a_server_that_accepts_and_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(StoreError, match="timeout") as caught:
            open_store(f"postgresql://u@127.0.0.1:{port}/d?connect_timeout=2")
    assert caught.value.retryable


@pytest.fixture
def stopped(postgres_url: str) -> Iterator[tuple[Ledger, list[int]]]:
    """Yield a ledger and the server processes to wake at the end."""
    ledger, processes = Ledger(postgres_url), list[int]()
    yield ledger, processes
    for process in processes:
        os.kill(process, signal.SIGCONT)
    ledger.close()


def driver_of(connection: Connection) -> postgres.AnsweringConnection:
    return cast("postgres.AnsweringConnection", connection.connection.dbapi_connection)


def backend_of(connection: Connection) -> int:
    return int(connection.execute(text("SELECT pg_backend_pid()")).scalar_one())


@pytest.mark.postgres
def test_a_server_that_falls_silent_is_given_up(stopped: tuple[Ledger, list[int]]) -> None:
    ledger, processes = stopped

    def ask_a_stopped_one() -> None:
        with ledger.writing() as connection:
            processes.append(backend_of(connection))
            assert driver_of(connection).answer_s == postgres.ANSWER_S
            # Of this one alone: those that live have all the time that they need.
            driver_of(connection).answer_s = 0.5
            os.kill(processes[-1], signal.SIGSTOP)
            connection.execute(text("SELECT 1"))

    with pytest.raises(StoreError, match=r"has not answered for 0\.5 s") as caught:
        ask_a_stopped_one()
    assert caught.value.retryable
    with ledger.reading() as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    with ledger.writing() as connection:
        process = backend_of(connection)
        driver_of(connection).answer_s = 0.5
    # Back in the pool, it falls silent: it is tried before its next use, and replaced.
    processes.append(process)
    os.kill(process, signal.SIGSTOP)
    with ledger.reading() as connection:
        assert backend_of(connection) != process


@pytest.mark.postgres
def test_a_migration_waits_for_any_time(postgres_url: str) -> None:
    ledger = Ledger(postgres_url)
    with ledger.writing(patiently=True) as connection:
        assert driver_of(connection).answer_s is None
        shown = connection.execute(text("SHOW statement_timeout")).scalar_one()
    assert shown == "0"
    with ledger.reading() as connection:
        assert driver_of(connection).answer_s == postgres.ANSWER_S
        assert connection.execute(text("SHOW statement_timeout")).scalar_one() == "15s"
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "10s"
    ledger.close()


@pytest.mark.postgres
def test_locked_rows_are_not_waited_for_for_ever(postgres_url: str) -> None:
    store = open_store(postgres_url + "&options=-c%20lock_timeout%3D300ms")
    run = store.add_run(a_run(), now=NOW)
    other = Ledger(postgres_url)
    with other.writing() as connection:
        connection.execute(text("SELECT * FROM runs FOR UPDATE"))
        with pytest.raises(StoreError, match="lock timeout") as caught:
            store.request_cancel(run.id, now=NOW)
        assert caught.value.retryable
    assert store.request_cancel(run.id, now=NOW).cancel_requested
    other.close()
    store.close()
