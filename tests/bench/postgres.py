"""PostgreSQL for the measurements that need it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from fakes.postgres import PostgresServer, find_binaries

NOT_INSTALLED = "no PostgreSQL server is installed"


@contextmanager
def postgres() -> Iterator[PostgresServer | None]:
    """Start a private server, and finally remove it; None if PostgreSQL is not installed."""
    binaries = find_binaries()
    if binaries is None:
        yield None
        return
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()
