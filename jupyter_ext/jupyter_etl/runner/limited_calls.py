"""Calls functions in child processes with limits of memory and time.

A file of some megabytes can unpack to gigabytes; a server that reads it in its own process would be
killed. The children are forks of one process, which has their modules imported and communicates
with the server by an unnamed pair of sockets. All messages are JSON, because a file may have taken
control of a child.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import NoReturn

import msgspec
import psutil

from jupyter_etl.errors import EtlError, ExecutionError, LimitExceeded
from jupyter_etl.language.sizes import format_size
from jupyter_etl.runner.channel.protocol import Refusal, error_of, refusal_of
from jupyter_etl.system.fork import (
    QUIET,
    exit_with_parent,
    limit_data,
    prefer_for_oom_kill,
    reset_signals,
    take_environment,
)

_COMMAND = (sys.executable, "-m", "jupyter_etl.runner.limited_calls")
_MAX_CALL_BYTES = 180_000
_CHUNK = 1 << 16
_PID_BYTES = 4
_RESULT, _ERROR, _END = b"r", b"e", b"."
_STARTS_S = 60.0
_IDLE_S = 600.0
"""Seconds without a call after which the forking process exits to free its memory."""

_OUT_OF_MEMORY = ("OutOfMemoryException", "ArrowMemoryError")
_ADVICE = "Read it in a notebook, which has the memory and the time of a kernel."


@dataclass(frozen=True, kw_only=True)
class CallLimits:
    """Limits of one call.

    Args:
        memory_bytes: Private memory of the child above its initial memory.
        seconds: Duration.
        result_bytes: Size of the result.
    """

    memory_bytes: int = 1_000_000_000
    seconds: float = 25.0
    result_bytes: int = 50_000_000


class _Call(msgspec.Struct, frozen=True, kw_only=True):
    """A request to the forking process; the descriptor for the answer is attached."""

    function: str
    arguments: dict[str, object]
    what: str
    env: dict[str, str]
    memory_bytes: int
    seconds: float


class _NotStarted(Exception):
    """No child was started; another forking process may succeed."""


class LimitedCalls:
    """Calls functions in child processes; thread-safe.

    Args:
        preload: Modules that are imported before the children are forked.
    """

    def __init__(self, preload: Sequence[str] = (), limits: CallLimits | None = None) -> None:
        self._preload = tuple(preload)
        self._limits = limits or CallLimits()
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def prepare(self) -> None:
        """Start the forking process if it is not running; do not wait for it.

        Raises:
            ExecutionError: It cannot be started.
        """
        with self._lock:
            self._ready()

    def call(
        self, function: str, arguments: Mapping[str, object], *, what: str, env: Mapping[str, str]
    ) -> bytes:
        """Call a function in a child.

        Args:
            function: ``module:name``; it returns bytes.
            arguments: Keyword arguments; JSON values.
            what: Subject of error messages: ``The preview of 'orders'``.
            env: The environment of the child. Secrets in it appear on no command line.

        Returns:
            The result of the function.

        Raises:
            EtlError: Raised by the function.
            LimitExceeded: Memory, time or the size of the result exceeded the limit.
            TimeoutError: Waiting for another resource exceeded its limit.
        """
        call = _Call(
            function=function,
            arguments=dict(arguments),
            what=what,
            env=dict(env),
            memory_bytes=self._limits.memory_bytes,
            seconds=self._limits.seconds,
        )
        message = msgspec.json.encode(call)
        if len(message) > _MAX_CALL_BYTES:
            raise ExecutionError(
                f"{what} cannot be started: the request or the environment is too large."
            )
        try:
            return self._answer(message, what)
        except _NotStarted:
            # It may have exited, idle, at the moment of the call.
            self.close()
        try:
            return self._answer(message, what)
        except _NotStarted:
            raise ExecutionError(
                f"{what} failed: no process was started.", retryable=True
            ) from None

    def close(self) -> None:
        """End the forking process, and all calls with it."""
        with self._lock:
            self._end()

    def _ready(self) -> socket.socket:
        if self._line is not None and self._process is not None and self._process.poll() is None:
            return self._line
        self._end()
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self._process = subprocess.Popen(
                    [*_COMMAND, str(theirs.fileno()), *self._preload],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    cwd="/",
                    # Arrow's own allocator reserves a gigabyte at once.
                    env={**os.environ, **QUIET, "ARROW_DEFAULT_MEMORY_POOL": "system"},
                    start_new_session=True,
                    pass_fds=[theirs.fileno()],
                )
            except OSError as problem:
                raise ExecutionError(
                    f"No process can be started: {problem.strerror}.", retryable=True
                ) from problem
        return self._line

    def _end(self) -> None:
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None

    def _answer(self, message: bytes, what: str) -> bytes:
        answer, theirs = socket.socketpair()
        with answer:
            with theirs, self._lock:
                try:
                    socket.send_fds(self._ready(), [message], [theirs.fileno()])
                except OSError:
                    raise _NotStarted from None
            child = _started(answer)
            try:
                return _understood(b"".join(self._read(answer, child, what)), what)
            finally:
                if child is not None:
                    with suppress(psutil.Error):
                        child.kill()

    def _read(
        self, answer: socket.socket, child: psutil.Process | None, what: str
    ) -> Iterator[bytes]:
        limits, size = self._limits, 0
        deadline = time.monotonic() + limits.seconds
        while True:
            answer.settimeout(max(0.001, deadline - time.monotonic()))
            try:
                chunk = answer.recv(_CHUNK)
            except TimeoutError:
                if _processor_s(child) > limits.seconds / 10:
                    raise _exceeded(what, f"takes more than {limits.seconds:g} s") from None
                raise TimeoutError(f"{what} took longer than {limits.seconds:g} s.") from None
            except ConnectionError:
                return
            if not chunk:
                return
            size += len(chunk)
            if size > limits.result_bytes:
                raise _exceeded(what, f"has more than {format_size(limits.result_bytes)} to show")
            yield chunk


def _started(answer: socket.socket) -> psutil.Process | None:
    """Return the child once it is started, None if it has ended already.

    Raises:
        _NotStarted: There is none. The forking process may still be importing.
    """
    answer.settimeout(_STARTS_S)
    try:
        number = answer.recv(_PID_BYTES, socket.MSG_WAITALL)
    except OSError:
        number = b""
    if len(number) < _PID_BYTES:
        raise _NotStarted
    try:
        return psutil.Process(int.from_bytes(number, sys.byteorder))
    except psutil.NoSuchProcess:
        return None


def _understood(content: bytes, what: str) -> bytes:
    kind, body, end = content[:1], content[1:-1], content[-1:]
    if len(content) < len(_RESULT + _END) or end != _END:
        raise _exceeded(what, "ended the process that read it, by its size or its nesting")
    if kind == _ERROR:
        raise error_of(msgspec.json.decode(body, type=Refusal))
    return body


def _exceeded(what: str, how: str) -> LimitExceeded:
    return LimitExceeded(f"{what} was stopped: it {how}.", hint=_ADVICE)


def _processor_s(child: psutil.Process | None) -> float:
    try:
        return sum(child.cpu_times()[:2]) if child is not None else 0.0
    except psutil.Error:
        return 0.0


def serve(line: socket.socket, preload: Sequence[str]) -> None:
    """Fork a child for each call, until the connection is closed or idle for too long.

    Args:
        line: Connection on which calls are received.
        preload: Modules to import first.
    """
    for name in preload:
        with suppress(ImportError):
            import_module(name)
    # Linux reaps the children: the caller sees their end on its socket.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while select.select([line], [], [], _IDLE_S)[0]:
        message, descriptors, _, _ = socket.recv_fds(line, _MAX_CALL_BYTES, 1)
        if not message:
            return
        with socket.socket(fileno=descriptors[0]) as answer, suppress(OSError):
            parent = os.getpid()
            if os.fork() == 0:
                line.close()
                _work(parent, message, answer)


def _work(parent: int, message: bytes, answer: socket.socket) -> NoReturn:
    try:
        if exit_with_parent(parent):
            call = msgspec.json.decode(message, type=_Call)
            reset_signals()
            prefer_for_oom_kill()
            take_environment(call.env)
            # A library that cannot allocate memory prints a trace; the caller receives a sentence.
            os.dup2(1, 2)
            answer.sendall(os.getpid().to_bytes(_PID_BYTES, sys.byteorder))
            limit_data(call.memory_bytes)
            content = _outcome(call)
            answer.sendall(content)
    finally:
        os._exit(0)


def _outcome(call: _Call) -> bytes:
    module, _, name = call.function.partition(":")
    try:
        result: bytes = getattr(import_module(module), name)(**call.arguments)
        return b"".join([_RESULT, result, _END])
    except Exception as problem:  # noqa: BLE001 - the caller gets an answer whatever happens here
        return b"".join([_ERROR, msgspec.json.encode(_refusal(problem, call)), _END])


def _refusal(problem: Exception, call: _Call) -> Refusal:
    if any(map(_is_of_memory, _causes(problem))):
        how = f"needs more than {format_size(call.memory_bytes)} of memory"
        return refusal_of(_exceeded(call.what, how))
    if any(isinstance(one, RecursionError) for one in _causes(problem)):
        return refusal_of(_exceeded(call.what, "is nested too deeply"))
    if isinstance(problem, EtlError):
        return refusal_of(problem)
    text = f"{call.what} failed: {type(problem).__name__}: {problem}"
    return refusal_of(ExecutionError(text.rstrip(": ")))


def _causes(problem: BaseException | None) -> Iterator[BaseException]:
    while problem is not None:
        yield problem
        problem = problem.__cause__ or problem.__context__


def _is_of_memory(problem: BaseException) -> bool:
    return (
        isinstance(problem, MemoryError)
        or type(problem).__name__ in _OUT_OF_MEMORY
        or any(words in str(problem) for words in ("bad_alloc", "Cannot allocate memory"))
    )


if __name__ == "__main__":
    # `python -m` puts the working directory first; nothing may be imported from there.
    sys.path.pop(0)
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
