"""Client of the fork server: starts workers from the gateway's event loop."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Callable, Sequence
from itertools import count
from pathlib import Path

import msgspec

from jupyter_etl.errors import ExecutionError
from jupyter_etl.serving.workers.fork_server import MAX_MESSAGE_BYTES, PRELOAD
from jupyter_etl.serving.workers.protocol import (
    Ended,
    FromForkServer,
    Kill,
    Start,
    Started,
    WorkerSpec,
    encode,
)
from jupyter_etl.system.fork import QUIET, read_at_import

_COMMAND = (sys.executable, "-P", "-m", "jupyter_etl.serving.workers.fork_server")
_INHERITED = (
    "PATH", "HOME", "USER", "LOGNAME", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)  # fmt: skip
"""Environment variables of the gateway that workers have, and those that Python itself reads."""

_CLOSE_S = 5.0

_decoder = msgspec.msgpack.Decoder(FromForkServer)


class WorkerProcess:
    """A worker that was requested from the fork server.

    Attributes:
        socket: The gateway's end of the connection; non-blocking.
        pid: Process id; None before it is started.
        ended: Set when it has ended.
        lost_server: Process id of the fork server that has ended before it, and so ended it.
    """

    def __init__(self, launcher: Launcher, number: int, connection: socket.socket) -> None:
        self._launcher = launcher
        self.number = number
        self.socket = connection
        self.pid: int | None = None
        self.ended: Ended | None = None
        self.lost_server: int | None = None
        self.on_end: Callable[[], None] = lambda: None

    def kill(self, why: str) -> None:
        """Kill it with all processes that it has started.

        Args:
            why: The reason in `ended`, unless it has ended already: ``it used 2 GB``.
        """
        self._launcher.kill(self, why)

    def set_ended(self, ended: Ended) -> None:
        """Record its end, and call `on_end`."""
        self.ended = ended
        self.on_end()


class Launcher:
    """Starts workers; the fork server starts with the first, and ends without workers.

    All methods are called in one event loop.

    Args:
        folder: Folder for the log of the fork server.
        preload: Modules that the fork server imports, if installed; none may start a thread.
        idle_s: Seconds without a worker after which the fork server ends.
    """

    def __init__(
        self, folder: Path, *, preload: Sequence[str] = PRELOAD, idle_s: float = 600.0
    ) -> None:
        self._folder = folder
        self._preload = tuple(preload)
        self._idle_s = idle_s
        self._numbers = count(1)
        self._workers: dict[int, WorkerProcess] = {}
        self._server: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._outgoing: deque[tuple[bytes, socket.socket | None]] = deque()
        self._idle: asyncio.TimerHandle | None = None
        self._is_closed = False
        self._waiting: set[asyncio.Task[None]] = set()

    @property
    def pid(self) -> int | None:
        """Process id of the fork server; None if it is not running."""
        return None if self._server is None else self._server.pid

    def start(self, spec: WorkerSpec, log: Path) -> WorkerProcess:
        """Request a worker and return at once.

        Args:
            spec: Its interpreter and limits; what it loads is sent by the caller.
            log: File for its output.

        Raises:
            ExecutionError: The fork server cannot be started, or this is closed.
        """
        if self._is_closed:
            raise ExecutionError("Its processes are being stopped.", hint="Try again.")
        self._ready()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        number = next(self._numbers)
        self._workers[number] = one = WorkerProcess(self, number, ours)
        request = Start(
            number=number,
            interpreter=spec.interpreter and str(Path(spec.interpreter).absolute()),
            log=str(log.absolute()),
            memory_bytes=spec.memory_bytes,
            max_processes=spec.max_processes,
        )
        self._send(encode(request), theirs)
        return one

    def kill(self, one: WorkerProcess, why: str) -> None:
        """Kill a worker; see `WorkerProcess.kill`."""
        if one.number in self._workers:
            self._send(encode(Kill(number=one.number, why=why)))

    async def close(self) -> None:
        """Kill all workers and end the fork server; return when they have ended."""
        self._is_closed = True
        if self._idle is not None:
            self._idle.cancel()
        self._disconnect("the gateway was closed")
        await asyncio.gather(*self._waiting)

    def _ready(self) -> None:
        """Start the fork server if it is not running."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._control is not None:
            return
        if sys.platform != "linux":
            raise ExecutionError("Endpoints are served on Linux only.")
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._control.setblocking(False)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with theirs, (self._folder / "fork-server.log").open("wb") as log:
                self._server = subprocess.Popen(
                    [*_COMMAND, str(theirs.fileno()), *self._preload],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    cwd="/",
                    env=_environment(),
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
        except OSError as problem:
            self._control.close()
            self._control = None
            raise ExecutionError(
                f"The fork server cannot be started: {problem.strerror}.", retryable=True
            ) from problem
        asyncio.get_running_loop().add_reader(self._control, self._read)

    def _send(self, message: bytes, attached: socket.socket | None = None) -> None:
        self._outgoing.append((message, attached))
        self._flush()

    def _flush(self) -> None:
        control = self._control
        if control is None:
            return
        loop = asyncio.get_running_loop()
        loop.remove_writer(control)
        while self._outgoing:
            message, attached = self._outgoing[0]
            try:
                socket.send_fds(control, [message], [attached.fileno()] if attached else [])
            except BlockingIOError:
                loop.add_writer(control, self._flush)
                return
            except OSError:
                # The end of the connection is read too.
                return
            self._outgoing.popleft()
            if attached is not None:
                attached.close()

    def _read(self) -> None:
        while self._control is not None:
            try:
                message = self._control.recv(MAX_MESSAGE_BYTES)
            except BlockingIOError:
                return
            except OSError:
                message = b""
            if not message:
                self._disconnect("the fork server ended")
                return
            self._take(_decoder.decode(message))

    def _take(self, message: FromForkServer) -> None:
        if isinstance(message, Started):
            self._workers[message.number].pid = message.pid
            return
        self._workers.pop(message.number).set_ended(message)
        if not self._workers:
            loop = asyncio.get_running_loop()
            self._idle = loop.call_later(self._idle_s, self._disconnect, "the fork server ended")

    def _disconnect(self, why: str) -> None:
        """End the connection to the fork server, and so all workers."""
        control, server = self._control, self._server
        self._control = self._server = None
        if control is not None:
            loop = asyncio.get_running_loop()
            loop.remove_reader(control)
            loop.remove_writer(control)
            control.close()
        if server is not None:
            # It kills its workers and exits.
            waiting = asyncio.create_task(asyncio.to_thread(_wait_or_kill, server))
            self._waiting.add(waiting)
            waiting.add_done_callback(self._waiting.discard)
        for _, attached in self._outgoing:
            if attached is not None:
                attached.close()
        self._outgoing.clear()
        workers = list(self._workers.values())
        self._workers.clear()
        for one in workers:
            one.lost_server = None if server is None else server.pid
            one.set_ended(Ended(number=one.number, why=why))


def _environment() -> dict[str, str]:
    """Return what a Python process needs; none of it is a credential of the platform."""
    kept = {name: os.environ[name] for name in _INHERITED if name in os.environ}
    env = read_at_import(os.environ) | kept | QUIET
    if "PYTHONPATH" in env:
        # The fork server has another working directory.
        folders = env["PYTHONPATH"].split(os.pathsep)
        env["PYTHONPATH"] = os.pathsep.join(str(Path(folder).absolute()) for folder in folders)
    # Arrow's own allocator reserves a gigabyte at once.
    return env | {"ARROW_DEFAULT_MEMORY_POOL": "system"}


def _wait_or_kill(server: subprocess.Popen[bytes]) -> None:
    try:
        server.wait(_CLOSE_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
