"""Cleans up after a lost attempt: its runner, its kernel, their processes, and their sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from jupyter_etl.runner.channel.sockets import clean_up_sockets
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.system.cgroups import find_groups, kill_group, pids_in, remove_group
from jupyter_etl.system.processes import kill_tree, living

_GONE_S = 2.0
_POLL_S = 0.02


def clean_up_attempt(folder: Path, *, pid: int | None, command: Sequence[str]) -> int:
    """Kill an attempt's runner and all processes that carry its marker; delete their sockets.

    The recorded process id may have been reused: the runner is identified by the attempt's folder
    in its command.

    Args:
        pid: The runner's process id in the ledger; None if there is none for this machine.
        command: Command that starts a runner, without the folder.

    Returns:
        The number of killed processes.
    """
    runners = list(_runners([*command, str(folder)], pid))
    # Collected before the runner is killed: it adopts orphans, which could not be found later.
    started = [process for runner in runners for process in _started_by(runner)]
    for process in (*runners, *started):
        _kill(process)
    groups = find_groups(folder)
    in_groups = {pid for group in groups for pid in pids_in(group)}
    for group in groups:
        kill_group(group)
    # Killed after the runner, which could otherwise still start a kernel.
    killed = len(runners) + len(started) + len(in_groups) + kill_tree(None, (ATTEMPT, str(folder)))
    for group in groups:
        remove_group(group, patience_s=_GONE_S)
    clean_up_sockets()
    return killed


def _runners(command: Sequence[str], pid: int | None) -> Iterator[psutil.Process]:
    me = os.getpid()
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        while words and not words[-1]:
            # A fork of a fork server has padding after its arguments.
            words.pop()
        known = process.pid == pid and command[-1] in words
        if process.pid != me and (words == command or known):
            yield process


def _started_by(runner: psutil.Process) -> list[psutil.Process]:
    try:
        return runner.children(recursive=True)
    except psutil.Error:
        return []


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.Error:
        return
    until = time.monotonic() + _GONE_S
    while any(living([process.pid])) and time.monotonic() < until:
        time.sleep(_POLL_S)
