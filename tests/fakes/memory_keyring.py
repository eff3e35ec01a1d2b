"""A backend of the package ``keyring`` that forgets all when it is let go."""

from __future__ import annotations

from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError


class MemoryBackend(KeyringBackend):
    """Never chosen by the package itself: every backend that is defined is a candidate."""

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
        """Delete the entry; as other backends do, refuse where there is none."""
        if self._held.pop((service, username), None) is None:
            raise PasswordDeleteError(username)
