"""Runs attempts as processes on this machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from jupyter_etl.errors import ExecutionError
from jupyter_etl.execution.folders import LOG, attempt_folder, save_claim
from jupyter_etl.execution.leftovers import sweep_attempt
from jupyter_etl.ports import Claim

RUNNER = (sys.executable, "-m", "jupyter_etl.app.attempt")
"""The command of a runner; the attempt's folder is its one argument."""


class LocalExecutor:
    """Starts a detached runner process for every attempt; it outlives this process.

    Args:
        home: The platform's home folder.
        env: Set on top of this process's environment.
        command: Of the runner, without the folder.
    """

    def __init__(
        self,
        home: Path,
        *,
        env: Mapping[str, str] | None = None,
        command: Sequence[str] = RUNNER,
    ) -> None:
        self._home = home
        self._env = dict(env or {})
        self._command = tuple(command)
        self._children: dict[tuple[int, int], subprocess.Popen[bytes]] = {}

    def start(self, claim: Claim) -> None:
        """Start a runner process for this attempt and return at once.

        Raises:
            ExecutionError: It could not be started.
        """
        folder = save_claim(self._home, claim)
        try:
            with (folder / LOG).open("ab") as log:
                child = subprocess.Popen(
                    [*self._command, str(folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    env={**os.environ, **self._env},
                )
        except OSError as problem:
            raise ExecutionError(
                f"The runner of run {claim.run.id} could not be started: {problem.strerror}.",
                hint=f"It is started as: {' '.join(self._command)}",
                retryable=True,
            ) from problem
        self._children[claim.run.id, claim.attempt.number] = child

    def ended(self) -> list[tuple[int, int, int]]:
        """Return ``(run_id, attempt number, exit code)`` of runners that have ended, once each."""
        ended = []
        for key, child in list(self._children.items()):
            code = child.poll()
            if code is not None:
                del self._children[key]
                ended.append((*key, code))
        return ended

    def sweep(self, claim: Claim) -> None:
        """End what a lost attempt may have left running on this machine."""
        folder = attempt_folder(self._home, claim.run.id, claim.attempt.number)
        pid = claim.attempt.pid if claim.attempt.host == socket.gethostname() else None
        sweep_attempt(folder, pid=pid, command=self._command)

    def close(self) -> None:
        """Let go of everything without ending a runner."""
        with warnings.catch_warnings():
            # Popen warns of a child that lives on; here that is the purpose.
            warnings.simplefilter("ignore", ResourceWarning)
            self._children.clear()
