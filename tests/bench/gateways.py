"""A gateway as a process, and the servers it is compared with."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.living import Platform
from bench.processes import environment, need, server, wait_for
from fakes.http_load import Connection, Reply, connected, encode, free_port, load

_PATIENCE_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """A running HTTP service.

    Args:
        port: On 127.0.0.1.
        pid: Of its first process.
        token: For its requests; "" for none.
    """

    port: int
    pid: int
    token: str = ""

    def request(self, method: str, path: str, body: object = None) -> bytes:
        """Return the bytes of a request."""
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        return encode(method, path, body, **headers)

    def ask(self, request: bytes) -> Reply:
        """Send one request on a connection of its own."""

        async def send() -> Reply:
            async with connected(self.port) as connection:
                return await connection.send(request)

        return asyncio.run(send())

    def load(self, requests: Sequence[bytes], *, clients: int, pause_s: float = 0.0) -> list[Reply]:
        """Distribute requests to clients, and return the answers, all of which must be 200."""
        replies = asyncio.run(
            load(
                self.port,
                lambda number: iter(requests[number::clients]),
                clients=clients,
                pause_s=pause_s,
            )
        )
        for one in replies:
            need(one.status == 200, f"{one.status}: {one.body[:300]!r}")
        return replies

    def until(self, request: bytes, *, log: Path) -> Reply:
        """Repeat a request until its answer is 200."""

        def answered() -> Reply | None:
            reply = self.ask(request)
            return reply if reply.status == 200 else None

        return wait_for(f"no answer of {self.port}", answered, seconds=_PATIENCE_S, log=log)


@contextmanager
def under_load(
    service: Service,
    client: Callable[[Connection], Coroutine[None, None, None]],
    *,
    clients: int,
) -> Iterator[None]:
    """Run clients, each of which calls repeatedly, until the block ends.

    Args:
        client: Sends one or more requests on a connection.
    """
    ended = threading.Event()

    async def repeat() -> None:
        async with connected(service.port) as connection:
            while not ended.is_set():
                await client(connection)

    async def all_clients() -> None:
        await asyncio.gather(*(repeat() for _ in range(clients)))

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, all_clients())
        try:
            yield
        finally:
            ended.set()
            done.result()


@contextmanager
def gateway(at: Platform) -> Iterator[Service]:
    """Start a gateway of a platform, wait until it is ready, and finally stop it."""
    port, log = free_port(), at.folder / "gateway.log"
    words = [sys.executable, "-m", "jupyter_etl.gateway", "--port", str(port)]
    with server(words, at.folder, env=at.env, log=log) as process:
        plain = Service(port=port, pid=process.pid)
        plain.until(plain.request("GET", "/healthz"), log=log)
        token = (at.home / "serve.token").read_text().strip()
        yield Service(port=port, pid=process.pid, token=token)


@contextmanager
def peer(
    words: Sequence[str | Path],
    folder: Path,
    port: int,
    ready: str,
    *,
    env: Mapping[str, str] | None = None,
) -> Iterator[Service]:
    """Start another server, wait until it is ready, and finally stop it.

    Args:
        ready: Path that answers 200 then.
        env: Its complete environment.
    """
    log = folder / f"{port}.log"
    with server(words, folder, env=env or environment(), log=log) as process:
        service = Service(port=port, pid=process.pid)
        service.until(service.request("GET", ready), log=log)
        yield service
