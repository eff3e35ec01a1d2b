"""The peers of the comparison, in environments of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from bench.processes import Broken

_FOLDER = Path(__file__).parents[2] / ".venv" / "bench"
"""Folder of the environments; ``make clean`` deletes it."""


@dataclass(frozen=True)
class Peers:
    """An environment with some peers in their current versions, created at first use.

    Args:
        name: Name of its folder.
        packages: Packages to install, with their requirements.
        shows: Packages whose versions are reported.
    """

    name: str
    packages: tuple[str, ...]
    shows: tuple[str, ...]

    @cached_property
    def python(self) -> Path:
        """Its interpreter; raises `Broken` if it cannot be created."""
        folder = _FOLDER / self.name
        done, wanted = folder / "packages.json", json.dumps([sys.version, *self.packages])
        if not done.is_file() or done.read_text() != wanted:
            shutil.rmtree(folder, ignore_errors=True)
            _run(sys.executable, "-m", "venv", str(folder))
            _run(str(folder / "bin" / "pip"), "install", "-q", *self.packages)
            done.write_text(wanted)
        return folder / "bin" / "python"

    @property
    def command(self) -> Path:
        """The folder of its commands."""
        return self.python.parent

    @property
    def is_made(self) -> bool:
        """Whether it has been used in this process, so that its versions are reported."""
        return "python" in self.__dict__

    @property
    def versions(self) -> dict[str, str]:
        """Its packages with their versions."""
        code = (
            "import json, sys; from importlib.metadata import version;"
            "print(json.dumps({name: version(name) for name in sys.argv[1:]}))"
        )
        found: dict[str, str] = json.loads(_run(str(self.python), "-c", code, *self.shows))
        return found

    def environ(self, env: dict[str, str]) -> dict[str, str]:
        """Return an environment in which its commands are found first."""
        return env | {"PATH": f"{self.command}{os.pathsep}{env.get('PATH', '')}"}


def _run(*words: str) -> str:
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Broken(f"{' '.join(words[1:4])} ended with {done.returncode}: {done.stderr[-2000:]}")
    return done.stdout


RUNS = Peers(
    "runs",
    ("papermill", "jupyter-scheduler", "jupyter_server", "ipykernel", "pandas", "duckdb"),
    ("papermill", "jupyter-scheduler", "ipykernel", "nbconvert"),
)
DATA = Peers(
    "data",
    ("pandas", "pyarrow", "sqlalchemy", "psycopg[binary]", "tpchgen-cli"),
    ("pandas", "pyarrow", "sqlalchemy", "psycopg", "tpchgen-cli"),
)
CSV = Peers(
    "csv", ("pandas", "pyarrow", "polars", "duckdb"), ("pandas", "pyarrow", "polars", "duckdb")
)
CRON = Peers("cron", ("croniter", "apscheduler"), ("croniter", "apscheduler"))
"""Separate from the others, because jupyter-scheduler requires an old version of croniter."""

LITSERVE = Peers("litserve", ("litserve==0.2.19",), ("litserve",))
ROAPI = Peers("roapi", ("roapi==0.12.7",), ("roapi",))

ALL = (RUNS, DATA, CSV, CRON, LITSERVE, ROAPI)
