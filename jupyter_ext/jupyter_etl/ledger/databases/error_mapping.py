"""Errors of the databases as `StoreError`, with the next step."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sqlalchemy import exc

from jupyter_etl.errors import (
    Conflict,
    DeclarationError,
    EtlError,
    NotFound,
    StoreError,
    first_line,
)
from jupyter_etl.language.names import nearest

# A part of the driver's message, the next step, and whether the same call may succeed later.
_KNOWN: tuple[tuple[str, str, bool], ...] = (
    (
        "locked",
        "Another process has locked the ledger for more than a minute; try again, or move the "
        "ledger to PostgreSQL.",
        True,
    ),
    ("disk is full", "Free some space on its disk; nothing was written.", True),
    ("no space left", "Free some space on the server's disk; nothing was written.", True),
    (
        "readonly database",
        "Make the file and its folder writable for this user, or set another ledger.",
        True,
    ),
    (
        "unable to open database",
        "Check that its folder exists and is writable for this user, or set another ledger.",
        True,
    ),
    (
        "file is not a database",
        "Set another ledger. If it was one and is damaged, restore its last backup: "
        "jupyter etl restore FILE",
        False,
    ),
    (
        "no such table",
        "The file is not a complete ledger; restore the last backup: jupyter etl restore FILE",
        False,
    ),
    (
        "malformed",
        "The file is damaged; restore the last backup: jupyter etl restore FILE",
        False,
    ),
    ("disk i/o error", "Check the disk; on a network file system use PostgreSQL instead.", True),
    ("authentication failed", "Check the user and the password of the ledger's URL.", False),
    ("no password supplied", "Add the password: in ~/.pgpass, or as PGPASSWORD.", False),
    ("permission denied", "Grant this user the tables of the ledger.", False),
    ("read-only transaction", "This server is a replica; set the URL of the primary.", True),
    ("already exists", "Use a separate database for the ledger; this one has other tables.", False),
)
_OUT_OF_RANGE = "22003"
_DAMAGED = "The database is damaged; restore its last backup (pg_restore)."
# By SQLSTATE, which no language setting of the server changes.
_STATES = {
    "25006": ("This server is a replica; set the URL of the primary.", True),
    "25P03": ("The process rested in the middle of a transaction; try again.", True),
    "40001": ("Another process changed the same rows; try again.", True),
    "40P01": ("Another process waits for the same rows; try again.", True),
    "42501": ("Grant this user the tables of the ledger.", False),
    "42P01": ("The tables were removed while they were in use; start again.", False),
    "42P07": ("Use a separate database for the ledger; this one has other tables.", False),
    "53100": ("Free some space on the server's disk; nothing was written.", True),
    "53200": ("The server is out of memory; try again when it has less to do.", True),
    "53300": (
        "The server has too many connections: raise its max_connections, or close some.",
        True,
    ),
    "55P03": ("Another process has locked the rows; try again.", True),
    "57014": ("The server took too long; try again later.", True),
    "XX001": (_DAMAGED, False),
    "XX002": (_DAMAGED, False),
}
"""The next step by SQLSTATE, and whether the same call may succeed later.

Source: PostgreSQL's documentation, appendix A, "PostgreSQL Error Codes".
"""
_DRIVERS = ("sqlite3", "psycopg")
_UNREACHABLE = (
    "Check that the server runs and can be reached; active attempts continue in the meantime."
)
_BUG = "This is a fault of jupyter-etl; report it with the lines above."


@contextmanager
def translated(place: str) -> Iterator[None]:
    """Convert the exceptions of the driver to `StoreError`.

    Args:
        place: The ledger for people, without a password.

    Raises:
        StoreError: The first line of the driver's message, with the next step.
    """
    try:
        yield
    except OverflowError as problem:
        # sqlite3 raises it before it executes the statement.
        raise _too_large() from problem
    except exc.SQLAlchemyError as problem:
        raise _store_error(problem, place) from problem
    except Exception as problem:
        # While SQLAlchemy sets up a connection, the driver's own errors are raised.
        if type(problem).__module__.partition(".")[0] not in _DRIVERS:
            raise
        raise _store_error(problem, place) from problem


def _store_error(problem: Exception, place: str) -> EtlError:
    origin: Exception = getattr(problem, "orig", None) or problem
    if getattr(origin, "sqlstate", None) == _OUT_OF_RANGE:
        return _too_large()
    said = first_line(origin) or type(origin).__name__
    hint, retryable = _advice(origin)
    return StoreError(f"The ledger {place} failed: {said}.", hint=hint, retryable=retryable)


def _too_large() -> DeclarationError:
    return DeclarationError(
        "A number has more than the 64 bits that the ledger keeps.",
        hint=f"Give one between {-(2**63):,} and {2**63 - 1:,}.",
    )


def _advice(origin: Exception) -> tuple[str, bool]:
    state = str(getattr(origin, "sqlstate", None) or "")
    if state in _STATES:
        return _STATES[state]
    said = str(origin).lower()
    for part, hint, retryable in _KNOWN:
        if part in said:
            return hint, retryable
    if "database" in said and "does not exist" in said:
        return "Create the database (createdb), or set another ledger.", False
    # sqlite3 raises OperationalError for a wrong statement too, and has no server.
    names = {kind.__name__ for kind in type(origin).__mro__}
    if names & {"OperationalError", "InterfaceError"} and not isinstance(origin, sqlite3.Error):
        return _UNREACHABLE, True
    return _BUG, False


def not_found(what: str, name: str, known: Iterable[str]) -> NotFound:
    """Return the error for a name that does not exist, with the nearest one that does.

    Args:
        what: The noun: ``"pipeline"``.
    """
    hint = nearest(name, known).strip()
    return NotFound(f"There is no {what} {name!r}.", hint=hint, data={"name": name})


def no_run(run_id: int) -> NotFound:
    """Return the error for a run that is not in the ledger."""
    return NotFound(
        f"There is no run {run_id}.",
        hint="List the runs to see their numbers.",
        data={"run_id": run_id},
    )


def stale(run_id: int, number: int) -> Conflict:
    """Return the error for a write with a stale token."""
    return Conflict(
        f"Attempt {number} of run {run_id} has ended or belongs to another runner.",
        hint="Stop and publish nothing; the outcome of the run is already recorded in the ledger.",
        data={"run_id": run_id, "number": number},
    )
