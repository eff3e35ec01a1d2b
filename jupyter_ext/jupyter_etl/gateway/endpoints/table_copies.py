"""The serving copies that calls read: of the live versions, or of those that a page began with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import anyio
from anyio.to_thread import run_sync

from jupyter_etl.errors import EtlError, NotFound
from jupyter_etl.services.serving.backend import EndpointBackend, Served
from jupyter_etl.serving.queries.pages import CopyRef, read_token

_BUILDERS = 4
"""Copies that are built at the same time."""

_LOG = logging.getLogger(__name__)


@dataclass
class TableCopies:
    """Copies of the tables that endpoints of this gateway read.

    While the copy of a new version is being built, calls read that of the version before it.
    """

    backend: EndpointBackend
    _keys: dict[str, set[str]] = field(default_factory=dict)
    _copies: dict[str, CopyRef] = field(default_factory=dict)
    _builds: dict[str, asyncio.Task[CopyRef]] = field(default_factory=dict)
    _live: dict[str, int] = field(default_factory=dict)
    _builders: anyio.CapacityLimiter | None = None

    def follow(self, served: Served) -> None:
        """Build the copies of new versions of the tables that are read here."""
        self._live = {name: mark.live for name, mark in served.marks.items()}
        for name, copy in list(self._copies.items()):
            if not self._live.get(name):
                del self._copies[name]
            elif self._live[name] != copy.number:
                self._build(name)

    async def renew(self) -> None:
        """Extend the life of the copies that are in use here, and delete those that nobody uses."""
        for name in list(self._copies):
            with suppress(EtlError):
                await asyncio.shield(self._build(name))
        await run_sync(self.backend.drop_copies)

    async def keep(self, names: Iterable[str], keys: Sequence[str]) -> None:
        """Make copies of tables, and keep them up to date; a table without a version is left out."""
        for name in names:
            if self._needs(name, keys):
                with suppress(EtlError):
                    await asyncio.shield(self._build(name))

    async def of_call(
        self, names: Sequence[str], keys: Sequence[str], following: str | None
    ) -> dict[str, CopyRef]:
        """Return the copies that a call reads; a table that is not published is left out.

        Args:
            following: The token of the page, which reads the versions of the first page.

        Raises:
            EtlError: The token is not valid, or a table cannot be read.
        """
        if following is not None:
            began = read_token(following, self.backend.pages_key).copies
            return {
                name: await self._copy(name, copy.number, keys)
                for name, copy in began.items()
                if name in names
            }
        found = {}
        for name in names:
            with suppress(NotFound):
                found[name] = (
                    await asyncio.shield(self._build(name))
                    if self._needs(name, keys)
                    else self._copies[name]
                )
        return found

    async def of_version(self, name: str, number: int, following: str | None) -> CopyRef:
        """Return the copy of a version of a table, or of the one that a page began with.

        Raises:
            EtlError: The token is not valid, or the version cannot be read.
        """
        if following is not None:
            began = read_token(following, self.backend.pages_key).copies
            number = began[name].number if name in began else number
        return await self._copy(name, number, ())

    def forget(self, names: Iterable[str]) -> None:
        """Build the copies of these tables again with the next call, because they are missing."""
        for name in names:
            self._copies.pop(name, None)

    def _needs(self, name: str, keys: Sequence[str]) -> bool:
        """Return whether a copy has to be built, and note its keys."""
        known = self._keys.setdefault(name, set())
        is_new = not set(keys) <= known
        known.update(keys)
        return is_new or name not in self._copies

    async def _copy(self, name: str, number: int | None, keys: Iterable[str]) -> CopyRef:
        # A limiter of its own: a copy may take minutes, and reads of tables need threads, too.
        return await run_sync(
            self.backend.copy, name, number, sorted(keys), limiter=self._limiter()
        )

    def _limiter(self) -> anyio.CapacityLimiter:
        if self._builders is None:
            self._builders = anyio.CapacityLimiter(_BUILDERS)
        return self._builders

    def _build(self, name: str) -> asyncio.Task[CopyRef]:
        """Start building the copy of the live version, unless that is being done."""
        task = self._builds.get(name)
        if task is None:
            task = self._builds[name] = asyncio.create_task(self._build_live(name))
            task.add_done_callback(lambda done: self._built(name, done))
        return task

    async def _build_live(self, name: str) -> CopyRef:
        while True:
            number, keys = self._live.get(name), set(self._keys.get(name, ()))
            copy = await self._copy(name, None, keys)
            if self._copies.get(name) != copy:
                self._copies[name] = copy
                await run_sync(self.backend.write_tables, dict(self._copies))
            is_live = self._live.get(name) in (number, copy.number)
            if is_live and keys == self._keys.get(name, set()):
                return copy

    def _built(self, name: str, done: asyncio.Task[CopyRef]) -> None:
        self._builds.pop(name, None)
        if not done.cancelled() and (problem := done.exception()) is not None:
            _LOG.warning("The table %r cannot be served: %s", name, problem)
