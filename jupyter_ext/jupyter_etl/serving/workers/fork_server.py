"""The process whose forks are workers: it starts, watches and kills them, and keeps their logs.

It is a fresh interpreter with few environment variables, no thread, and no descriptor of the
gateway but one socket. It ends, with all workers, when that is closed. Processes that a worker has
started and left become its children when the worker ends, and are killed.
"""

from __future__ import annotations

import gc
import importlib
import os
import resource
import select
import signal
import socket
import sys
import time
import typing
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import msgspec

from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.serving.workers import worker
from jupyter_etl.serving.workers.protocol import (
    Ended,
    Kill,
    Start,
    Started,
    ToForkServer,
    encode,
)
from jupyter_etl.system.capped_log import CappedLog
from jupyter_etl.system.fork import exit_with_parent, reset_signals
from jupyter_etl.system.processes import (
    adopt_orphans,
    descendants,
    kill_orphans,
    resident_bytes,
    used_bytes,
)

MAX_MESSAGE_BYTES = 1 << 16
PRELOAD = ("msgspec", "numpy", "pandas", "pyarrow", "duckdb", "cloudpickle")
"""Modules that most functions and queries need, if installed; none starts a thread."""

_WATCH_S = 0.1
_WATCH_SHARE = 50
"""At most one part in so many of the time is spent on measuring memory."""

_ORPHANS_S = 0.02
_CONNECTION = 3
"""Descriptor of its socket in a worker."""

_CHUNK = 1 << 18
_OUTPUT_BYTES = 500
_LAST_READS = 16

_decoder = msgspec.msgpack.Decoder(ToForkServer)


@dataclass(kw_only=True)
class _Worker:
    start: Start
    pid: int
    process: int
    """Its pidfd."""

    output: int
    """The end of the pipe from which its output is read."""

    log: CappedLog
    last: bytes = b""
    why: str = ""


def serve(control: socket.socket, preload: Iterable[str]) -> None:
    """Start workers until the gateway closes the connection.

    Args:
        control: Connection to the gateway.
        preload: Modules to import before the workers are forked.
    """
    for name in preload:
        if find_spec(name) is not None:
            importlib.import_module(name)
    # DuckDB's caches: clearing them at the exit of a fork would copy their memory.
    for clear in getattr(typing, "_cleanups", ()):
        clear()
    gc.collect()
    # A collection in a fork would write to every object, and so copy all memory.
    gc.freeze()
    _ForkServer(control).serve()


