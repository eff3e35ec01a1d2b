"""Becomes a kernel: ``python -I -S launcher.py PARENT ADDRESS_SPACE GROUP COMMAND ...``.

This is a separate process because its setup cannot run between fork and exec of a process that has
threads: the interpreter could wait there for a lock that is never released. It imports nothing of
the platform, so that it takes only a few hundredths of a second.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import sys

_PR_SET_PDEATHSIG = 1
_OOM_SCORE = "500"
GONE = 125
"""Exit code if the runner had ended before the kernel started."""


def main(arguments: list[str]) -> None:
    """Bind this process to its runner and its limits, then execute the kernel's command.

    Args:
        arguments: Process id of the runner, bytes of address space (0 for no limit), the folder of
            the control group ("" for the runner's), and the command.

    Source:
        prctl(2) PR_SET_PDEATHSIG, which survives an exec; proc(5) oom_score_adj.
    """
    parent, address_space, group, *command = arguments
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != int(parent):
        os._exit(GONE)
    if group:
        # Join the group here, before this process can have started another one.
        _join(group)
    if limit := int(address_space):
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(resource.RLIMIT_AS, (limit, hard))
    # Make the out-of-memory killer prefer a notebook to a scheduler or a server.
    _write("/proc/self/oom_score_adj", _OOM_SCORE)
    # A shell's background job ignores SIGINT, Python the other two; a kernel would inherit that.
    for number in (signal.SIGINT, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    os.execvp(command[0], command)  # noqa: S606 - becoming the kernel is the purpose


def _join(group: str) -> None:
    try:
        os.mkdir(group)  # noqa: PTH102 - as below
    except FileExistsError:
        pass
    except OSError:
        return
    _write(f"{group}/cgroup.procs", "0")


def _write(path: str, text: str) -> None:
    try:
        with open(path, "w") as file:  # noqa: PTH123 - pathlib costs as much as all the rest
            file.write(text)
    except OSError:
        return


if __name__ == "__main__":
    main(sys.argv[1:])
