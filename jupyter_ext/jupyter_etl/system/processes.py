"""The processes of a kernel: finding, interrupting, killing and measuring them."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import psutil

from jupyter_etl.system.cgroups import kill_group, pids_in

Marker = tuple[str, str]
"""Name and value of an environment variable that only the processes of one attempt have."""

_PROC = Path("/proc")
_LISTS_CHILDREN = Path("/proc/thread-self/children").exists()
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 50
_ROUND_S = 0.02
_PR_SET_CHILD_SUBREAPER = 36
_adopting: tuple[int, set[int]] = (0, set())
"""The process that adopts orphans, and its earlier children; forks do not adopt."""


def adopt_orphans() -> None:
    """Make orphaned descendants of this process its children.

    A process that clears its environment, forks twice and leaves its session can be found in no
    other way. Call this in a process that runs one attempt, or that forks such processes.

    Source:
        prctl(2) PR_SET_CHILD_SUBREAPER; Linux only.
    """
    global _adopting
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _adopting = os.getpid(), set(_children(os.getpid()))


def orphans(known: Collection[int] = ()) -> set[int]:
    """Return the adopted children of this process, including zombies; none if it adopts none.

    Args:
        known: Children that this process has started itself since it began to adopt.
    """
    process, own = _adopting
    if process != os.getpid():
        return set()
    return set(_children(process)) - own - set(known)


def kill_orphans(known: Collection[int] = ()) -> bool:
    """Kill adopted children with their descendants, and reap those that have ended.

    Args:
        known: See `orphans`.

    Returns:
        Whether some are left, and this must be called again a little later.
    """
    found = orphans(known)
    _kill({pid for one in found for pid in (one, *descendants(one))})
    reap(found)
    return bool(orphans(known))


def reap(pids: Iterable[int]) -> None:
    """Reap children that have ended; no other code waits for orphans."""
    for pid in pids:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def process_of(pid: int) -> psutil.Process | None:
    """Return a handle that refers to this process even if its id is reused."""
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def has_children(pid: int) -> bool:
    """Return whether a process has children; True where Linux does not list them."""
    return not _LISTS_CHILDREN or any(True for _ in _children(pid))


def interrupt(kernel: psutil.Process) -> None:
    """Send SIGINT to the kernel's process group, like an interrupt in Jupyter."""
    try:
        if kernel.is_running():
            os.killpg(os.getpgid(kernel.pid), signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        return


def members(kernel: psutil.Process | None) -> set[int]:
    """Return the processes of a kernel: itself, its descendants, and those of its session.

    It reads little, so that it can be called ten times a second.
    """
    if kernel is None:
        return set()
    if kernel.is_running():
        found = {kernel.pid, *descendants(kernel.pid)}
    elif psutil.pid_exists(kernel.pid):
        return set()
    else:
        # The id cannot be reused while members of its session are running.
        found = set()
    if kernel.pid != os.getsid(0):
        found.update(pid for pid in psutil.pids() if _session(pid) == kernel.pid)
    return found - {os.getpid()}


def carriers(marker: Marker) -> set[int]:
    """Return the processes that were started with a marker in their environment."""
    me = os.getpid()
    # Kernel threads have no session and no environment. If this process has no session either, it
    # was started from outside the container's PID namespace, and so were its children.
    anyone = not _session(me)
    others = (pid for pid in psutil.pids() if pid != me and (anyone or _session(pid)))
    return {pid for pid in others if _carries(pid, marker)}


def kill_tree(
    kernel: psutil.Process | None,
    marker: Marker,
    *,
    group: Path | None = None,
    but_itself: bool = False,
) -> int:
    """Kill a kernel and all processes that it started, and wait for their end.

    Processes are found by descent, by the kernel's session, and by an environment variable that
    only this kernel has: a process that left the tree and the session still has the variable. One
    that cleared its environment too is found if it has a control group, or if this process adopts
    orphans.

    Args:
        kernel: The kernel; None if it is not known.
        marker: Name and value of the environment variable.
        group: The control group of its processes; None if it has none.
        but_itself: Spare the kernel, and kill only the processes that it started.

    Returns:
        The number of killed processes.
    """
    spared = {os.getpid(), kernel.pid} if kernel is not None and but_itself else {os.getpid()}
    known = (kernel.pid,) if kernel is not None else ()
    killed: set[int] = set()
    if not but_itself:
        killed |= pids_in(group)
        kill_group(group)
    for _ in range(_ROUNDS):
        # Repeated: a process that is being forked is in no list yet.
        found = members(kernel) | carriers(marker) | orphans(known) | pids_in(group)
        for pid in list(found):
            found.update(descendants(pid))
        victims = set(living(found - spared))
        if not victims:
            break
        _kill(victims)
        killed |= victims
        time.sleep(_ROUND_S)
        reap(orphans(known))
    return len(killed)


def living(pids: Iterable[int]) -> Iterator[int]:
    """Yield the processes that exist and are not zombies."""
    for pid in pids:
        try:
            if psutil.Process(pid).status() not in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
                yield pid
        except psutil.Error:
            continue


def resident_bytes(pids: Collection[int]) -> int:
    """Return the resident memory of processes; shared pages count once for each process."""
    return sum(_resident(pid) for pid in pids)


def used_bytes(pids: Collection[int]) -> int:
    """Return the memory used by processes: shared pages once, without mapped files.

    It walks the page tables, which takes milliseconds per gigabyte.

    Source:
        proc(5) ``smaps_rollup``.
    """
    return sum(_used(pid) for pid in pids)


def _kill(pids: Iterable[int]) -> None:
    for pid in pids:
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def descendants(root: int) -> set[int]:
    """Return the processes below a process, including zombies."""
    if not _LISTS_CHILDREN:
        process = process_of(root)
        try:
            return {child.pid for child in process.children(recursive=True)} if process else set()
        except psutil.Error:
            return set()
    found: set[int] = set()
    waiting = [root]
    while waiting:
        for child in _children(waiting.pop()):
            if child not in found:
                found.add(child)
                waiting.append(child)
    return found


def _children(pid: int) -> Iterator[int]:
    # Children are listed by the thread that forked them.
    tasks = f"/proc/{pid}/task"
    try:
        threads = os.listdir(tasks)  # noqa: PTH208 - a sample reads hundreds of these
    except OSError:
        return
    for thread in threads:
        yield from map(int, _read(f"{tasks}/{thread}/children").split())


def _session(pid: int) -> int | None:
    try:
        return os.getsid(pid)
    except (ProcessLookupError, PermissionError):
        return None


def _carries(pid: int, marker: Marker) -> bool:
    name, value = marker
    if _PROC.is_dir():
        wanted = b"\0" + os.fsencode(f"{name}={value}") + b"\0"
        return wanted in b"\0" + _read(f"/proc/{pid}/environ") + b"\0"
    try:
        return psutil.Process(pid).environ().get(name) == value
    except (psutil.Error, OSError):
        return False


def _resident(pid: int) -> int:
    if _LISTS_CHILDREN:
        fields = _read(f"/proc/{pid}/statm").split()
        return int(fields[1]) * _PAGE if fields else 0
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return 0


def _used(pid: int) -> int:
    rollup = _read(f"/proc/{pid}/smaps_rollup").decode().splitlines()[1:]
    sizes = {line.split(":")[0]: int(line.split()[1]) * 1024 for line in rollup}
    if "Pss_Anon" not in sizes:
        return _resident(pid)
    return sizes["Pss_Anon"] + sizes.get("Pss_Shmem", 0) + sizes.get("SwapPss", 0)


def _read(path: str) -> bytes:
    """Return the content of a file of /proc; empty if it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - a sample reads hundreds of these
            return file.read()
    except OSError:
        return b""
