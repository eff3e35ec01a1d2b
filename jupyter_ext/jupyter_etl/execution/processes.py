"""The processes of a kernel: interrupt, end and measure all of them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator

import psutil


def process_of(pid: int) -> psutil.Process | None:
    """Return a handle that stays with this process even when its number is given away again."""
    try:
        return psutil.Process(pid)
    except psutil.Error:
        return None


def interrupt(kernel: psutil.Process) -> None:
    """Send SIGINT to the kernel's process group, as an interrupt in Jupyter does."""
    try:
        if kernel.is_running():
            os.killpg(os.getpgid(kernel.pid), signal.SIGINT)
    except (ProcessLookupError, PermissionError):
        return


def kill_tree(kernel: psutil.Process | None, marker: tuple[str, str]) -> int:
    """Kill a kernel and everything it started.

    Found by descent, by the kernel's session, and by an environment variable that only this
    kernel was given: a process that left the tree and the session still carries that.

    Args:
        kernel: The kernel; None where it is not known.
        marker: Name and value of the environment variable.

    Returns:
        How many processes were killed.
    """
    victims = list(_family(kernel, marker))
    for victim in victims:
        try:
            victim.kill()
        except psutil.Error:
            continue
    return len(victims)


def tree_rss(pid: int) -> int:
    """Return the resident memory of a process and its descendants, in bytes."""
    root = process_of(pid)
    if root is None:
        return 0
    total = 0
    for process in [root, *_children(root)]:
        try:
            total += process.memory_info().rss
        except psutil.Error:
            continue
    return total


def _family(kernel: psutil.Process | None, marker: tuple[str, str]) -> Iterator[psutil.Process]:
    descendants: set[int] = set()
    session = None
    if kernel is not None and kernel.is_running():
        descendants = {kernel.pid, *(child.pid for child in _children(kernel))}
        session = kernel.pid
    elif kernel is not None and not psutil.pid_exists(kernel.pid):
        # Its number cannot be given away while members of its session live.
        session = kernel.pid
    me = os.getpid()
    for process in psutil.process_iter():
        related = process.pid in descendants or _in_session(process.pid, session)
        if process.pid != me and (related or _carries(process, marker)):
            yield process


def _children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return process.children(recursive=True)
    except psutil.Error:
        return []


def _in_session(pid: int, session: int | None) -> bool:
    if session is None or session == os.getsid(0):
        return False
    try:
        return os.getsid(pid) == session
    except (ProcessLookupError, PermissionError):
        return False


def _carries(process: psutil.Process, marker: tuple[str, str]) -> bool:
    name, value = marker
    try:
        return process.environ().get(name) == value
    except (psutil.Error, OSError):
        return False
