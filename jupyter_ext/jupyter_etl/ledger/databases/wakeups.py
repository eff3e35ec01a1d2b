"""Wake-ups of schedulers: a named pipe next to a SQLite file, LISTEN and NOTIFY in PostgreSQL.

A missed wake-up only costs time: schedulers also poll the ledger.
"""

from __future__ import annotations

import contextlib
import os
import select
from pathlib import Path
from secrets import token_hex
from typing import Any

from sqlalchemy import URL, Connection, text

CHANNEL = "jupyter_etl"
"""The channel of PostgreSQL that schedulers listen on."""

_FOLDER = ".wakeups"
_READY = ".wakeup"


class PipeWakeups:
    """A named pipe next to a SQLite file; a wake-up is a byte in every such pipe.

    Raises:
        OSError: The pipe cannot be created.
    """

    def __init__(self, ledger: Path) -> None:
        folder = _folder(ledger)
        folder.mkdir(mode=0o700, exist_ok=True)
        new = folder / token_hex(8)
        os.mkfifo(new, mode=0o600)
        try:
            # Opened for reading and writing, so that it has no end of file when a writer closes it.
            self._pipe = os.open(new, os.O_RDWR | os.O_NONBLOCK)
        except OSError:
            new.unlink(missing_ok=True)
            raise
        # Renamed when it is open: a pipe that no process has open is deleted.
        self._path = new.rename(new.with_suffix(_READY))

    def wait(self, seconds: float) -> bool:
        if not select.select([self._pipe], [], [], seconds)[0]:
            return False
        with contextlib.suppress(BlockingIOError):
            os.read(self._pipe, 65536)
        return True

    def close(self) -> None:
        """Remove the pipe."""
        self._path.unlink(missing_ok=True)
        os.close(self._pipe)


def wake_pipes(ledger: Path) -> None:
    """Wake the schedulers with a pipe next to a SQLite file; delete the pipes of dead ones."""
    try:
        pipes = list(_folder(ledger).glob(f"*{_READY}"))
    except OSError:
        return
    for path in pipes:
        try:
            pipe = os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            with contextlib.suppress(OSError):
                path.unlink()
            continue
        # A full pipe has a wake-up already.
        with contextlib.suppress(OSError):
            os.write(pipe, b"!")
        os.close(pipe)


class ListenWakeups:
    """A separate connection to PostgreSQL, which listens.

    Raises:
        psycopg.Error: It cannot connect.
    """

    def __init__(self, url: URL) -> None:
        # psycopg is optional.
        import psycopg

        from jupyter_etl.ledger.databases.postgres import CONNECT_S

        given: dict[str, Any] = {"connect_timeout": CONNECT_S, **url.query}
        plain = url.set(drivername="postgresql", query={})
        self._connection = psycopg.connect(
            plain.render_as_string(hide_password=False), autocommit=True, **given
        )
        self._connection.execute(f"LISTEN {CHANNEL}".encode())

    def wait(self, seconds: float) -> bool:
        return bool(list(self._connection.notifies(timeout=seconds, stop_after=1)))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


def notify(connection: Connection) -> None:
    """Wake all listeners when the transaction is committed."""
    connection.execute(text("SELECT pg_notify(:channel, '')"), {"channel": CHANNEL})


def _folder(ledger: Path) -> Path:
    return ledger.with_name(ledger.name + _FOLDER)
