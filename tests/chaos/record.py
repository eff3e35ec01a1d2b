"""The ledger read by SQL, without code of the product."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

UNFINISHED = "('queued', 'dispatched', 'running')"


@contextmanager
def reading(url: str) -> Iterator[Connection]:
    """Open a separate connection to a ledger."""
    with _engine(url).connect() as connection:
        yield connection


@cache
def _engine(url: str) -> Engine:
    parsed = make_url(url)
    driver = "sqlite" if parsed.get_backend_name() == "sqlite" else "postgresql+psycopg"
    # Keeps the compiled queries, but no connection.
    return create_engine(parsed.set(drivername=driver), poolclass=NullPool)


def rows(url: str, query: str, **values: object) -> list[Any]:
    """Return all rows of a query."""
    with reading(url) as connection:
        return list(connection.execute(text(query), values).all())


def number(url: str, query: str, **values: object) -> int:
    """Return the number that a query returns; -1 if the ledger cannot be reached."""
    try:
        return int(rows(url, query, **values)[0][0] or 0)
    except OperationalError:
        return -1


def unfinished(url: str) -> int:
    """Return the number of runs that have not ended."""
    return number(url, f"SELECT count(*) FROM runs WHERE state IN {UNFINISHED}")


def soonest_due(url: str) -> int:
    """Return the earliest due time of a schedule, microseconds since 1970; 0 if there is none."""
    return number(url, "SELECT min(next_due) FROM pipelines WHERE paused = false")


def published_runs(url: str, name: str) -> list[int]:
    """Return the runs of the live versions of a publication, oldest version first."""
    query = (
        "SELECT run_id FROM publication_versions WHERE name = :name AND draft = false "
        "ORDER BY number"
    )
    return [row[0] for row in rows(url, query, name=name)]


def locations(url: str, kind: str) -> dict[tuple[str, int], str]:
    """Return the location of each live version of a kind, by name and run."""
    query = "SELECT name, run_id, what FROM publication_versions WHERE draft = false"
    found = [(row[0], row[1], json.loads(row[2])) for row in rows(url, query)]
    return {(name, run): what["location"] for name, run, what in found if what["kind"] == kind}


def damage(url: str) -> list[str]:
    """Return the database's own findings about the ledger's integrity."""
    if not url.startswith("sqlite"):
        return []
    with reading(url) as connection:
        found = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
        broken = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [line for line in found if line != "ok"] + [f"foreign key: {row}" for row in broken]
