"""Runs attempts as processes on this machine: forks of a fork server, or cold starts."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import socket
import subprocess
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import BinaryIO

from jupyter_etl.errors import ExecutionError
from jupyter_etl.ports import Claim, Executor
from jupyter_etl.runner.folders import LOG, attempt_folder, save_claim
from jupyter_etl.runner.kernel.kernels import COLD
from jupyter_etl.runner.orphans import clean_up_attempt
from jupyter_etl.runner.warm.client import ColdStart, WarmRunner, WarmRunners
from jupyter_etl.runner.warm.environment import hand_over, hide_own

NOT_STARTED = 127
"""Exit code of a runner that was not started, as in a shell for an unknown command."""

_SUPERVISOR = str(Path(__file__).with_name("supervisor.py"))
_Child = subprocess.Popen[bytes] | WarmRunner
_LOG = logging.getLogger(__name__)


class LocalExecutor:
    """Starts a detached runner process for every attempt, which may outlast this process.

    Args:
        command: Command of the runner, without the folder of the attempt.
        env: Variables to set in addition to this process's environment.
        warm: Forks runners from a fork server; None for cold starts only. The caller closes it.
    """

    def __init__(
        self,
        home: Path,
        *,
        command: Sequence[str],
        env: Mapping[str, str] | None = None,
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
        """Kill the processes of a lost attempt on this machine."""
        folder = attempt_folder(self._home, claim.run.id, claim.attempt.number)
        pid = claim.attempt.pid if claim.attempt.host == socket.gethostname() else None
        clean_up_attempt(folder, pid=pid, command=self._command)

    def close(self) -> None:
        """Release all resources; the runners continue."""
        with warnings.catch_warnings():
            # Popen warns about a child that is still running, which is intended here.
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
        """Start a runner cold after the fork server failed to; return an exit code on failure."""
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
    """Return the prefix of a command that runs a program under a supervisor, on Linux.

    Raises:
        OSError: The program does not exist.
    """
    if shutil.which(program) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    return (sys.executable, "-I", "-S", _SUPERVISOR) if sys.platform == "linux" else ()


class LocalExecutors:
    """Creates executors that share one fork server.

    Args:
        make: The class of the executor, `LocalExecutor`.
        command: See `LocalExecutor`.
        fork_server: Command of the fork server; None for cold starts only.
        env: See `LocalExecutor`.
        preload: Modules that the fork server imports in addition to those that most runs need.
        prestart_s: Seconds after a request during which the next runner is prestarted; 0 for never.
    """

    def __init__(
        self,
        home: Path,
        *,
        make: Callable[..., Executor],
        command: Sequence[str],
        fork_server: Sequence[str] | None,
        env: Mapping[str, str],
        preload: Sequence[str] = (),
        prestart_s: float = 0.0,
    ) -> None:
        self._home = home
        self._make = make
        self._command = command
        self._env = env
        self._warm = (
            WarmRunners(command=fork_server, preload=preload, prestart_s=prestart_s)
            if fork_server is not None
            else None
        )

    def prepare(self) -> None:
        """Start the fork server now, so that the first attempt does not wait for it."""
        if self._warm is not None:
            # If it cannot be started, each attempt is started cold and logs the reason.
            with suppress(ColdStart):
                self._warm.prepare()

    def executor(self) -> Executor:
        """Return a new executor."""
        # The code of a run can read the environment of its ancestor processes.
        hide_own()
        return self._make(self._home, command=self._command, env=self._env, warm=self._warm)

    def close(self) -> None:
        """Stop the fork server; the runners continue."""
        if self._warm is not None:
            self._warm.close()
