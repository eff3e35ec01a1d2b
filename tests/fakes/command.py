"""``jupyter etl`` as a command in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class CommandResult:
    """Output and exit code of a command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


Command = Callable[..., CommandResult]


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a process of its own.

    Its runs start cold: a fork server would cost more than it saves for a few runs.
    """
    return subprocess.Popen(
        [sys.executable, "-m", "jupyter_etl.cli", *words],
        env={**os.environ, "JUPYTER_ETL_WARM": "0"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def finish(process: subprocess.Popen[str], timeout_s: float = 120) -> CommandResult:
    """Wait for a command to exit; the deadline only ends a test that has failed."""
    out, err = process.communicate(timeout=timeout_s)
    return CommandResult(process.returncode, out, err)


def refused(said: CommandResult, *words: str, code: int = 2) -> None:
    """Assert one sentence on standard error that names the thing, and a next step."""
    assert said.code == code, said
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) <= 2, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err, said.err
