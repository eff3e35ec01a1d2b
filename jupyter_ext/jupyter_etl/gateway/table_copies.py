"""The serving copies that calls read: of the live versions, or of those that a page began with."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from anyio.to_thread import run_sync

from jupyter_etl.errors import EtlError
from jupyter_etl.services.serving import EndpointBackend, Served
from jupyter_etl.serving.queries.pages import CopyRef, read_token

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

    async def follow(self, served: Served) -> None:
        """Build the copies of new versions of the tables that are read here."""
        self._live = {name: mark.live for name, mark in served.marks.items()}
        for name, copy in list(self._copies.items()):
            if self._live.get(name) != copy.number:
                self._build(name)

    async def keep(self, names: Iterable[str], keys: Sequence[str]) -> None:
        """Make copies of tables, and keep them up to date; a table without a version is left out."""
        for name in names:
            known = self._keys.setdefault(name, set())
            is_new = not set(keys) <= known
            known.update(keys)
            if is_new or name not in self._copies:
                try:
                    await asyncio.shield(self._build(name))
                except EtlError as problem:
                    _LOG.warning("The table %r cannot be served: %s", name, problem)

    async def for_call(
        self, names: Sequence[str], keys: Sequence[str], pairs: Sequence[tuple[str, str]]
    ) -> dict[str, CopyRef]:
        """Return the copies that a call reads.

        Args:
            pairs: Its query string: ``next`` continues with the versions of the first page.

        Raises:
            EtlError: ``next`` is not valid, or a table cannot be read.
        """
        following = next((text for name, text in pairs if name == "next"), None)
        if following is not None:
            began = read_token(following, self.backend.pages_key).copies
            return {
                name: await run_sync(self.backend.copy, name, copy.number, keys)
                for name, copy in began.items()
            }
        found = {}
        for name in names:
            copy = self._copies.get(name)
            found[name] = await asyncio.shield(self._build(name)) if copy is None else copy
        return found

    def forget(self, names: Iterable[str]) -> None:
        """Build the copies of these tables again with the next call, because they are missing."""
        for name in names:
            self._copies.pop(name, None)

    def _build(self, name: str) -> asyncio.Task[CopyRef]:
        """Start building the copy of the live version, unless that is being done."""
        task = self._builds.get(name)
        if task is None:
            task = self._builds[name] = asyncio.create_task(self._build_live(name))
            task.add_done_callback(lambda done: self._built(name, done))
        return task

    async def _build_live(self, name: str) -> CopyRef:
        while True:
            number = self._live.get(name)
            keys = sorted(self._keys.get(name, ()))
            copy = await run_sync(self.backend.copy, name, None, keys)
            self._copies[name] = copy
            await run_sync(self.backend.write_tables, dict(self._copies))
            if self._live.get(name) in (number, copy.number):
                return copy

    def _built(self, name: str, done: asyncio.Task[CopyRef]) -> None:
        self._builds.pop(name, None)
        if not done.cancelled() and (problem := done.exception()) is not None:
            _LOG.warning("The table %r cannot be served: %s", name, problem)
