"""The process whose forks are runners: it has their modules imported, and starts no thread.

It communicates with the process that started it by an unnamed pair of sockets, so no other process
can send requests. It exits when the other end is closed; the runners continue.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import socket
import sys
import time
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import msgspec

from jupyter_etl.runner.kernel.imports import as_in_a_kernel, kernel_modules
from jupyter_etl.runner.warm.prestarted_runner import (
    MAX_REQUEST_BYTES,
    ForkTarget,
    PrestartedRunner,
    Request,
    fork_prestarted,
)
from jupyter_etl.system.fork import ROOM_BYTES, thread_pools
from jupyter_etl.system.processes import adopt_orphans, kill_orphans

PRELOAD = (
    "ipykernel_launcher", "ipykernel.kernelapp", "ipykernel.kernelspec", "ipykernel.debugger",
    "ipykernel.heartbeat", "ipykernel.parentpoller", "ipykernel.shellchannel",
    "IPython.core.shellapp", "IPython.core.debugger", "IPython.core.oinspect",
    "IPython.utils.wildcard", "IPython.core.completerlib", "IPython.extensions.storemagic",
    "tornado.platform.asyncio", "jupyter_etl_magics", "jupyter_etl.notebook.api",
    "jupyter_etl.notebook.session", "jupyter_etl.runner.channel.client",
    "jupyter_etl.runner.execution.engine",
    "jupyter_etl.ledger.store", "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg", "psycopg", "numpy", "pandas", "pyarrow.parquet",
    "duckdb", "deltalake",
)  # fmt: skip
"""Modules that runners and kernels need, and those that most notebooks import, if installed."""

_MAX_FORKS = 10_000
_CHECK_S = 3.0
"""Age in seconds after which the files have to be checked for changes again."""

_PAUSE_S = 0.2
"""Seconds without a request or the end of a runner before the next runner is prestarted."""

_ORPHANS_S = 0.02
"""Seconds between two searches for orphans of killed runners, while there are some."""

_TASKS = Path("/proc/self/task")


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message from a fork server.

    Args:
        started: Number of the request whose runner was started.
        refused: Number of the request whose runner was not started.
        why: The reason.
        pid: Process id of the runner that was started or has ended.
        ended: Exit code of a runner, negative for a signal.
    """

    started: int | None = None
    refused: int | None = None
    why: str = ""
    pid: int = 0
    ended: int | None = None


class ForkServerState(msgspec.Struct, frozen=True, kw_only=True):
    """State that is kept when the process executes a new interpreter.

    Args:
        line: Descriptor of the socket.
        modules: Modules to import.
        left_out: Modules that a fork server cannot import, with the reason.
        runners: Process ids of the running runners.
        prestart_s: Seconds after a request during which the next runner is prestarted; 0 for never.
    """

    line: int
    modules: tuple[str, ...] = PRELOAD
    left_out: dict[str, str] = {}
    runners: tuple[int, ...] = ()
    prestart_s: float = 600.0


Prepare = Callable[[], ForkTarget]
"""Prepares, once for all forks, what each would otherwise do itself; starts no thread."""


def serve(state: ForkServerState, prepare: Prepare, command: Sequence[str]) -> None:
    """Fork runners until the client closes the connection.

    Args:
        prepare: Called after the imports.
        command: Command that starts this process again, without its state.
    """
    os.set_inheritable(state.line, False)
    _import_all(state, command)
    fork_target = prepare()
    _clear_type_caches()
    gc.collect()
    # A collection in a fork would write to every object, and so copy all memory.
    gc.freeze()
    _ForkServer(state, fork_target, command).serve()


def _clear_type_caches() -> None:
    """Clear DuckDB's caches as at its exit: in a fork that would copy their memory."""
    for clear in getattr(typing, "_cleanups", ()):
        clear()


