"""What a failed attempt kept, so that its run can go on from the cell that failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from jupyter_etl.model.check import CheckResult
from jupyter_etl.model.publication import Publication, Staged
from jupyter_etl.model.run import Read, Run
from jupyter_etl.model.watermark import CursorMove


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a run had said to its runner at some moment.

    Args:
        staged: Outputs to commit; in a checkpoint their folders are relative to its own.
        checks: Results of checks.
        reads: What was read.
        pinned: Publications as the run first saw them.
        moves: What incremental loads read.
    """

    staged: tuple[Staged, ...] = ()
    checks: tuple[CheckResult, ...] = ()
    reads: tuple[Read, ...] = ()
    pinned: tuple[Publication, ...] = ()
    moves: tuple[CursorMove, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """The state of an attempt when a cell had failed.

    Args:
        attempt: Its number.
        failed_cell: Index in its notebook, 0-based over all cells.
        before: Sources of the code cells before that one, which had been executed.
        kernel: That its notebook named; None where it named none.
        parameters: Given to the attempt, typed, as JSON values.
        said: Before the cell that failed began.
        bytes: Size of the variables on disk.
        names: Variables that were kept.
        left_out: Variables that were not, with the reason.
        uses: Other variables that the functions inside a variable look up when they are called.
        problem: Why there is nothing to go on from; "" where there is.
    """

    attempt: int
    failed_cell: int
    before: tuple[str, ...] = ()
    kernel: str | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    said: Said = field(default_factory=Said)
    bytes: int = 0
    names: tuple[str, ...] = ()
    left_out: Mapping[str, str] = field(default_factory=dict)
    uses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Resumption:
    """Whether a run goes on from a checkpoint.

    Args:
        cell: Index of the first cell to execute, 0-based over all cells; behind the last one
            where nothing is left to execute. None for a start from the first cell.
        why_not: One sentence, where ``cell`` is None.
    """

    cell: int | None = None
    why_not: str = ""


@dataclass(frozen=True, kw_only=True)
class Retried:
    """What became of the wish to go on from the failed cell.

    Args:
        run: As it is queued now.
        cell, why_not: As in `Resumption`, as far as can be told before the run.
        deployed: Number of the version that was deployed for it; None where none was.
        note: Why the saved notebook is not what runs; "" where it is.
    """

    run: Run
    cell: int | None = None
    why_not: str = ""
    deployed: int | None = None
    note: str = ""
