"""Runs a command and kills its orphans: ``python -I -S supervisor.py COMMAND ...``.

When a warm runner is killed, the fork server adopts its orphans. For a cold runner this process
does. It imports nothing of the platform, so that it takes only a few hundredths of a second.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
import sys
import time

_PR_SET_CHILD_SUBREAPER = 36
_ROUNDS = 500
_ROUND_S = 0.01
_NOT_FOUND = 127
_STDERR = 2


def main(command: list[str]) -> None:
    """Run a command in a session of its own, kill its orphans, and exit with its status.

    Args:
        command: The program and its arguments.

    Source:
        prctl(2) PR_SET_CHILD_SUBREAPER.
    """
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    child = os.fork()
    if child == 0:
        os.setsid()
        try:
            os.execvp(command[0], command)  # noqa: S606 - running it is the purpose
        finally:
            os._exit(_NOT_FOUND)
    # One of them may contain the child's environment.
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - pathlib costs as much as all the rest
        with contextlib.suppress(OSError):
            if int(name) > _STDERR:
                os.close(int(name))
    status = os.waitpid(child, 0)[1]
    for _ in range(_ROUNDS):
        if not _kill_children():
            break
        time.sleep(_ROUND_S)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if code != -signal.SIGKILL:
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


def _kill_children() -> bool:
    """Kill and reap the orphans that this process has adopted; return whether there are any."""
    children: list[str] = []
    with contextlib.suppress(OSError), open("/proc/thread-self/children") as file:  # noqa: PTH123 - as above
        children = file.read().split()
    for pid in map(int, children):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
    return bool(children)


if __name__ == "__main__":
    main(sys.argv[1:])
