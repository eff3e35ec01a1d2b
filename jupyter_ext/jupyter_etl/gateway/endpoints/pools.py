"""The workers of a gateway: a pool for each version that is called, and one for filtered tables."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from anyio.to_thread import run_sync

from jupyter_etl.errors import EtlError
from jupyter_etl.gateway.endpoints.background import Background
from jupyter_etl.gateway.endpoints.table_copies import TableCopies
from jupyter_etl.model import PublicationVersion
from jupyter_etl.services.serving.backend import (
    EndpointBackend,
    Served,
    ServedEndpoint,
    endpoint_of,
    version_label,
)
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import PoolState, WorkerPool

_DRAIN_S = 60.0
_ASKED_S = 60.0
"""Seconds after the last call of a version that answers nothing by itself, before it is drained."""

_Key = tuple[str, int, bool, str]


@dataclass
class _Pool:
    """The workers of one version, and when a caller asked for this version."""

    version: PublicationVersion
    workers: WorkerPool
    asked_at: float = 0.0


class VersionPools:
    """The workers of this process; they start with the first call of a version.

    Args:
        backend: How they are started.
        launcher: Starts them.
        tables: Copies of the tables that they read.
        background: For workers that start or end while no request waits for it.
    """

    def __init__(
        self,
        backend: EndpointBackend,
        launcher: Launcher,
        tables: TableCopies,
        background: Background,
    ) -> None:
        self._backend = backend
        self._launcher = launcher
        self._copies = tables
        self._background = background
        self._pools: dict[_Key, _Pool] = {}
        self._tables: WorkerPool | None = None

    def __iter__(self) -> Iterator[tuple[PublicationVersion, WorkerPool]]:
        return iter([(one.version, one.workers) for one in self._pools.values()])

    async def of(self, version: PublicationVersion, *, asked: bool = False) -> WorkerPool:
        """Return the workers of a version, which take calls until the caller awaits something.

        Args:
            asked: Whether the sender of a request asked for this version.

        Raises:
            EtlError: The version cannot be loaded.
        """
        key = _key(version)
        if key not in self._pools:
            spec = await run_sync(self._backend.spec, version)
            await self._copies.keep(endpoint_of(version).reads, endpoint_of(version).key)
            log = self._backend.folder / f"{version_label(version).replace(' ', '-')}.log"
            # Another call may have created it meanwhile.
            if key not in self._pools:
                workers = WorkerPool(spec, self._launcher, log=log)
                self._pools[key] = _Pool(version, workers)
        one = self._pools[key]
        if asked:
            one.asked_at = time.monotonic()
        return one.workers

    def why_down(self, version: PublicationVersion) -> str | None:
        """Return why the workers of a version cannot start; None if they can."""
        one = self._pools.get(_key(version))
        if one is None or one.workers.state is not PoolState.DOWN:
            return None
        return "" if one.workers.reason is None else one.workers.reason.message

    def of_tables(self) -> WorkerPool:
        """Return the workers that read filtered tables."""
        if self._tables is None:
            log = self._backend.folder / "tables.log"
            self._tables = WorkerPool(self._backend.tables_spec(), self._launcher, log=log)
        return self._tables

    def follow(self, served: Served) -> None:
        """Start the workers of promoted versions if the endpoint is in use, and drain others."""
        in_use = {
            key[0] for key, one in self._pools.items() if one.workers.state is PoolState.READY
        }
        needed = set()
        for endpoint in served.endpoints.values():
            for version in _answering(endpoint):
                needed.add(_key(version))
                keep_warm = endpoint_of(version).keep_warm
                if _key(version) not in self._pools and (keep_warm or endpoint.name in in_use):
                    self._background.start(self._start(version))
        now = time.monotonic()
        for key, one in list(self._pools.items()):
            if key not in needed and now - one.asked_at > _ASKED_S:
                del self._pools[key]
                self._background.start(one.workers.drain(_DRAIN_S))

    async def close(self) -> None:
        """End all workers."""
        pools = [workers for _, workers in self]
        if self._tables is not None:
            pools.append(self._tables)
        await asyncio.gather(*(one.close() for one in pools))
        await self._launcher.close()

    async def _start(self, version: PublicationVersion) -> None:
        with suppress(EtlError):
            await (await self.of(version)).start()


def _key(version: PublicationVersion) -> _Key:
    return (version.name, version.number, version.draft, version.what.content_hash)


def _answering(endpoint: ServedEndpoint) -> list[PublicationVersion]:
    """Return the versions that the traffic reaches."""
    if endpoint.traffic is None:
        return []
    return [endpoint.versions[one] for one in endpoint.traffic.served if one in endpoint.versions]
