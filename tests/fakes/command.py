"""``jupyter etl`` as a person types it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its standard output, which must be JSON and nothing else."""
        return json.loads(self.out)


def start(*words: str, **options: Any) -> subprocess.Popen[str]:
    """Start a command as a process of its own.

    Its runs start cold: a fork server of its own would cost more than the few runs that it makes.
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


def finish(process: subprocess.Popen[str], timeout_s: float = 120) -> Said:
    """Wait for a command's end; a deadline only ends a test that has failed."""
    out, err = process.communicate(timeout=timeout_s)
    return Said(process.returncode, out, err)
