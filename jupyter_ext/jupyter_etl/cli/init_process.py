"""Duties of the first process of a container: signals and orphans."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

_PASSED_ON = frozenset(
    {
        signal.SIGHUP,
        signal.SIGINT,
        signal.SIGQUIT,
        signal.SIGTERM,
        signal.SIGUSR1,
        signal.SIGUSR2,
    }
)


def in_a_child(work: Callable[[], int]) -> int:
    """Do the work in a child process, forward signals to it, and reap orphans.

    In a container, orphans become children of the first process, and Linux keeps their process ids
    until it reaps them. Call this before any thread is started.

    Args:
        work: Returns an exit code.

    Returns:
        In the child, the result of ``work``. In this process the child's exit code when it has
        ended, or 128 plus the number of the signal that killed it.
    """
    # If a parent ignores it, Linux reaps the children itself and discards their exit codes.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    heard = _PASSED_ON | {signal.SIGCHLD}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, heard)
    child = os.fork()
    if child == 0:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return work()
    while True:
        number = signal.sigwait(heard)
        if number in _PASSED_ON:
            os.kill(child, number)
            continue
        ended = _reap_all()
        if child in ended:
            code = ended[child]
            return code if code >= 0 else 128 - code


def _reap_all() -> dict[int, int]:
    """Reap all children that have ended.

    Returns:
        By process id, exit codes; negative for a signal.
    """
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)
