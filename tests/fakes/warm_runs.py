"""Runs of notebooks whose processes are forks, with what is recorded of their kernels."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from jupyter_etl.model import Run
from jupyter_etl.services.etl import Etl


def run(etl: Etl, path: Path, **options: Any) -> tuple[Run, str, dict[str, object]]:
    """Run a notebook; return the run, all that it printed, and its kernel event."""
    made = etl.runs.run(path, **options)
    cells = json.loads(etl.runs.notebook(made.id))["cells"]
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    printed = "".join(
        "".join(output.get("text", "")) for output in outputs if output.get("name") == "stdout"
    )
    said = [event for event in etl.runs.events(made.id) if event["kind"] == "kernel"]
    return made, printed, said[-1]


def living_commands(process: psutil.Process) -> list[list[str]]:
    """Return the commands of all that this process and its children have started."""
    found = []
    for child in process.children(recursive=True):
        with suppress(psutil.NoSuchProcess):
            if child.status() != psutil.STATUS_ZOMBIE:
                found.append(child.cmdline())
    return found


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
