"""Providers of secrets: environment variables, files of the home, and the desktop keyring."""

from __future__ import annotations

import contextlib
import os
import stat
from importlib import import_module
from pathlib import Path
from secrets import token_hex
from typing import Protocol, cast

from jupyter_etl.errors import MissingDependency, PermissionDenied
from jupyter_etl.language.names import parse_name
from jupyter_etl.runner.kernel.kernels import SECRET

_OTHERS = 0o077


class FileSecrets:
    """One file per secret, mode 0600, without a final newline, in a folder of mode 0700.

    Args:
        folder: Created with the first secret.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str | None:
        """Return the value, or None; raises `PermissionDenied` if others could read it."""
        path = self._path(name)
        try:
            file = path.open(encoding="utf-8", errors="surrogateescape")
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError):
            return None
        except PermissionError as problem:
            raise PermissionDenied(
                f"The file of the secret {name!r} cannot be read by this user.",
                hint="It belongs to another user; a secret must belong to this user.",
            ) from problem
        with file:
            # Check the open file: the path may be replaced at any time.
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) & _OTHERS:
                raise PermissionDenied(
                    f"The file of the secret {name!r} can be read by other users.",
                    hint=f"chmod 600 {path}",
                )
            self._refuse_open_folder()
            return file.read().rstrip("\n")

    def names(self) -> list[str]:
        """Return the names that have a file."""
        if not self._folder.is_dir():
            return []
        files = (path for path in self._folder.iterdir() if path.is_file())
        return sorted(path.name for path in files if not path.name.startswith("."))

    def set(self, name: str, value: str) -> None:
        """Write a value atomically; raises `PermissionDenied` if others could read it.

        Args:
            name: An existing secret is replaced.
            value: Without a final newline, which a file cannot represent.
        """
        path = self._path(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._refuse_open_folder()
        aside = self._folder / f".{token_hex(8)}.part"
        try:
            descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(value)
                file.flush()
                os.fsync(file.fileno())
            aside.replace(path)
        finally:
            with contextlib.suppress(FileNotFoundError):
                aside.unlink()

    def remove(self, name: str) -> bool:
        """Delete the file; return False if there is none."""
        try:
            self._path(name).unlink()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _path(self, name: str) -> Path:
        return self._folder / parse_name(name, what="secret")

    def _refuse_open_folder(self) -> None:
        if stat.S_IMODE(self._folder.stat().st_mode) & _OTHERS:
            raise PermissionDenied(
                f"The folder of secrets {self._folder} is accessible to other users.",
                hint=f"chmod 700 {self._folder}",
            )


class EnvironmentSecrets:
    """Variables ``JUPYTER_ETL_SECRET_<NAME>``: upper case, with ``_`` for other characters."""

    def get(self, name: str) -> str | None:
        """Return the value, or None."""
        return os.environ.get(self.variable(name))

    def names(self) -> list[str]:
        """Return the names of the variables in lower case, with ``_`` for other characters."""
        found = (key.removeprefix(SECRET).lower() for key in os.environ if key.startswith(SECRET))
        return sorted(name for name in found if name)

    def set(self, name: str, value: str) -> None:
        """Raise `PermissionDenied`: environment variables would not outlast the process."""
        raise PermissionDenied(
            f"The secret {name!r} cannot be stored in the environment by this command.",
            hint=f"Set {self.variable(name)} where the scheduler is started, or store the secret "
            "in a file.",
        )

    def remove(self, name: str) -> bool:
        """Return False if it is not set; raise `PermissionDenied` if it is."""
        if self.get(name) is None:
            return False
        raise PermissionDenied(
            f"The secret {name!r} comes from the environment, which this command cannot change.",
            hint=f"Unset {self.variable(name)} where the process is started.",
        )

    @staticmethod
    def variable(name: str) -> str:
        """Return the environment variable of a secret."""
        return SECRET + "".join(c if c.isalnum() else "_" for c in name).upper()


SERVICE = "jupyter-etl"
"""Service name of the entries; the user name of an entry is the name of the secret."""


class Keyring(Protocol):
    """The functions used of the package ``keyring``, or of one of its backends."""

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry, or None."""
        ...

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the entry."""
        ...

    def delete_password(self, service: str, username: str) -> None:
        """Delete the entry."""
        ...


class KeyringSecrets:
    """Entries of the service ``jupyter-etl``; empty without a keyring, as on servers.

    Args:
        keyring: None uses the package ``keyring`` if it is installed.
    """

    def __init__(self, keyring: Keyring | None = None) -> None:
        self._keyring = keyring

    def get(self, name: str) -> str | None:
        """Return the value; None if there is no entry, no keyring, or it is locked."""
        try:
            return self._open().get_password(SERVICE, name)
        except Exception:  # noqa: BLE001 - backends raise errors of their own, of any class
            return None

    def names(self) -> list[str]:
        """Return an empty list: a keyring cannot be enumerated."""
        return []

    def set(self, name: str, value: str) -> None:
        """Write a value.

        Raises:
            MissingDependency: The package is not installed.
            PermissionDenied: There is no keyring, or it is locked.
        """
        keyring = self._open()
        try:
            keyring.set_password(SERVICE, name, value)
        except Exception as problem:  # noqa: BLE001 - as above
            # Its text is not shown: some backends include the value in it.
            raise PermissionDenied(
                f"The keyring did not store the secret {name!r}: {type(problem).__name__}.",
                hint="Without a desktop, store it in a file: --in file",
            ) from None

    def remove(self, name: str) -> bool:
        """Delete the entry; return False if there is no entry or no keyring."""
        if self.get(name) is None:
            return False
        self._open().delete_password(SERVICE, name)
        return True

    def _open(self) -> Keyring:
        if self._keyring is None:
            try:
                self._keyring = cast("Keyring", import_module("keyring"))
            except ModuleNotFoundError as problem:
                raise MissingDependency(
                    "The package keyring is not installed.",
                    hint="pip install jupyter-etl[keyring], or store it in a file: --in file",
                ) from problem
        return self._keyring
