"""Values behind the names of secrets: the environment first, then files of the home."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from jupyter_etl.errors import NotFound, PermissionDenied
from jupyter_etl.ports import Secrets
from jupyter_etl.spec.names import parse_name

_VARIABLE = "JUPYTER_ETL_SECRET_"


class EnvironmentSecrets:
    """``JUPYTER_ETL_SECRET_<NAME>`` in the environment, the name in capitals, others as ``_``."""

    def get(self, name: str) -> str | None:
        """Return the value, or None."""
        return os.environ.get(self.variable(name))

    @staticmethod
    def variable(name: str) -> str:
        """Return the variable that holds a secret."""
        return _VARIABLE + "".join(c if c.isalnum() else "_" for c in name).upper()


class FileSecrets:
    """One file a secret in a folder of mode 0700, each of mode 0600, without a final newline."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def get(self, name: str) -> str | None:
        """Return the value, or None; raises `PermissionDenied` where others could read the file."""
        path = self._folder / parse_name(name, what="secret")
        if not path.is_file():
            return None
        if path.stat().st_mode & 0o077:
            raise PermissionDenied(
                f"The file of the secret {name!r} can be read by others.",
                hint=f"chmod 600 {path}",
            )
        return path.read_text("utf-8").rstrip("\n")


def resolver(providers: Sequence[Secrets]) -> Callable[[str], str]:
    """Return a function that asks the providers in order and raises `NotFound` at the end."""

    def secret(name: str) -> str:
        for provider in providers:
            value = provider.get(name)
            if value is not None:
                return value
        raise NotFound(
            f"No secret is named {name!r}.",
            hint=f"Set the environment variable {EnvironmentSecrets.variable(name)}.",
        )

    return secret


def default_secrets(home: Path) -> Callable[[str], str]:
    """Return the resolver over the providers that come with the product."""
    return resolver([EnvironmentSecrets(), FileSecrets(home / "secrets")])


def known_values(home: Path) -> frozenset[str]:
    """Return the values of all secrets that this process can read, for what must not tell them."""
    values = {value for name, value in os.environ.items() if name.startswith(_VARIABLE)}
    folder = home / "secrets"
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_file() and os.access(path, os.R_OK):
            values.add(path.read_text("utf-8", errors="replace").rstrip("\n"))
    return frozenset(values - {""})
