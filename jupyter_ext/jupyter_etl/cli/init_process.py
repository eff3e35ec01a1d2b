"""What the first process of a container owes to the others in it."""

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
    """Have a child do the work; pass signals on to it, and bury whoever dies without a parent.

    Linux makes the first process of a container the parent of all that have lost theirs, and keeps
    a number for each that has died until this process asks for its end. It is called before any
    thread is started.

    Args:
        work: Returns an exit code.

    Returns:
        In the child what ``work`` returns; in this process the same, when the child has ended, or
        128 and the number of the signal that killed it.
    """
    # Where a parent has it ignored, Linux buries children itself and forgets how they ended.
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
        ended = _bury_all()
        if child in ended:
            code = ended[child]
            return code if code >= 0 else 128 - code


def _bury_all() -> dict[int, int]:
    """Ask for the ends of all children that have died.

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
