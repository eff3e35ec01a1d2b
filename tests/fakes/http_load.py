"""A small HTTP client for load: one kept connection per client, and little time of its own."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

HOST = "127.0.0.1"
_END = b"\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Reply:
    """An answer to a request.

    Args:
        status: 0 if the connection failed.
        headers: Names in lower case.
        sent, received: `time.monotonic`.
    """

    status: int
    headers: dict[str, str]
    body: bytes
    sent: float
    received: float

    @property
    def seconds(self) -> float:
        """Duration of the request."""
        return self.received - self.sent

    @property
    def version(self) -> int:
        """The version that answered."""
        return int(self.headers.get("x-version", 0))

    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.body)


def encode(method: str, path: str, body: object = None, **headers: str) -> bytes:
    """Return the bytes of a request."""
    content = b"" if body is None else json.dumps(body).encode()
    given = {"Host": HOST, "Content-Length": str(len(content)), **headers}
    if content:
        given["Content-Type"] = "application/json"
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in given.items())]
    return "\r\n".join(lines).encode() + _END + content


class Connection:
    """A kept connection, which is opened again after it was closed."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, request: bytes) -> Reply:
        """Send a request and return the answer; status 0 if the connection fails."""
        sent = time.monotonic()
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection(HOST, self._port)
            reader, writer = self._streams
            writer.write(request)
            first, *lines = (await reader.readuntil(_END)).decode("latin-1").split("\r\n")
            headers = {
                name.lower(): text.strip()
                for name, _, text in (line.partition(":") for line in lines if line)
            }
            body = await _body(reader, headers)
        except (OSError, EOFError, ValueError) as problem:
            self.close()
            return _reply(0, {}, repr(problem).encode(), sent)
        if headers.get("connection", "").lower() == "close":
            self.close()
        return _reply(int(first.split()[1]), headers, body, sent)

    def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


def _reply(status: int, headers: dict[str, str], body: bytes, sent: float) -> Reply:
    return Reply(status=status, headers=headers, body=body, sent=sent, received=time.monotonic())


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return await reader.readexactly(int(headers.get("content-length", 0)))
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readexactly(2)
    return body


@asynccontextmanager
async def connected(port: int) -> AsyncIterator[Connection]:
    """Provide a connection, and finally close it."""
    connection = Connection(port)
    try:
        yield connection
    finally:
        connection.close()


async def load(
    port: int, requests: Callable[[int], Iterator[bytes]], *, clients: int, pause_s: float = 0.0
) -> list[Reply]:
    """Send the requests of several clients, each one after another.

    Args:
        requests: Returns the requests of the client with a number.
        pause_s: Seconds between an answer and the next request of a client.

    Returns:
        All answers, in the order of their arrival.
    """
    replies: list[Reply] = []

    async def client(number: int) -> None:
        async with connected(port) as connection:
            for request in requests(number):
                replies.append(await connection.send(request))
                if pause_s:
                    await asyncio.sleep(pause_s)

    await asyncio.gather(*(client(number) for number in range(clients)))
    return replies


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server((HOST, 0)) as free:
        port: int = free.getsockname()[1]
    return port
