"""Adjustments of a new fork of the fork server before it becomes a runner or a kernel."""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import fcntl
import os
import random
import re
import resource
import signal
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

ROOM_BYTES = 4500
"""Bytes of arguments and environment that a fork server starts with, for its forks to overwrite."""

_BEFORE_IMPORT = re.compile(r"PYTHON|LD_|OMP_|MKL_|NUMEXPR_MAX_|GOTO_|MALLOC_|LC_|LANG$|LANGUAGE$")
"""Variables that a program or a library reads once, at its start or import."""

QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_THREAD_TIMEOUT": "18",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "_RJEM_MALLOC_CONF": "background_thread:false",
    "NUMEXPR_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""Keeps numpy, numexpr, pyarrow and deltalake from starting threads when they are imported.

Threads that OpenBLAS starts later sleep after 2^18 processor ticks without work instead of 2^26:
with the default they would occupy a core for the first tenth of a second of a run.

Source:
    OpenBLAS, USAGE.md: OPENBLAS_THREAD_TIMEOUT.
"""

_PR_SET_PDEATHSIG = 1
_STDERR = 2
_DESCRIPTORS = 256
_OOM_SCORE = "500"
_STAT = Path("/proc/self/stat")
_AREAS = slice(48 - 3, 52 - 3)
"""Fields 48 to 51 of /proc/pid/stat, counted from the third field, which follows the name."""

_RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGXFSZ)


def read_at_import(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that affect the interpreter and its imports."""
    return {name: value for name, value in env.items() if _BEFORE_IMPORT.match(name)}


def exit_with_parent(parent: int) -> bool:
    """Make Linux kill this process when the thread that forked it ends.

    Args:
        parent: Process id of the parent.

    Returns:
        False if the parent has ended already.

    Source:
        prctl(2) PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def limit_address_space(limit_bytes: int | None) -> None:
    """Set the soft limit of the address space, bounded by the hard limit."""
    if not limit_bytes:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def limit_data(more_bytes: int) -> None:
    """Limit this process's private memory and the size of its files, and disable core dumps.

    Unlike with the address space, reserved memory that is not writable does not count.

    Args:
        more_bytes: Bytes above the current use.

    Source:
        setrlimit(2) RLIMIT_DATA: since Linux 4.7 it counts private writable mappings.
    """
    pages = int(Path("/proc/self/statm").read_text().split()[5])
    for kind, limit in (
        (resource.RLIMIT_DATA, pages * resource.getpagesize() + more_bytes),
        (resource.RLIMIT_FSIZE, more_bytes),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(kind)[1]
        resource.setrlimit(
            kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
        )


def prefer_for_oom_kill() -> None:
    """Make the out-of-memory killer prefer a notebook to a scheduler or a server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def reset_signals() -> None:
    """Reset signal handling set by a shell or Python: a background job ignores SIGINT."""
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def take_environment(env: Mapping[str, str]) -> None:
    """Replace the environment, and clear caches of values read from the old one."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None


@cache
def thread_pools() -> Any:
    """Return the thread pools of the linear algebra libraries that are loaded at the first call."""
    import threadpoolctl  # type: ignore[import-untyped]  # it has no types

    return threadpoolctl.ThreadpoolController().select(internal_api="openblas")


def restore_threads(env: Mapping[str, str]) -> None:
    """Give OpenBLAS and numexpr the number of threads that they would have started themselves.

    Args:
        env: The environment that determines the number.

    Source:
        OpenBLAS, USAGE.md: OPENBLAS_NUM_THREADS before GOTO_NUM_THREADS before OMP_NUM_THREADS.
    """
    asked = [env.get(f"{name}_NUM_THREADS", "") for name in ("OPENBLAS", "GOTO", "OMP")]
    given = [int(number) for number in asked if number.isdigit() and int(number) > 0]
    threads = given[0] if given else len(os.sched_getaffinity(0))
    if threads > 1:
        thread_pools().limit(limits=threads)
    numexpr: Any = sys.modules.get("numexpr")
    if numexpr is not None:
        numexpr.nthreads = numexpr.utils._init_num_threads()


def reseed() -> None:
    """Reseed every random generator that is seeded once a process."""
    random.seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def relabel(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Change the command line and environment of this process that /proc shows.

    ``ps`` and the cleanup of a lost attempt read them from the memory where Linux put them at the
    start of the program; a fork has those of its fork server there. They are overwritten in place,
    as far as there is room.

    Args:
        words: The command.

    Returns:
        Whether there was room.

    Source:
        proc(5), ``arg_start`` and ``env_start`` of /proc/pid/stat.
    """
    fields = _STAT.read_text().rpartition(")")[2].split()
    arg_start, arg_end, env_start, env_end = map(int, fields[_AREAS])
    shown = (
        (arg_start, arg_end, [os.fsencode(word) for word in words]),
        (env_start, env_end, [os.fsencode(f"{name}={value}") for name, value in env.items()]),
    )
    texts = [b"".join(part + b"\0" for part in parts) for _, _, parts in shown]
    if any(len(text) > end - start for text, (start, end, _) in zip(texts, shown, strict=True)):
        return False
    for text, (start, end, _) in zip(texts, shown, strict=True):
        ctypes.memmove(start, text.ljust(end - start, b"\0"), end - start)
    return True


def widen_descriptors() -> None:
    """Grow the table of open files beyond its initial size.

    Growing it once there are threads takes Linux 10 to 20 ms, because it waits until no processor
    uses the old table.

    Source:
        Linux, fs/file.c, expand_fdtable.
    """
    os.close(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTORS - 1))


def redirect(output: os.stat_result, log: int) -> None:
    """Redirect every descriptor that is a copy of one output to another one.

    A kernel replaces its outputs by pipes, and keeps copies of them in other places.

    Args:
        output: Identifies the output by its inode.
        log: Descriptor of the replacement.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a run waits for it
        with contextlib.suppress(OSError):
            found = os.fstat(int(name))
            if (found.st_dev, found.st_ino) == (output.st_dev, output.st_ino):
                os.dup2(log, int(name), inheritable=os.get_inheritable(int(name)))


def leave(code: int, line: socket.socket | None = None) -> NoReturn:
    """Exit like the interpreter, but without unloading modules.

    Args:
        code: Exit code.
        line: Connection that is closed before the memory is freed, which can take long; file locks
            are released first.
    """
    untyped: Any = threading
    untyped._shutdown()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(Exception):
            stream.flush()
    if line is not None:
        _close_files()
        line.close()
    os._exit(code)


def _close_files() -> None:
    # Not all descriptors: those that ZeroMQ's threads poll must stay open.
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a run waits for it
        with contextlib.suppress(OSError):
            if int(name) > _STDERR and stat.S_ISREG(os.fstat(int(name)).st_mode):
                os.close(int(name))