class _ForkServer:
    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._workers: dict[int, _Worker] = {}
        self._by_descriptor: dict[int, _Worker] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._watch_at = 0.0
        self._has_orphans = False
        adopt_orphans()

    def serve(self) -> None:
        """Serve requests until the connection is closed; then kill all workers."""
        while True:
            found = [descriptor for descriptor, _ in self._poll.poll(self._patience_ms())]
            for descriptor in found:
                one = self._by_descriptor.get(descriptor)
                if one is not None and descriptor == one.output:
                    self._copy(one)
                elif one is not None:
                    self._reap(one)
            # Last: a new worker may get the numbers of descriptors that were closed above.
            if self._control.fileno() in found and not self._receive():
                self._kill_all()
                return
            if self._has_orphans:
                self._has_orphans = kill_orphans([one.pid for one in self._workers.values()])
            if self._workers and time.monotonic() >= self._watch_at:
                self._watch()

    def _patience_ms(self) -> float | None:
        if self._has_orphans:
            return _ORPHANS_S * 1000
        if self._workers:
            return max(0.0, self._watch_at - time.monotonic()) * 1000
        return None

    def _receive(self) -> bool:
        """Serve one request; return False if the connection is closed."""
        try:
            message, descriptors, _, _ = socket.recv_fds(self._control, MAX_MESSAGE_BYTES, 1)
        except ConnectionResetError:
            return False
        if not message:
            return False
        request = _decoder.decode(message)
        if isinstance(request, Kill):
            one = self._workers.get(request.number)
            if one is not None:
                self._kill(one, request.why)
            return True
        (connection,) = descriptors
        try:
            one = self._start(request, connection)
        except OSError as problem:
            why = f"no process could be started: {problem.strerror}"
            self._send(Ended(number=request.number, why=why))
        else:
            self._send(Started(number=request.number, pid=one.pid))
        finally:
            os.close(connection)
        return True

    def _start(self, request: Start, connection: int) -> _Worker:
        # One for all workers of a version: it replaces the file.
        shared = [one.log for one in self._workers.values() if one.start.log == request.log]
        log = shared[0] if shared else CappedLog(Path(request.log))
        output, theirs = os.pipe()
        os.set_blocking(output, False)
        try:
            pid = _fork(request.interpreter, connection, theirs)
        except OSError:
            os.close(output)
            if not shared:
                log.close()
            raise
        finally:
            os.close(theirs)
        process = os.pidfd_open(pid)
        one = _Worker(start=request, pid=pid, process=process, output=output, log=log)
        self._workers[request.number] = one
        for descriptor in (process, output):
            self._by_descriptor[descriptor] = one
            self._poll.register(descriptor, select.POLLIN)
        return one

    def _copy(self, one: _Worker) -> bool:
        """Copy a piece of a worker's output to its log; return whether there may be more."""
        try:
            piece = os.read(one.output, _CHUNK)
        except BlockingIOError:
            return False
        if not piece:
            # It has closed its outputs.
            self._poll.unregister(one.output)
            del self._by_descriptor[one.output]
            return False
        one.log.write(piece)
        one.last = (one.last + piece)[-_OUTPUT_BYTES:]
        return True

    def _reap(self, one: _Worker) -> None:
        """Report the end of a worker."""
        # Those that it has started may write forever.
        for _ in range(_LAST_READS):
            if one.output not in self._by_descriptor or not self._copy(one):
                break
        status = os.waitstatus_to_exitcode(os.waitpid(one.pid, 0)[1])
        for descriptor in {one.process, one.output} & set(self._by_descriptor):
            del self._by_descriptor[descriptor]
            self._poll.unregister(descriptor)
        os.close(one.process)
        os.close(one.output)
        del self._workers[one.start.number]
        if all(other.log is not one.log for other in self._workers.values()):
            one.log.close()
        self._has_orphans = True
        killed = status == -signal.SIGKILL
        why = one.why if killed and one.why else _described(status)
        output = one.last.decode(errors="replace")
        self._send(Ended(number=one.start.number, why=why, output=output))

    def _watch(self) -> None:
        """Kill the workers that exceed a limit."""
        began = time.monotonic()
        for one in self._workers.values():
            pids, limit = {one.pid, *descendants(one.pid)}, one.start.memory_bytes
            if len(pids) > one.start.max_processes:
                self._kill(
                    one,
                    f"it had {len(pids)} processes; at most {one.start.max_processes} are allowed",
                )
            # The first is quick to read, but counts shared pages and mapped files.
            elif resident_bytes(pids) >= limit and (used := used_bytes(pids)) >= limit:
                allowed = rounded_size(limit)
                self._kill(
                    one, f"it used {rounded_size(used)} of memory; at most {allowed} are allowed"
                )
        ended = time.monotonic()
        self._watch_at = ended + max(_WATCH_S, _WATCH_SHARE * (ended - began))

    def _kill(self, one: _Worker, why: str) -> None:
        """Kill a worker; `_reap` follows, and kills what it has started."""
        one.why = one.why or why
        os.kill(one.pid, signal.SIGKILL)

    def _kill_all(self) -> None:
        for one in self._workers.values():
            os.kill(one.pid, signal.SIGKILL)
        for one in self._workers.values():
            os.waitpid(one.pid, 0)
        while kill_orphans():
            time.sleep(_ORPHANS_S)

    def _send(self, message: Started | Ended) -> None:
        # A gateway that is gone needs no message: the next read of the connection ends this
        # process.
        with suppress(OSError):
            self._control.send(encode(message))


def _fork(interpreter: str, connection: int, output: int) -> int:
    """Fork a worker in a session of its own; return its process id.

    Args:
        interpreter: Program that it executes; "" for none.
    """
    parent = os.getpid()
    pid = os.fork()
    if pid:
        return pid
    try:
        os.setsid()
        if not exit_with_parent(parent):
            os._exit(0)
        reset_signals()
        _arrange_descriptors(connection, output)
        if interpreter:
            _execute(interpreter)
        worker.run(socket.socket(fileno=_CONNECTION))
    except BaseException as problem:  # noqa: BLE001 - a fork must not continue as its parent
        os.write(2, f"{problem}\n".encode())
    os._exit(1)


def _arrange_descriptors(connection: int, output: int) -> None:
    """Keep no descriptor but standard input, the outputs and the socket."""
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.dup2(connection, _CONNECTION)
    os.set_inheritable(_CONNECTION, False)
    os.closerange(_CONNECTION + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def _execute(interpreter: str) -> NoReturn:
    folder = str(Path(interpreter).parent)
    env = dict(os.environ) | {"PATH": f"{folder}{os.pathsep}{os.environ.get('PATH', '')}"}
    # Not resolved: the path of the link says to Python which environment is meant.
    os.set_inheritable(_CONNECTION, True)
    words = [interpreter, "-P", "-m", worker.__name__, str(_CONNECTION)]
    os.execve(interpreter, words, env)  # noqa: S606 - the interpreter of the version


def _described(status: int) -> str:
    if status >= 0:
        return f"it exited with code {status}"
    try:
        return f"it was killed by {signal.Signals(-status).name}"
    except ValueError:
        return f"it was killed by signal {-status}"


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2:])
