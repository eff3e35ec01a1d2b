"""Owners of secrets, and the servers that each secret may be sent to."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex

import msgspec

from jupyter_etl.errors import DeclarationError, PermissionDenied, StorageError
from jupyter_etl.model import Source
from jupyter_etl.services.secrets.providers import EnvironmentSecrets
from jupyter_etl.sources.destinations import Place, place_of, places_of

_FILE = ".grants.json"


@dataclass(frozen=True, kw_only=True)
class Grant:
    """The recorded permissions of a secret.

    Args:
        owner: Who set it, or used it first.
        places: Servers that it may be sent to, as `Place` writes them; None before its first use.
    """

    owner: str
    places: tuple[str, ...] | None = None

    def covers(self, place: Place) -> bool:
        """Whether the secret may be sent to a server."""
        return any(str(place) == one or place_of(one).covers(place) for one in self.places or ())


class Grants:
    """The grants of one home, in a file next to its secrets.

    They are not in the ledger, because anyone who can write to it could allow the secrets of
    others.

    Args:
        folder: Folder of the secrets; created with the first grant.
    """

    def __init__(self, folder: Path, owner: str) -> None:
        self._folder = folder
        self._owner = owner

    def get(self, name: str) -> Grant | None:
        """Return the grant; None if there is none yet."""
        return self._load().get(_key(name))

    def claim(self, name: str) -> None:
        """Record the current user as owner; raises `PermissionDenied` if another owner has it."""
        self._change(name, lambda grant: grant)

    def allow(self, name: str, places: Sequence[str]) -> Grant:
        """Add servers.

        Args:
            places: See `place_of`.

        Raises:
            DeclarationError: One is not a valid server.
            PermissionDenied: The secret belongs to another owner.
        """
        added = [str(place_of(place)) for place in places]
        return self._change(
            name,
            lambda grant: replace(
                grant, places=tuple(dict.fromkeys([*(grant.places or ()), *added]))
            ),
        )

    def deny(self, name: str, places: Sequence[str]) -> Grant:
        """Remove servers; errors as in `allow`, and `DeclarationError` for an unknown server."""
        gone = {str(place_of(place)) for place in places}

        def change(grant: Grant) -> Grant:
            known = grant.places or ()
            if unknown := sorted(gone - set(known)):
                raise DeclarationError(
                    f"{name!r} may not be sent to {unknown[0]} anyway; it may be sent to "
                    f"{', '.join(known) or 'no server'}.",
                    hint="List them: jupyter etl secret list",
                )
            return replace(grant, places=tuple(place for place in known if place not in gone))

        return self._change(name, change)

    def forget(self, name: str) -> None:
        """Delete the grant; raises `PermissionDenied` if it belongs to another owner."""
        if self.get(name) is not None:
            self._change(name, lambda grant: None)

    def refuse_others(self, name: str) -> None:
        """Raise `PermissionDenied` if the secret belongs to another owner."""
        self._refuse_others(name, self.get(name))

    def admit(self, name: str, source: Source) -> None:
        """Check that a secret may be sent to the servers of a source.

        A secret without servers is bound to those of the first source that its owner declares and
        uses.

        Raises:
            PermissionDenied: It may not be sent there.
        """
        try:
            places = places_of(source)
        except DeclarationError as problem:
            raise PermissionDenied(
                f"The secret {name!r} is not sent: the location of {source.name!r} contains no "
                "server.",
                hint=problem.hint,
            ) from problem
        grant = self.get(name)
        refused = [place for place in places if grant is None or not grant.covers(place)]
        if not refused:
            return
        mine = grant is None or grant.owner == self._owner
        if mine and (grant is None or grant.places is None) and source.owner == self._owner:
            # An explicit argument of the update: another process may have bound it in the meantime.
            bound = self._change(name, lambda now: _bound(now, places))
            refused = [place for place in places if not bound.covers(place)]
            if not refused:
                return
        by = f", which {source.owner} declared" if source.owner not in {"", self._owner} else ""
        raise PermissionDenied(
            f"The secret {name!r} may not be sent to {refused[0]} (source {source.name!r}{by}); "
            f"it may be sent to {self._allowed(grant)}.",
            hint=f"To allow that server: jupyter etl secret allow {name} "
            f"{','.join(map(str, refused))}",
            data={"secret": name, "places": [str(place) for place in refused]},
        )

    @staticmethod
    def _allowed(grant: Grant | None) -> str:
        return ", ".join(grant.places or ()) or "no server" if grant else "no server yet"

    def _refuse_others(self, name: str, grant: Grant | None) -> None:
        if grant is not None and grant.owner != self._owner:
            raise PermissionDenied(
                f"The secret {name!r} belongs to {grant.owner!r}, not to {self._owner!r}.",
                hint="Store your own secret under another name: jupyter etl secret set NAME",
            )

    def _load(self) -> dict[str, Grant]:
        try:
            return msgspec.json.decode((self._folder / _FILE).read_bytes(), type=dict[str, Grant])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError) as problem:
            raise StorageError(
                f"{self._folder / _FILE}, the list of allowed servers, cannot be read.",
                hint="Restore it, or delete it and allow the servers again: jupyter etl secret allow",
            ) from problem

    def _change(self, name: str, change: Callable[[Grant], Grant | None]) -> Grant:
        with self._locked():
            grants = self._load()
            known = grants.get(_key(name))
            self._refuse_others(name, known)
            changed = change(known or Grant(owner=self._owner))
            if changed is None:
                grants.pop(_key(name), None)
            else:
                grants[_key(name)] = changed
            part = self._folder / f".{token_hex(8)}.part"
            descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.json.format(msgspec.json.encode(grants), indent=1))
                file.flush()
                os.fsync(file.fileno())
            part.replace(self._folder / _FILE)
        return changed or Grant(owner=self._owner)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as problem:
            raise StorageError(
                f"The list of allowed servers cannot be written to {self._folder}: "
                f"{problem.strerror}.",
                hint="Make the folder writable for its owner.",
            ) from problem
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)


def _bound(grant: Grant, places: Sequence[Place]) -> Grant:
    return replace(grant, places=tuple(map(str, places))) if grant.places is None else grant


def _key(name: str) -> str:
    """Return one key for all names that environment variables cannot distinguish."""
    return EnvironmentSecrets.variable(name).removeprefix("JUPYTER_ETL_SECRET_").lower()
