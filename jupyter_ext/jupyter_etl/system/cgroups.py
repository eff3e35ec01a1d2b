"""Control groups of attempts: a cold kernel and its descendants run in a group of their own.

A process can leave its parent, its session and its environment. It cannot leave its control group
unless it may write to another one. Where cgroup version 2 is mounted and this process may create
groups below its own, the group of an attempt is used to find and kill the attempt's processes.
Elsewhere there is no group, and the other methods of finding processes are used alone. A warm
kernel is in no group: moving a process that has threads takes 15 ms, and the fork server adopts its
orphans.

Source:
    cgroups(7); Linux, Documentation/admin-guide/cgroup-v2.rst.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path

PROCS = "cgroup.procs"

_MOUNTS = Path("/proc/self/mountinfo")
_OWN = Path("/proc/self/cgroup")
_KILL, _FREEZE, _EVENTS = "cgroup.kill", "cgroup.freeze", "cgroup.events"
_POLL_S = 0.01
_FROZEN_S = 0.2


def own_group(mounts: Path = _MOUNTS, own: Path = _OWN) -> Path | None:
    """Return the folder of this process's control group; None where version 2 is not mounted.

    Args:
        mounts: File in the format of /proc/self/mountinfo.
        own: File in the format of /proc/self/cgroup.
    """
    root = _root(mounts)
    try:
        lines = own.read_text().splitlines()
    except OSError:
        return None
    inner = next((line[3:] for line in lines if line.startswith("0::/")), None)
    if root is None or inner is None or ".." in inner.split("/"):
        return None
    return root / inner.lstrip("/")


def group_of(folder: Path, own: Path | None = None) -> Path | None:
    """Return the control group of an attempt, below this process's own; a cold kernel creates it.

    Args:
        folder: The attempt's folder.
        own: The group of this process; by default it is looked up.

    Returns:
        The group's folder; None where groups are not available.
    """
    own = own or own_group()
    return None if own is None else own / name_of(folder)


def name_of(folder: Path) -> str:
    """Return the name of an attempt's group, which is unique."""
    return f"jupyter-etl-{blake2b(os.fsencode(folder.absolute()), digest_size=12).hexdigest()}"


def find_groups(folder: Path, mounts: Path = _MOUNTS) -> list[Path]:
    """Return the groups left by an attempt, wherever its runner's own group was."""
    root, name = _root(mounts), name_of(folder)
    if root is None:
        return []
    return [Path(place, name) for place, inner, _ in os.walk(root) if name in inner]


def pids_in(group: Path | None) -> set[int]:
    """Return the live processes of a group and of the groups below it."""
    return {pid for folder in _folders(group) for pid in _pids(folder)}


def kill_group(group: Path | None) -> None:
    """Kill all processes of a group at once, including those that are being forked."""
    if group is None or _write(group / _KILL, "1"):
        return
    # Before Linux 5.14 there is no cgroup.kill; a frozen process cannot fork.
    _write(group / _FREEZE, "1")
    until = time.monotonic() + _FROZEN_S
    while "frozen 0" in _read(group / _EVENTS) and time.monotonic() < until:
        time.sleep(_POLL_S)
    for pid in pids_in(group):
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    _write(group / _FREEZE, "0")


def remove_group(group: Path | None, *, patience_s: float = 0.0) -> bool:
    """Delete a group and the groups below it; return False if live processes remain.

    Args:
        group: The group's folder.
        patience_s: Seconds to wait for processes that are exiting.
    """
    until = time.monotonic() + patience_s
    while not _removed(group):
        if time.monotonic() >= until:
            return False
        time.sleep(_POLL_S)
    return True


def _root(mounts: Path) -> Path | None:
    """Return the mount point of the whole version 2 hierarchy."""
    with contextlib.suppress(OSError):
        for line in mounts.read_text().splitlines():
            fields, _, kind = line.partition(" - ")
            words = fields.split()
            if kind.startswith("cgroup2 ") and words[3] == "/":
                return Path(re.sub(r"\\([0-7]{3})", lambda sign: chr(int(sign[1], 8)), words[4]))
    return None


def _folders(group: Path | None) -> Iterator[Path]:
    """Yield the groups below a group, then the group itself."""
    if group is not None:
        yield from (Path(place) for place, _, _ in os.walk(group, topdown=False))


def _pids(group: Path) -> Iterator[int]:
    # A process of another PID namespace is listed as 0.
    return (int(pid) for pid in _read(group / PROCS).split() if pid != "0")


def _removed(group: Path | None) -> bool:
    for folder in _folders(group):
        try:
            folder.rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            return False
    return True


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _write(path: Path, text: str) -> bool:
    """Write to an existing file; return whether that succeeded."""
    try:
        descriptor = os.open(path, os.O_WRONLY)
    except OSError:
        return False
    try:
        os.write(descriptor, text.encode())
    except OSError:
        return False
    finally:
        os.close(descriptor)
    return True
