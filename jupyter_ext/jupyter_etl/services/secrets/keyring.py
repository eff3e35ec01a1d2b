"""Secrets in the desktop keyring."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from jupyter_etl.errors import MissingDependency, PermissionDenied

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
