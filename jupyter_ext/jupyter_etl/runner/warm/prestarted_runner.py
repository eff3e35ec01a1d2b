"""A runner that is made ready before it is known for which attempt, with a kernel that is ready too.

It is a fork of the fork server. It opens what every attempt needs, has its kernel make itself ready,
and waits for the request; so a run that comes later finds all of it done.
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

from jupyter_etl.runner.kernel.fork import (
    leave,
    redirect,
    relabel,
    reset_signals,
    take_environment,
    widen_descriptors,
)
from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel, fork_kernel
from jupyter_etl.runner.kernel.processes import adopt_orphans
from jupyter_etl.runner.warm.environment import MAX_BYTES, public, unsealed

MAX_REQUEST_BYTES = MAX_BYTES
_SHOWN = (sys.executable, "-m", "jupyter_etl.services.processes.prestarted")
"""What ``ps`` shows of it while it waits."""

_AROUND = b"around"
_LEAVES_S = 2.0
_PAUSE_S = 0.1
"""How long nobody asks for it before it warms up."""


class Around(msgspec.Struct, frozen=True, kw_only=True):
    """What a process inherits from the one that starts it.

    Args:
        env, cwd, umask: Of the runner.
    """

    env: Mapping[str, str]
    cwd: str
    umask: int


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a fork server: a runner. The descriptor of its log comes with it.

    The descriptor of a socket comes second, in which an `Around` waits; see `sealed`. No process
    that kernels are forked from may read it.

    Args:
        number: The answer has it too.
        words: The command that a cold start would execute; the last is the attempt's folder.
        around: Equal for equal ones.
    """

    number: int
    words: tuple[str, ...]
    around: str


class Ready(Protocol):
    """What a runner has that is ready."""

    def warm_up(self) -> None:
        """Do, as far as nobody notices, what an attempt will do."""

    def run(self, folder: Path) -> int:
        """Make the attempt of a folder and return the exit code."""

    def dismiss(self) -> None:
        """Let go of it all."""


class ForkTarget(Protocol):
    """What a fork server makes runners ready with."""

    def plan_warm_up(self) -> None:
        """Do, once and when there is time, what all warm-ups need; start no thread."""

    def make_ready(self, forked_kernel: ForkedKernel) -> Ready:
        """Do what every attempt needs; the forked kernel becomes its kernel."""


class PrestartedRunner:
    """The fork server's side: a runner that waits for its attempt.

    Args:
        pid: Of the fork.
        line: On which it waits.

    Attributes:
        process: Descriptor of pidfd_open(2); the caller's to close once the runner has its attempt.
    """

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.process = os.pidfd_open(pid)
        self._line = line

    def takes(self, message: bytes, log: int) -> bool:
        """Give it the attempt to make; False where it has ended.

        Args:
            message: An encoded `Request`.
            log: Descriptor of what it writes to.
        """
        with self._line:
            try:
                socket.send_fds(self._line, [message], [log])
            except OSError:
                return False
        return True

    def dismiss(self) -> None:
        """Let it go and wait for its end."""
        self._line.close()
        if not select.select([self.process], [], [], _LEAVES_S)[0]:
            os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.process)


def fork_prestarted(
    around: int, fork_target: ForkTarget, inherited: Iterable[int]
) -> PrestartedRunner:
    """Fork a runner and have it make itself ready.

    Args:
        around: Descriptor of a socket, in which the `Around` waits that it is to run in.
        fork_target: Makes it ready.
        inherited: Descriptors of the fork server that it must not keep.

    Raises:
        OSError: There can be no more processes.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    pid = os.fork()
    if pid == 0:
        here.close()
        for descriptor in inherited:
            os.close(descriptor)
        _stand_by(there, fork_target)
    there.close()
    socket.send_fds(here, [_AROUND], [around])
    return PrestartedRunner(pid, here)


def _stand_by(line: socket.socket, fork_target: ForkTarget) -> NoReturn:
    code = 1
    try:
        os.setsid()
        widen_descriptors()
        reset_signals()
        # What is written before there is a log is kept, for the log.
        early, null = os.memfd_create("log"), os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (early, 1), (early, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(early)
        forked_kernel = fork_kernel(line.fileno())
        try:
            _, (around,), _, _ = socket.recv_fds(line, len(_AROUND), 1)
            decoded = msgspec.json.decode(unsealed(around), type=Around)
            code = _run_what_comes(line, forked_kernel, decoded, fork_target)
        finally:
            forked_kernel.dismiss()
    except BaseException:  # noqa: BLE001 - whatever it is: this fork must not go on as a fork server
        sys.excepthook(*sys.exc_info())
    leave(code)


def _run_what_comes(
    line: socket.socket, forked_kernel: ForkedKernel, around: Around, fork_target: ForkTarget
) -> int:
    _show(_SHOWN, around)
    take_environment(around.env)
    os.umask(around.umask)
    os.chdir(around.cwd)
    try:
        ready = fork_target.make_ready(forked_kernel)
    except Exception:
        if _is_asked(line, 0.0):
            _take(line)
        raise
    try:
        if not _is_asked(line, _PAUSE_S):
            _warm_up(ready)
            gc.collect()
            gc.freeze()
        request = _take(line)
        if request is None:
            return 0
        _show(request.words, around)
        adopt_orphans()
        return ready.run(Path(request.words[-1]))
    finally:
        ready.dismiss()


def _warm_up(ready: Ready) -> None:
    try:
        ready.warm_up()
    except Exception:  # noqa: BLE001 - the run that comes may go well all the same; its log shows it
        traceback.print_exc()


def _show(words: Sequence[str], around: Around) -> None:
    """Look like a process that was started by a command, as far as there is room."""
    if not relabel(words, public(around.env)):
        relabel(words, {})


def _is_asked(line: socket.socket, seconds: float) -> bool:
    return bool(select.select([line], [], [], seconds)[0])


def _take(line: socket.socket) -> Request | None:
    """Wait for the attempt to make, and write to its log; None where nobody will ask any more."""
    with line:
        message, descriptors, _, _ = socket.recv_fds(line, MAX_REQUEST_BYTES, 1)
    if not message:
        return None
    _write_on(descriptors[0])
    return msgspec.json.decode(message, type=Request)


def _write_on(log: int) -> None:
    """Write to the log from now on, and there as well what was written before."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    early = os.fstat(2)
    if early.st_size:
        os.write(log, os.pread(2, early.st_size, 0))
    redirect(early, log)
    os.close(log)
