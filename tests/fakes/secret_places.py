"""Secrets in memory: a keyring, and a plug-in."""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class FakeKeyring:
    """Implements the three calls of the package ``keyring``; ``locked`` refuses all of them."""

    def __init__(self, *, locked: bool = False) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.locked = locked

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        del self.held[service, username]

    def _check(self) -> None:
        if self.locked:
            raise RuntimeError("No recommended backend was available.")


class MemorySecrets:
    """A plug-in: every instance has the same secrets."""

    held: dict[str, str] = {}

    def get(self, name: str) -> str | None:
        return self.held.get(name)

    def names(self) -> list[str]:
        return sorted(self.held)

    def set(self, name: str, value: str) -> None:
        self.held[name] = value

    def remove(self, name: str) -> bool:
        return self.held.pop(name, None) is not None


class MemoryBackend(KeyringBackend):
    """Never selected by the package itself: every backend that is defined is a candidate."""

    priority = -1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._held: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        """Return the entry, or None."""
        return self._held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        """Write the entry."""
        self._held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        """Delete the entry; like other backends, refuse if there is none."""
        if self._held.pop((service, username), None) is None:
            raise PasswordDeleteError(username)
