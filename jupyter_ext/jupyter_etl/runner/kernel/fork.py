"""What a fresh fork of the fork server does to itself before it becomes a runner or a kernel."""

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
"""How many bytes of words and of environment a fork server starts with, for its forks to write over."""

_BEFORE_IMPORT = re.compile(r"PYTHON|LD_|OMP_|MKL_|NUMEXPR_MAX_|GOTO_|MALLOC_|LC_|LANG$|LANGUAGE$")
"""Variables that a program or a library reads once, when it is started or imported."""

QUIET = {
    "OPENBLAS_NUM_THREADS": "1",
    "OPENBLAS_THREAD_TIMEOUT": "18",
    "JE_ARROW_MALLOC_CONF": "background_thread:false",
    "_RJEM_MALLOC_CONF": "background_thread:false",
    "NUMEXPR_NUM_THREADS": "1",
    "PYDEVD_DISABLE_FILE_VALIDATION": "1",
}
"""What keeps numpy, numexpr, pyarrow and deltalake from starting threads when they are imported.

The threads that OpenBLAS is given later sleep after 2^18 ticks of the processor without work, and
not after 2^26: by default they would take a core away from a run's first tenth of a second.

Source:
    OpenBLAS, USAGE.md: OPENBLAS_THREAD_TIMEOUT.
"""

_PR_SET_PDEATHSIG = 1
_STDERR = 2
_DESCRIPTORS = 256
_OOM_SCORE = "500"
_STAT = Path("/proc/self/stat")
_AREAS = slice(48 - 3, 52 - 3)
"""Fields 48 to 51, counted behind the name, with which the third field begins."""

_RESET = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGXFSZ)


def read_at_import(env: Mapping[str, str]) -> dict[str, str]:
    """Return those variables that decide what an interpreter and its imports become."""
    return {name: value for name, value in env.items() if _BEFORE_IMPORT.match(name)}


def die_with(parent: int) -> bool:
    """Have this process killed when the thread ends that forked it.

    Args:
        parent: Process id of the one that forked.

    Returns:
        False where that has ended already.

    Source:
        prctl(2) PR_SET_PDEATHSIG.
    """
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    return os.getppid() == parent


def limit_address_space(limit_bytes: int | None) -> None:
    """Set the soft limit of the address space, at most to the hard one."""
    if not limit_bytes:
        return
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = limit_bytes if hard == resource.RLIM_INFINITY else min(limit_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (limit, hard))


def limit_data(more_bytes: int) -> None:
    """Limit the private memory of this process, and the files it writes, and leave no core.

    What is reserved without being writable does not count, unlike in the address space.

    Args:
        more_bytes: Above what it has now.

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


def go_first() -> None:
    """When the machine is short of memory, a notebook goes before a scheduler or a server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_OOM_SCORE)


def reset_signals() -> None:
    """Take back what a shell or Python have set: a background job ignores SIGINT."""
    for number in _RESET:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)


def take_environment(env: Mapping[str, str]) -> None:
    """Replace the environment, and forget what has been read from the old one."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    tempfile.tempdir = None


@cache
def thread_pools() -> Any:
    """Return the thread pools of the libraries for linear algebra that are loaded at the first call."""
    import threadpoolctl  # type: ignore[import-untyped]  # it has no types

    return threadpoolctl.ThreadpoolController().select(internal_api="openblas")


def restore_threads(env: Mapping[str, str]) -> None:
    """Give OpenBLAS and numexpr the threads that they would have made themselves.

    Args:
        env: In which they would have been loaded; that of this process.

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
    """Begin a random sequence of its own, in every generator that is seeded once a process."""
    random.seed()
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed()


def relabel(words: Sequence[str], env: Mapping[str, str]) -> bool:
    """Show other words and another environment of this process to those who look at it from outside.

    ``ps`` and the cleanup of a lost attempt reads them in the place where the kernel has put them at
    the start of the program; a fork has those of its fork server there. They are written over in
    place, as far as there is room.

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
    """Have room for more open files than a kernel has at its start.

    To make room once there are threads takes Linux a hundredth of a second or two: it waits until
    no processor looks at the old table any more.

    Source:
        Linux, fs/file.c, expand_fdtable.
    """
    os.close(fcntl.fcntl(0, fcntl.F_DUPFD_CLOEXEC, _DESCRIPTORS - 1))


def redirect(output: os.stat_result, log: int) -> None:
    """Have every descriptor of this process that is a copy of one output be a copy of another.

    A kernel has put pipes in the place of its outputs, and keeps copies of them elsewhere.

    Args:
        output: Says which, by its inode.
        log: Descriptor of the other.
    """
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a run waits for it
        with contextlib.suppress(OSError):
            found = os.fstat(int(name))
            if (found.st_dev, found.st_ino) == (output.st_dev, output.st_ino):
                os.dup2(log, int(name), inheritable=os.get_inheritable(int(name)))


def leave(code: int, line: socket.socket | None = None) -> NoReturn:
    """End this process as the interpreter would, without taking every module apart.

    Args:
        code: Exit code.
        line: Closed when all is done. To give the memory back can take long, and no lock on a file
            is kept meanwhile.
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
    # Not all descriptors: those that a thread of ZeroMQ looks at must not go away under it.
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - a run waits for it
        with contextlib.suppress(OSError):
            if int(name) > _STDERR and stat.S_ISREG(os.fstat(int(name)).st_mode):
                os.close(int(name))
