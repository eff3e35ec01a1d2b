"""Connections to the ledger: one transaction for each ``with``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import (
    URL,
    Connection,
    Engine,
    Table,
    bindparam,
    cast,
    create_engine,
    event,
    func,
    make_url,
    select,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.sql.elements import ColumnElement

from jupyter_etl.errors import MissingDependency, StoreError
from jupyter_etl.ledger.databases.error_mapping import translated
from jupyter_etl.ledger.databases.sqlite import WatchedFile, note_identity
from jupyter_etl.ledger.databases.wakeups import ListenWakeups, PipeWakeups, notify, wake_pipes
from jupyter_etl.ledger.schema.types import Json
from jupyter_etl.ports import Wakeups

_WAIT_S = 75
_DRIVERS = {
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
    "sqlite": "sqlite+pysqlite",
    "sqlite+pysqlite": "sqlite+pysqlite",
}


class Ledger:
    """A database and its pool of connections.

    A process forked from this one gets connections of its own: neither SQLite nor PostgreSQL
    allows two processes to share one.

    Args:
        url: As for `open_store`.

    Raises:
        StoreError: The URL is not of a database that can be a ledger.
        MissingDependency: Its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        self.url = parse_url(url)
        backend = self.url.get_backend_name()
        private = [key for key in self.url.query if "password" in key.lower()]
        shown = self.url.set(drivername=backend).difference_update_query(private)
        self.place = repr(shown.render_as_string(hide_password=True))
        self.is_sqlite = backend == "sqlite"
        self._engines: dict[int, Engine] = {}
        self._elsewhere: Path | None = None
        self._file: WatchedFile | None = None

    @property
    def path(self) -> Path | None:
        """The file of a SQLite ledger; None if its URL is a ``file:`` URI, or PostgreSQL's."""
        database = self.url.database or ""
        return Path(database) if self.is_sqlite and not database.startswith("file:") else None

    def watch(self, identity: str) -> None:
        """Check from now on, before each transaction, that the file exists and is this ledger.

        Args:
            identity: Id of the ledger.
        """
        if self.path is not None:
            note_identity(self.path, identity)
            self._file = WatchedFile(self.path, self.place, identity)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Provide a connection that only reads, and sees one state of the ledger."""
        with translated(self.place), self._checked_engine().connect() as connection:
            if not self.is_sqlite:
                connection.execution_options(
                    isolation_level="REPEATABLE READ", postgresql_readonly=True
                )
            with connection.begin():
                self._check_identity(connection)
                yield connection

    @contextmanager
    def writing(self, *, patiently: bool = False, ring: bool = False) -> Iterator[Connection]:
        """Provide a connection whose writes are committed at the end, or rolled back by an exception.

        Args:
            patiently: Wait without a limit for locks and answers of PostgreSQL, as a migration must.
            ring: Wake the schedulers after the commit.
        """
        with translated(self.place), self._checked_engine().connect() as connection:
            connection.execution_options(ledger_writes=True)
            with connection.begin():
                self._check_identity(connection)
                if patiently and not self.is_sqlite:
                    _set_timeouts(connection)
                yield connection
                if ring and not self.is_sqlite:
                    notify(connection)
        if ring and self.is_sqlite:
            wake_pipes(self._path)

    @contextmanager
    def wakeups(self) -> Iterator[Wakeups]:
        """Provide wake-ups by the transactions that wake schedulers."""
        with translated(self.place), closing(self._new_pipe()) as wakeups:
            yield wakeups

    def _new_pipe(self) -> PipeWakeups | ListenWakeups:
        if not self.is_sqlite:
            return ListenWakeups(self.url)
        try:
            return PipeWakeups(self._path)
        except OSError as problem:
            raise StoreError(
                f"The wake-up pipe of the ledger {self.place} cannot be created: "
                f"{problem.strerror}.",
                hint="Schedulers still poll the ledger, but less often.",
            ) from problem

    @property
    def _path(self) -> Path:
        return self._elsewhere or Path(self.url.database or "")

    @contextmanager
    def elsewhere(self, path: Path) -> Iterator[None]:
        """Use another file of SQLite, with the compiled statements of this one."""
        self.close()
        self._elsewhere = path
        try:
            yield
        finally:
            self.close()
            self._elsewhere = None

    def close(self) -> None:
        """Close the connections of this process; a later query opens new ones."""
        engine = self._engines.get(os.getpid())
        if engine is not None:
            engine.dispose()

    def _checked_engine(self) -> Engine:
        watched = self._file if self._elsewhere is None else None
        if watched is not None and watched.was_replaced():
            # Its connections write to a file that was renamed or deleted.
            self.close()
        return self._engine()

    def _check_identity(self, connection: Connection) -> None:
        if self._file is not None and self._elsewhere is None:
            self._file.check_identity(connection)

    def _engine(self) -> Engine:
        pid = os.getpid()
        engine = self._engines.get(pid)
        if engine is None:
            # The connections of a parent stay referenced and open: closing one here would end the
            # parent's session. There is no lock, because a fork could leave it locked.
            engine = self._engines.setdefault(pid, self._new_engine())
        return engine

    def _new_engine(self) -> Engine:
        try:
            if self.is_sqlite:
                return self._sqlite_engine()
            # psycopg is optional.
            from jupyter_etl.ledger.databases.postgres import postgres_engine

            return postgres_engine(self.url)
        except (ModuleNotFoundError, NoSuchModuleError) as problem:
            raise MissingDependency(
                f"The driver for {self.url.get_backend_name()} is not installed.",
                hint="Install it: pip install 'jupyter-etl[postgres]'",
            ) from problem

    def _sqlite_engine(self) -> Engine:
        # isolation_level None: the driver begins no transaction of its own, _begin below does.
        connect_args: dict[str, object] = {"isolation_level": None, "check_same_thread": False}
        if "timeout" not in self.url.query:
            connect_args["timeout"] = _WAIT_S
        engine = create_engine(self.url, max_overflow=-1, connect_args=connect_args)

        def find(dialect: object, record: object, args: list[Any], named: object) -> None:
            if self._elsewhere is not None:
                args[0] = str(self._elsewhere)

        event.listen(engine, "do_connect", find)
        event.listen(engine, "connect", _set_up)
        event.listen(engine, "begin", _begin)
        return engine


def parse_url(url: str) -> URL:
    """Return the URL with the driver that the ledger uses.

    Raises:
        StoreError: It is another database, or in memory, where no other process can see it.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as problem:
        raise _no_ledger("that text") from problem
    driver = _DRIVERS.get(parsed.drivername)
    if driver is None:
        raise _no_ledger(repr(parsed.drivername))
    if driver.startswith("sqlite") and parsed.database in (None, "", ":memory:"):
        raise _no_ledger("SQLite in memory, which other processes cannot see")
    return parsed.set(drivername=driver)


