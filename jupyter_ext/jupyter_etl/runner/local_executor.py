"""Runs attempts as processes on this machine."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from jupyter_etl.errors import ExecutionError
from jupyter_etl.ports import Claim
from jupyter_etl.runner.folders import LOG, attempt_folder, save_claim
from jupyter_etl.runner.kernel.kernels import COLD
from jupyter_etl.runner.orphans import clean_up_attempt
from jupyter_etl.runner.warm.client import ColdStart, WarmRunner, WarmRunners
from jupyter_etl.runner.warm.environment import hand_over

RUNNER = (sys.executable, "-m", "jupyter_etl.services.processes.attempt")
"""The command of a runner; the attempt's folder is its one argument."""

NOT_STARTED = 127
"""Exit code of a runner that never was one, as a shell has it for a command that it cannot find."""

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_Child = subprocess.Popen[bytes] | WarmRunner
_LOG = logging.getLogger(__name__)


class LocalExecutor:
    """Starts a detached runner process for every attempt; it outlives this process.

    Args:
        env: Set on top of this process's environment.
        command: Of the runner, without the folder.
        warm: Forks runners from a fork server; None where all are started cold. It is the caller's
            to close.
    """

    def __init__(
        self,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = RUNNER,
        warm: WarmRunners | None = None,
    ) -> None:
        self._home = home
        self._env = dict(env or {})
        self._command = tuple(command)
        self._warm = warm
        self._children: dict[tuple[int, int], _Child] = {}

    def start(self, claim: Claim) -> None:
        """Start a runner process for this attempt and return at once.

        Raises:
            ExecutionError: It could not be started.
        """
        folder = save_claim(self._home, claim)
        words = (*self._command, str(folder))
        try:
            child = self._start_warm(claim, words)
        except ColdStart as problem:
            child = self._start_cold(words, str(problem))
        self._children[claim.run.id, claim.attempt.number] = child

    def ended(self) -> list[tuple[int, int, int]]:
        """Return ``(run_id, attempt number, exit code)`` of runners that have ended, once each."""
        ended = []
        for key, child in list(self._children.items()):
            try:
                code = child.poll()
            except ColdStart as problem:
                words = (*self._command, str(attempt_folder(self._home, *key)))
                code = self._start_again(key, words, str(problem))
            if code is not None:
                del self._children[key]
                ended.append((*key, code))
        return ended

    def clean_up(self, claim: Claim) -> None:
        """End what a lost attempt may have left running on this machine."""
        folder = attempt_folder(self._home, claim.run.id, claim.attempt.number)
        pid = claim.attempt.pid if claim.attempt.host == socket.gethostname() else None
        clean_up_attempt(folder, pid=pid, command=self._command)

    def close(self) -> None:
        """Let go of everything without ending a runner."""
        with warnings.catch_warnings():
            # Popen warns of a child that lives on; here that is the purpose.
            warnings.simplefilter("ignore", ResourceWarning)
            self._children.clear()

    def _start_warm(self, claim: Claim, words: Sequence[str]) -> _Child:
        if self._warm is None:
            raise ColdStart("warm starts are switched off")
        if not claim.run.new.policy.warm:
            raise ColdStart("the pipeline asks for a cold start")
        with self._log_of(words) as log:
            return self._warm.start(words, {**os.environ, **self._env}, log.fileno())

    def _start_cold(self, words: Sequence[str], why: str) -> _Child:
        with self._log_of(words) as log, ExitStack() as stack:
            try:
                env, waiting = hand_over({**os.environ, **self._env, COLD: why})
                if waiting is not None:
                    stack.enter_context(waiting)
                return subprocess.Popen(
                    [*_supervised(words[0]), *words],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env=env,
                    pass_fds=[waiting.fileno()] if waiting is not None else [],
                )
            except OSError as problem:
                raise ExecutionError(
                    f"The runner of {words[-1]} could not be started: {problem.strerror}.",
                    hint=f"It is started as: {' '.join(words)}",
                    retryable=True,
                ) from problem

    def _start_again(self, key: tuple[int, int], words: Sequence[str], why: str) -> int | None:
        """Start a runner cold that the fork server did not start; return an exit code where it fails."""
        try:
            self._children[key] = self._start_cold(words, why)
        except ExecutionError:
            _LOG.exception("Run %s, attempt %s", *key)
            return NOT_STARTED
        return None

    @staticmethod
    def _log_of(words: Sequence[str]) -> BinaryIO:
        path = Path(words[-1]) / LOG
        try:
            return path.open("ab")
        except OSError as problem:
            raise ExecutionError(
                f"The log of an attempt cannot be written: {problem.strerror}: {path}.",
                retryable=True,
            ) from problem


def _supervised(program: str) -> tuple[str, ...]:
    """Return the beginning of the command that runs a program under a supervisor, on Linux.

    Raises:
        OSError: The program is not there.
    """
    if shutil.which(program) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    return (sys.executable, "-I", "-S", _SUPERVISOR) if sys.platform == "linux" else ()
