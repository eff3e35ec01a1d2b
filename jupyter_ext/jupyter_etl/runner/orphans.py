"""Ends what a lost attempt has left: its runner, its kernel, all they started, and their sockets."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil

from jupyter_etl.runner.channel.sockets import clean_up_sockets
from jupyter_etl.runner.kernel.cgroups import find_groups, kill_group, pids_in, remove_group
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.kernel.processes import kill_tree, living

_GONE_S = 2.0
_LOOK_S = 0.02


def clean_up_attempt(folder: Path, *, pid: int | None, command: Sequence[str]) -> int:
    """Kill an attempt's runner and everything that carries its marker; delete sockets of the dead.

    The number that the ledger has may belong to a stranger by now: the runner is a process that
    was started for this folder.

    Args:
        pid: Of the runner, as the ledger has it; None where it has none for this machine.
        command: That starts a runner, without the folder.

    Returns:
        How many processes were killed.
    """
    runners = list(_runners([*command, str(folder)], pid))
    # Before the runner, which adopts orphans, is gone: afterwards nothing leads to them.
    started = [process for runner in runners for process in _started_by(runner)]
    for process in (*runners, *started):
        _kill(process)
    groups = find_groups(folder)
    in_groups = {pid for group in groups for pid in pids_in(group)}
    for group in groups:
        kill_group(group)
    # Afterwards: a runner that lives could still start a kernel.
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
            # A fork of a fork server has room behind its words.
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
        time.sleep(_LOOK_S)