class _ForkServer:
    """Serves requests with a prestarted runner, and prestarts the next one when idle."""

    def __init__(
        self, state: ForkServerState, fork_target: ForkTarget, command: Sequence[str]
    ) -> None:
        self._state = state
        self._fork_target = fork_target
        self._command = command
        self._line = socket.socket(fileno=state.line)
        self._runners = {os.pidfd_open(pid): pid for pid in state.runners}
        self._waiting = select.poll()
        for descriptor in (state.line, *self._runners):
            self._waiting.register(descriptor, select.POLLIN)
        self._prestarted: PrestartedRunner | None = None
        # Orphans of a killed runner become children of this process.
        adopt_orphans()
        self._has_orphans = False
        self._context = ""
        self._waits_in: int | None = None
        self._requested_at = self._busy_at = 0.0
        self._forks = 0
        self._files = _imported_files()
        self._files_stamp = _stamp(self._files)
        self._checked_at = time.monotonic()

    def serve(self) -> None:
        """Serve requests until the connection is closed."""
        while True:
            found = self._waiting.poll(self._timeout_ms())
            if self._has_orphans:
                known = (
                    *self._runners.values(),
                    *([self._prestarted.pid] if self._prestarted else []),
                )
                self._has_orphans = kill_orphans(known)
            elif not found:
                self._on_idle()
            for descriptor, _ in found:
                if descriptor != self._state.line:
                    self._reap(descriptor)
                elif not self._answer():
                    return

    def _timeout_ms(self) -> float | None:
        """Return how long to wait for a request before `_on_idle`; None for no limit."""
        if self._has_orphans:
            left_s = _ORPHANS_S
        elif self._prestarted is not None:
            left_s = self._checked_at + _CHECK_S - time.monotonic()
        elif self._waits_in is not None and self._state.prestart_s:
            left_s = self._busy_at + _PAUSE_S - time.monotonic()
        else:
            return None
        return max(0.0, left_s * 1000)

    def _on_idle(self) -> None:
        """Prestart a runner, or stop one that is idle for too long or whose files have changed."""
        if self._prestarted is not None:
            if time.monotonic() > self._requested_at + self._state.prestart_s:
                self._dismiss()
                self._stop_prestarting()
            else:
                self._restart_if_changed()
        elif self._waits_in is not None:
            self._restart_if_changed()
            self._fork_target.plan_warm_up()
            try:
                self._prestarted = self._prestart(self._waits_in)
            except OSError:
                self._stop_prestarting()

    def _answer(self) -> bool:
        """Serve one request; return False if the connection is closed."""
        if self._forks >= _MAX_FORKS or time.monotonic() - self._checked_at > _CHECK_S:
            # The request stays in the socket for the next process.
            self._restart_if_changed()
        try:
            message, descriptors, _, _ = socket.recv_fds(self._line, MAX_REQUEST_BYTES, 2)
        except ConnectionResetError:
            # The client was killed before it had read all messages.
            return False
        if not message:
            return False
        request = msgspec.json.decode(message, type=Request)
        self._requested_at = self._busy_at = time.monotonic()
        log, waits_in = descriptors
        if request.context != self._context:
            self._dismiss()
            self._stop_prestarting()
            self._context, self._waits_in = request.context, os.dup(waits_in)
        try:
            pid = self._hand_over(message, log, waits_in)
        except OSError as problem:
            why = f"no process could be started: {problem.strerror}"
            _send(self._line, Answer(refused=request.number, why=why))
        else:
            _send(self._line, Answer(started=request.number, pid=pid))
        os.close(log)
        os.close(waits_in)
        return True

    def _stop_prestarting(self) -> None:
        """Prestart no runner before the next request."""
        if self._waits_in is not None:
            os.close(self._waits_in)
        self._context, self._waits_in = "", None

    def _hand_over(self, message: bytes, log: int, waits_in: int) -> int:
        """Assign an attempt to a runner, and return its process id."""
        if self._prestarted is None or not self._prestarted.assign(message, log):
            self._dismiss()
            self._prestarted = self._prestart(waits_in, log)
            self._prestarted.assign(message, log)
        runner, self._prestarted = self._prestarted, None
        self._runners[runner.process] = runner.pid
        return runner.pid

    def _prestart(self, waits_in: int, *opened: int) -> PrestartedRunner:
        waiting = {waits_in} if self._waits_in is None else {waits_in, self._waits_in}
        inherited = (self._state.line, *self._runners, *opened, *waiting)
        prestarted = fork_prestarted(waits_in, self._fork_target, inherited)
        self._waiting.register(prestarted.process, select.POLLIN)
        self._forks += 1
        return prestarted

    def _dismiss(self) -> None:
        if self._prestarted is not None:
            self._waiting.unregister(self._prestarted.process)
            self._prestarted.dismiss()
            self._prestarted = None

    def _reap(self, process: int) -> None:
        """Record the end of a runner."""
        if self._prestarted is not None and process == self._prestarted.process:
            # Prestarting failed. The next run will show whether a runner can be started.
            self._dismiss()
            self._stop_prestarting()
            return
        self._busy_at = time.monotonic()
        self._waiting.unregister(process)
        os.close(process)
        pid = self._runners.pop(process)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        self._has_orphans = True
        _send(self._line, Answer(pid=pid, ended=code))

    def _restart_if_changed(self) -> None:
        """Restart if a file has changed, or after many forks."""
        if self._forks >= _MAX_FORKS or _stamp(self._files) != self._files_stamp:
            self._dismiss()
            _restart(
                self._state,
                self._command,
                left_out=self._state.left_out,
                runners=self._runners.values(),
            )
        self._checked_at = time.monotonic()


