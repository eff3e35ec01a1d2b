"""Client of the fork server: starts runners as its forks."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from hashlib import blake2b
from itertools import count
from pathlib import Path

import msgspec

from jupyter_etl.runner.kernel.kernels import kernel_environment
from jupyter_etl.runner.warm.environment import MAX_BYTES, sealed
from jupyter_etl.runner.warm.fork_server import PRELOAD, Answer, ForkServerState, encode_state
from jupyter_etl.runner.warm.prestarted_runner import MAX_REQUEST_BYTES, ProcessContext, Request
from jupyter_etl.system.fork import QUIET, ROOM_BYTES, read_at_import

UNKNOWN = 255
"""Exit code of a runner whose fork server ended before it did."""

_ROOM = "JUPYTER_ETL_ROOM"
_PATIENCE_S = 60.0


class ColdStart(Exception):
    """A runner could not be forked and was not started; the message is the reason."""


class WarmRunners:
    """Starts runners as forks of a fork server, which is started at the first use.

    Args:
        command: Command of the fork server, without its arguments.
        preload: Modules that the fork server imports in addition to those that most runs need.
        prestart_s: Seconds after a request during which the next runner is prestarted; 0 for never.
    """

    def __init__(
        self,
        *,
        command: Sequence[str],
        preload: Sequence[str] = (),
        prestart_s: float = 600.0,
    ) -> None:
        self._modules = (*PRELOAD, *preload)
        self._prestart_s = prestart_s
        self._command = tuple(command)
        self._line: _Line | None = None
        self._lock = threading.Lock()

    def prepare(self) -> None:
        """Start the fork server if there is no suitable one; do not wait for it.

        Raises:
            ColdStart: It cannot be started.
        """
        with self._lock:
            self._ready()

    def start(self, words: Sequence[str], env: Mapping[str, str], log: int) -> WarmRunner:
        """Request a runner and return at once.

        Args:
            words: The command that a cold start would execute; the last word is the attempt's
                folder.
            env: The runner's environment.
            log: Descriptor for the runner's output.

        Raises:
            ColdStart: The request cannot be sent.
        """
        with self._lock:
            return self._ready().request(words, env, log)

    def close(self) -> None:
        """Stop the fork server; the runners continue."""
        with self._lock:
            if self._line is not None:
                self._line.close()
                self._line = None

    def _ready(self) -> _Line:
        imported_with = read_at_import(os.environ)
        line = self._line
        if line is None or not line.is_open or line.imported_with != imported_with:
            if line is not None:
                line.close()
            state = ForkServerState(line=0, modules=self._modules, prestart_s=self._prestart_s)
            self._line = line = _Line(self._command, state, imported_with)
        return line


class WarmRunner:
    """A requested runner; has `subprocess.Popen.poll`."""

    def __init__(self, line: _Line, number: int) -> None:
        self._line = line
        self._number = number

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it is running.

        Raises:
            ColdStart: It was not started, and will not be.
        """
        return self._line.poll(self._number)


class _Line:
    """The connection to one fork server."""

    def __init__(
        self, command: Sequence[str], state: ForkServerState, imported_with: Mapping[str, str]
    ) -> None:
        if sys.platform != "linux":
            raise ColdStart("warm starts need Linux")
        self.imported_with = imported_with
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._numbers = count(1)
        self._requested_at: dict[int, float] = {}
        self._pids: dict[int, int] = {}
        self._refused: dict[int, str] = {}
        self._codes: dict[int, int] = {}
        self._lock = threading.Lock()
        self._key = os.urandom(32)
        state = msgspec.structs.replace(state, line=theirs.fileno())
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*command, *encode_state(state)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    env=kernel_environment({**QUIET, _ROOM: "." * ROOM_BYTES}),
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
            except OSError as problem:
                self._socket.close()
                raise ColdStart(
                    f"the fork server could not be started: {problem.strerror}"
                ) from problem

    @property
    def is_open(self) -> bool:
        """Whether the fork server is running."""
        with self._lock:
            self._listen()
            return self._socket.fileno() >= 0

    def request(self, words: Sequence[str], env: Mapping[str, str], log: int) -> WarmRunner:
        number = next(self._numbers)
        context = msgspec.json.encode(ProcessContext(env=env, cwd=str(Path.cwd()), umask=_umask()))
        if len(context) > MAX_BYTES:
            raise ColdStart("its environment is too large for a request")
        # Keyed, so that no other process can find the values by trial.
        digest = blake2b(context, key=self._key).hexdigest()
        message = msgspec.json.encode(Request(number=number, words=tuple(words), context=digest))
        with self._lock, sealed(context) as waiting:
            self._socket.settimeout(_PATIENCE_S)
            try:
                socket.send_fds(self._socket, [message], [log, waiting.fileno()])
            except OSError as problem:
                self._end()
                raise ColdStart(f"the fork server does not respond: {problem}") from problem
            self._requested_at[number] = time.monotonic()
        return WarmRunner(self, number)

    def poll(self, number: int) -> int | None:
        with self._lock:
            self._listen()
            if number in self._refused:
                raise ColdStart(self._refused.pop(number))
            pid = self._pids.get(number)
            if pid is None:
                if time.monotonic() - self._requested_at[number] > _PATIENCE_S:
                    self._end()
                if self._socket.fileno() < 0:
                    raise ColdStart("the fork server ended before it started the runner")
                return None
            if pid in self._codes:
                del self._pids[number]
                return self._codes.pop(pid)
            if self._socket.fileno() < 0 and not _is_alive(pid):
                del self._pids[number]
                return UNKNOWN
            return None

    def close(self) -> None:
        with self._lock:
            self._end()

    def _listen(self) -> None:
        """Read all messages that the fork server has sent so far."""
        while self._socket.fileno() >= 0 and select.select([self._socket], [], [], 0)[0]:
            try:
                message = self._socket.recv(MAX_REQUEST_BYTES)
            except OSError:
                message = b""
            if not message:
                self._end()
                return
            answer = msgspec.json.decode(message, type=Answer)
            if answer.started is not None:
                del self._requested_at[answer.started]
                self._pids[answer.started] = answer.pid
            elif answer.refused is not None:
                del self._requested_at[answer.refused]
                self._refused[answer.refused] = answer.why
            elif answer.ended is not None:
                self._codes[answer.pid] = answer.ended

    def _end(self) -> None:
        """Kill the fork server in any state: it must not serve pending requests later."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


def _umask() -> int:
    """Return the umask without setting it, which would affect threads; see proc(5), status."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("Umask:")[2].split()[0], 8)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