def plan_once(connection: Connection) -> None:
    """Make PostgreSQL plan a statement once for many rows, until the transaction ends."""
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL plan_cache_mode = auto"))


def inserting(connection: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return an insert with ``ON CONFLICT``, which both databases have."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    return postgresql.insert(table)


def among(column: ColumnElement[str], parameter: str, *, sqlite: bool) -> ColumnElement[bool]:
    """Return the condition that a text is one of those of a parameter, which is a list of any length.

    Unlike with ``in_``, neither the statement nor the number of its variables depends on the list.
    """
    given = bindparam(parameter, type_=Json(list[str]))
    if sqlite:
        return column.in_(select(func.json_each(given).table_valued("value").c.value))
    values = func.json_array_elements_text(cast(given, postgresql.JSON)).table_valued("value")
    return column.in_(select(values.c.value))


def _no_ledger(what: str) -> StoreError:
    return StoreError(
        f"The ledger cannot be kept in {what}.",
        hint="Use sqlite:////absolute/path/ledger.sqlite or postgresql://user@host/database.",
        retryable=False,
    )


def _set_timeouts(connection: Connection) -> None:
    driver: Any = connection.connection.driver_connection
    driver.answer_s = None
    # It is not returned to a pool: it is closed at the end.
    connection.detach()
    for limit in ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout"):
        connection.execute(text(f"SET LOCAL {limit} = 0"))


def _set_up(connection: Any, record: object) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _begin(connection: Connection) -> None:
    # A transaction that reads first and writes later can fail at once with "database is locked",
    # whatever the timeout; one that takes the write lock at its start waits for it.
    writes = connection.get_execution_options().get("ledger_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Part:
    """One role of the store, on a ledger that all roles share."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
