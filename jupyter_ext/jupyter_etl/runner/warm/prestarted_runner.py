"""A runner that is started, with its kernel, before its attempt is known.

It is a fork of the fork server. It opens the resources that every attempt needs, lets its kernel
initialize itself, and waits for the request, so that the next run starts without these steps.
"""

from __future__ import annotations

import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NoReturn, Protocol

import msgspec

from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel, fork_kernel
from jupyter_etl.runner.warm.environment import MAX_BYTES, public, unsealed
from jupyter_etl.system.fork import (
    leave,
    redirect,
    relabel,
    reset_signals,
    take_environment,
    widen_descriptors,
)
from jupyter_etl.system.processes import adopt_orphans

MAX_REQUEST_BYTES = MAX_BYTES
_LABEL = (sys.executable, "-m", __name__)
"""The command that ``ps`` shows while it waits."""

_CONTEXT = b"context"
_EXIT_S = 2.0
_PAUSE_S = 0.1
"""Seconds without a request after which it warms up."""


class ProcessContext(msgspec.Struct, frozen=True, kw_only=True):
    """Settings that a process inherits from the one that starts it.

    Args:
        env, cwd, umask: Those of the runner.
    """

    env: Mapping[str, str]
    cwd: str
    umask: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request to a fork server for a runner. The descriptor of its log is attached.

    A second descriptor is that of a socket which contains a `ProcessContext`; see `sealed`. No process
    that forks kernels may read it.

    Args:
        number: Repeated in the answer.
        words: The command that a cold start would execute; the last word is the attempt's folder.
        context: Digest of the `ProcessContext`; equal for equal ones.
    """

    number: int
    words: tuple[str, ...]
    context: str


class Ready(Protocol):
    """The prestarted resources of a runner."""

    def warm_up(self) -> None:
        """Exercise the code paths of an attempt, without visible effects."""

    def run(self, folder: Path) -> int:
        """Run the attempt of a folder and return the exit code."""

    def dismiss(self) -> None:
        """Release all resources."""


class ForkTarget(Protocol):
    """Prestarts the runners of a fork server."""

    def plan_warm_up(self) -> None:
        """Prepare, once and when idle, what all warm-ups need; start no thread."""

    def make_ready(self, forked_kernel: ForkedKernel) -> Ready:
        """Do what every attempt needs; the forked kernel becomes its kernel."""


class PrestartedRunner:
    """The fork server's handle of a runner that waits for its attempt.

    Args:
        pid: Process id of the fork.
        line: Connection to the fork.

    Attributes:
        process: Descriptor of pidfd_open(2); the caller closes it once the runner has its attempt.
    """

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.process = os.pidfd_open(pid)
        self._line = line

    def assign(self, message: bytes, log: int) -> bool:
        """Assign an attempt to the runner; return False if the runner has ended.

        Args:
            message: An encoded `Request`.
            log: Descriptor for the runner's output.
        """
        with self._line:
            try:
                socket.send_fds(self._line, [message], [log])
            except OSError:
                return False
        return True

    def dismiss(self) -> None:
        """Stop the runner and wait for it."""
        self._line.close()
        if not select.select([self.process], [], [], _EXIT_S)[0]:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.process)


def fork_prestarted(
    context: int, fork_target: ForkTarget, inherited: Iterable[int]
) -> PrestartedRunner:
    """Fork a runner and prestart it.

    Args:
        context: Descriptor of a socket that contains the runner's `ProcessContext`.
        fork_target: Prestarts the runner.
        inherited: Descriptors of the fork server that the runner must close.

    Raises:
        OSError: No more processes can be started.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        here.close()
        for descriptor in inherited:
            os.close(descriptor)
        _run_prestarted(there, fork_target)
    there.close()
    socket.send_fds(here, [_CONTEXT], [context])
    return PrestartedRunner(pid, here)


def _run_prestarted(line: socket.socket, fork_target: ForkTarget) -> NoReturn:
    code = 1
    try:
        os.setsid()
        widen_descriptors()
        reset_signals()
        # Output is kept in memory until the log is known, and then copied to it.
        early, null = os.memfd_create("log"), os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (early, 1), (early, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(early)
        forked_kernel = fork_kernel(line.fileno())
        try:
            _, (context,), _, _ = socket.recv_fds(line, len(_CONTEXT), 1)
            decoded = msgspec.json.decode(unsealed(context), type=ProcessContext)
            code = _run_request(line, forked_kernel, decoded, fork_target)
        finally:
            forked_kernel.dismiss()
    except BaseException:  # noqa: BLE001 - whatever it is: this fork must not go on as a fork server
        sys.excepthook(*sys.exc_info())
    leave(code)


def _run_request(
    line: socket.socket,
    forked_kernel: ForkedKernel,
    context: ProcessContext,
    fork_target: ForkTarget,
) -> int:
    _show(_LABEL, context)
    take_environment(context.env)
    os.umask(context.umask)
    os.chdir(context.cwd)
    try:
        ready = fork_target.make_ready(forked_kernel)
    except Exception:
        if _has_request(line, 0.0):
            _take(line)
        raise
    try:
        if not _has_request(line, _PAUSE_S):
            _warm_up(ready)
            gc.collect()
            gc.freeze()
        request = _take(line)
        if request is None:
            return 0
        _show(request.words, context)
        adopt_orphans()
        return ready.run(Path(request.words[-1]))
    finally:
        ready.dismiss()


def _warm_up(ready: Ready) -> None:
    try:
        ready.warm_up()
    except Exception:  # noqa: BLE001 - the run that comes may go well all the same; its log shows it
        traceback.print_exc()


def _show(words: Sequence[str], context: ProcessContext) -> None:
    """Show the command's arguments and environment in /proc, as far as there is room."""
    if not relabel(words, public(context.env)):
        relabel(words, {})


def _has_request(line: socket.socket, seconds: float) -> bool:
    return bool(select.select([line], [], [], seconds)[0])


def _take(line: socket.socket) -> Request | None:
    """Wait for a request, and redirect output to its log; None if the connection is closed."""
    with line:
        message, descriptors, _, _ = socket.recv_fds(line, MAX_REQUEST_BYTES, 1)
    if not message:
        return None
    _write_on(descriptors[0])
    return msgspec.json.decode(message, type=Request)


def _write_on(log: int) -> None:
    """Redirect output to the log, and copy the earlier output to it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    early = os.fstat(2)
    if early.st_size:
        os.write(log, os.pread(2, early.st_size, 0))
    redirect(early, log)
    os.close(log)
