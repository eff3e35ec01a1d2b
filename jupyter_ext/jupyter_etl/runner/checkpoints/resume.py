"""Resuming from the checkpoint of an earlier attempt, and its traces in the executed notebook."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from jupyter_etl.errors import EtlError, ExecutionError, NotFound
from jupyter_etl.model import Reported
from jupyter_etl.ports import AttemptPolicy
from jupyter_etl.runner.cells import NotebookCell, cell_title, deployed_indices, note_cell
from jupyter_etl.runner.checkpoints.checkpoint import (
    carried_over,
    kernel_call,
    load_checkpoint,
)
from jupyter_etl.runner.folders import CHECKPOINT, EXECUTED, SNAPSHOT
from jupyter_etl.runner.preparation import Prepared, read_notebook


class NotRestored(ExecutionError):
    """The kernel could not load the variables of an earlier attempt."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """The first cell of an attempt, and the state of an earlier one.

    Args:
        cell: Index of the first cell to execute in the deployed notebook; None for all of them.
        taken_over: The code cells before it, as the earlier attempt executed them.
        attempt: Number of that attempt; None for a start from the first cell.
        code: Code that loads the variables into a kernel; "" for none.
        reported: The reports of that attempt.
        note: Markdown for users, placed at the first executed cell; "" for none.
    """

    cell: int | None = None
    taken_over: Sequence[NotebookCell] = ()
    attempt: int | None = None
    code: str = ""
    reported: Reported = field(default_factory=Reported)
    note: str = ""

    def place(self, cells: list[Any], deployed: Sequence[NotebookCell]) -> int:
        """Insert the note, and return the index of the first cell to execute.

        Args:
            cells: Cells of the executed notebook; changed in place.
        """
        first = 0
        if self.cell is not None:
            indices = deployed_indices(deployed, cells)
            first = indices.index(self.cell) if self.cell in indices else len(cells)
        if self.note:
            cells.insert(first, note_cell(self.note))
        return first

    def show(self, cells: Sequence[dict[str, Any]], deployed: Sequence[NotebookCell]) -> None:
        """Copy the earlier attempt's outputs to the cells that are not executed again.

        Args:
            cells: Cells of the executed notebook; changed in place.
        """
        before = [
            cell
            for index, cell in zip(deployed_indices(deployed, cells), cells, strict=True)
            if self.cell is not None
            and index is not None
            and index < self.cell
            and cell["cell_type"] == "code"
        ]
        for cell, old in zip(before, self.taken_over, strict=False):
            cell.update(outputs=old["outputs"], execution_count=old["execution_count"])
            about = old["metadata"].get("papermill", {})
            cell["metadata"]["papermill"] = {"taken_over_from": self.attempt, **about}


def start_of(
    resume_from: int | None,
    *,
    folder: Path,
    snapshot: str,
    prepared: Prepared,
    policy: AttemptPolicy,
) -> Start:
    """Return the start of an attempt.

    Args:
        resume_from: Number of the attempt that may have saved a checkpoint; None to start from the
            first cell.
        folder: Folder of the new attempt.
        snapshot: Snapshot of the notebook to execute.
        prepared: The same notebook, ready to be executed.
        policy: Decides whether the checkpoint fits.

    Returns:
        If it cannot resume: the first cell, with a note of the reason.
    """
    if resume_from is None:
        return Start()
    earlier = folder.parent / str(resume_from)
    try:
        checkpoint = load_checkpoint(earlier)
        planned = policy.resumption(checkpoint, snapshot, prepared.parameters)
        if planned.cell is None:
            return from_the_start(planned.why_not)
        done = _executed(earlier, len(checkpoint.before))
        reported = carried_over(checkpoint, earlier, folder)
    except NotFound as problem:
        return from_the_start(problem.message)
    except (OSError, EtlError, msgspec.MsgspecError) as problem:
        return from_the_start(f"the variables of attempt {resume_from} cannot be read: {problem}")
    return Start(
        cell=planned.cell,
        taken_over=done,
        attempt=resume_from,
        code=kernel_call("restore", earlier / CHECKPOINT),
        reported=reported,
        note=f"The cells above were executed by attempt {resume_from} of this run. This attempt "
        f"loaded its variables and resumes here, at {cell_title(planned.cell)}.",
    )


def from_the_start(why: str) -> Start:
    """Return the start from the first cell, with a note of why it does not resume."""
    return Start(
        note="This attempt could not resume at the failed cell, and starts from the first one: "
        f"{why}."
    )


def _executed(folder: Path, count: int) -> list[NotebookCell]:
    """Return the first code cells that an attempt executed."""
    deployed = read_notebook((folder / SNAPSHOT).read_text("utf-8"))["cells"]
    executed: list[Mapping[str, object]] = read_notebook((folder / EXECUTED).read_text("utf-8"))[
        "cells"
    ]
    indices = deployed_indices(deployed, executed)
    return [
        cell
        for index, cell in zip(indices, executed, strict=True)
        if index is not None and cell["cell_type"] == "code"
    ][:count]
