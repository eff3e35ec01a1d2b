"""The saved state of a failed attempt, from which its run can resume."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_etl.model.check import CheckResult
from jupyter_etl.model.publication import Publication, Staged
from jupyter_etl.model.run import Read, Run
from jupyter_etl.model.watermark import CursorMove


@dataclass(frozen=True, kw_only=True)
class Reported:
    """What a notebook has reported to its runner up to a point in time.

    Args:
        staged: Outputs to commit; in a checkpoint, their folders are relative to its own.
        checks: Results of checks.
        reads: Recorded reads.
        pinned: Publications as the run first saw them.
        moves: Reads of incremental loads.
    """

    staged: tuple[Staged, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    reads: tuple[Read, ...] = ()
    pinned: tuple[Publication, ...] = ()
    moves: tuple[CursorMove, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of an attempt after a cell failed.

    Args:
        attempt: Number of the attempt.
        failed_cell: Index in its notebook, 0-based over all cells.
        before: Sources of the code cells before it, which had been executed.
        kernel: The kernel that its notebook named; None if it named none.
        parameters: Parameters of the attempt, typed, as JSON values.
        reported: Reports to the runner before the failed cell.
        bytes: Size of the variables on disk.
        names: Names of the saved variables.
        left_out: Variables that were not saved, with the reason.
        uses: Other variables that functions in a variable look up when they are called.
        problem: Why it is impossible to resume; "" if it is possible.
    """

    attempt: int
    failed_cell: int
    before: tuple[str, ...] = ()
    kernel: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    reported: Reported = field(default_factory=Reported)
    bytes: int = 0
    names: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """Whether a run resumes from a checkpoint.

    Args:
        cell: Index of the first cell to execute, 0-based over all cells; after the last one if
            no cell is left. None to start from the first cell.
        why_not: One sentence if ``cell`` is None.
    """

    cell: int | None = None
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Retried:
    """The result of a request to resume from the failed cell.

    Args:
        run: The queued run.
        cell, why_not: See `Resumption`; a prediction before the run.
        deployed: Number of the version that was deployed for it; None if there is none.
        note: Why the saved notebook is not used; "" if it is.
    """

    run: Run
    cell: int | None = None
    why_not: str = ""
    deployed: int | None = None
    note: str = ""
