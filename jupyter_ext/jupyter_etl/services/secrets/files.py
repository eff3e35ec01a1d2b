"""Secrets in files that only their owner can read."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path
from secrets import token_hex

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.language.names import parse_name

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
