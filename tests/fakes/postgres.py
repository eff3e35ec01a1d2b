"""A private PostgreSQL server for tests.

A conftest.py imports the fixtures with ``from fakes.postgres import postgres_server,
postgres_url``; a test that uses them is marked ``postgres``.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

_READY_S = 60.0


class PostgresServer:
    """A server in a temporary folder, reached through a Unix socket in it.

    Args:
        binaries: Folder of ``initdb`` and ``postgres``.
    """

    def __init__(self, binaries: Path) -> None:
        self._binaries = binaries
        # Short: the path of a Unix socket is limited to 107 bytes.
        self.folder = Path(tempfile.mkdtemp(prefix="etl-pg-", dir="/tmp"))
        self._account = _account()
        self._process: subprocess.Popen[bytes] | None = None
        if self._account is not None:
            os.chown(self.folder, self._account.pw_uid, self._account.pw_gid)
        data = str(self.folder / "data")
        options = ["-A", "trust", "-U", "etl", "-E", "UTF8", "--no-sync", "--no-locale"]
        subprocess.run(
            self._command("initdb", "-D", data, *options),
            check=True,
            capture_output=True,
            cwd=self.folder,
            **self._as_account(),
        )

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off"]
        options = [word for setting in settings for word in ("-c", setting)]
        with (self.folder / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                self._command("postgres", "-D", str(self.folder / "data"), *options),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                **self._as_account(),
            )
        self._wait()

    def stop(self, *, at_once: bool = False) -> None:
        """Stop the server: with a checkpoint, or with ``at_once`` as in a power cut."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGQUIT if at_once else signal.SIGINT)
        self._process.wait(timeout=_READY_S)
        self._process = None

    def remove(self) -> None:
        """Stop the server and delete its folder."""
        # Its unwritten data would be deleted with the folder.
        self.stop(at_once=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        """Return the URL of one of its databases."""
        return f"postgresql://etl@/{database}?host={self.folder}"

    def create_database(self, *, template: str = "template0") -> str:
        """Create a database and return its URL.

        Args:
            template: Name of the database to copy, which must have no connections; empty by
                default.
        """
        name = f"t{secrets.token_hex(6)}"
        self._execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return self.url(name)

    def _execute(self, statement: str) -> None:
        import psycopg

        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _wait(self) -> None:
        import psycopg

        until = time.monotonic() + _READY_S
        while True:
            try:
                self._execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > until or self._process is None or self._process.poll():
                    raise AssertionError((self.folder / "server.log").read_text()) from None
                time.sleep(0.05)
            else:
                return

    def _command(self, program: str, *arguments: str) -> Sequence[str]:
        return [str(self._binaries / program), *arguments]

    def _as_account(self) -> dict[str, Any]:
        if self._account is None:
            return {}
        return {"user": self._account.pw_uid, "group": self._account.pw_gid, "extra_groups": []}


def find_binaries() -> Path | None:
    """Return the folder of the newest PostgreSQL server on this machine, or None."""
    folders = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    there = [folder for folder in folders if (folder / "initdb").exists()]
    if there:
        return max(there, key=lambda folder: float(folder.parent.name.removeprefix("pgsql-")))
    found = shutil.which("initdb")
    return None if found is None else Path(found).resolve().parent


def _account() -> pwd.struct_passwd | None:
    # initdb and postgres refuse to run as root.
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name for entry in pwd.getpwall()}
    return pwd.getpwnam("postgres" if "postgres" in names else "nobody")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """Yield a running server for the whole session."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("no PostgreSQL server is installed (apt-get install postgresql)")
    server = PostgresServer(binaries)
    try:
        server.start()
        yield server
    finally:
        server.remove()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """Return the URL of a new, empty database."""
    return postgres_server.create_database()