def _import_all(state: ForkServerState, command: Sequence[str]) -> None:
    """Import the modules, except those that start a thread."""
    for name in state.modules:
        if name in state.left_out or not _is_installed(name):
            continue
        before = _threads()
        try:
            # Other modules may need more of a kernel than this provides.
            with as_in_a_kernel() if name in PRELOAD else contextlib.nullcontext():
                importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - a run that needs it will say so again
            why = f"{type(problem).__name__}: {problem}"
            sys.stderr.write(f"{name} cannot be imported ahead of runs: {why}\n")
        if _threads() > before:
            sys.stderr.write(f"{name} is not imported ahead of runs: it starts a thread\n")
            left_out = state.left_out | {name: "it starts a thread"}
            _restart(state, command, left_out=left_out, runners=state.runners)
    thread_pools()
    kernel_modules()


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _restart(
    state: ForkServerState,
    command: Sequence[str],
    *,
    left_out: Mapping[str, str],
    runners: Iterable[int],
) -> NoReturn:
    """Execute this program again in the same process, so that the runners remain its children."""
    os.set_inheritable(state.line, True)
    text = encode_state(msgspec.structs.replace(state, left_out=left_out, runners=tuple(runners)))
    os.execv(command[0], [*command, *text])  # noqa: S606 - becoming its successor is the purpose


def encode_state(state: ForkServerState) -> tuple[str, str]:
    """Return the last two words of the fork server's command: its state, and padding."""
    return msgspec.json.encode(state).decode(), " " * ROOM_BYTES


def _threads() -> int:
    return len(list(_TASKS.iterdir()))


def _imported_files() -> tuple[str, ...]:
    """Return the files of all imported modules, and the folders where packages are installed."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return tuple(sorted({*filter(None, files), *sys.path}))


def _stamp(files: Iterable[str]) -> int:
    """Return a number that changes when one of the files does."""
    return hash(tuple(map(_changed_at, files)))


def _changed_at(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of them while somebody waits
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _send(line: socket.socket, answer: Answer) -> None:
    # A client that is gone needs no answer: the next read of the connection ends this process.
    with contextlib.suppress(OSError):
        line.send(msgspec.json.encode(answer))
