"""How an attempt ended."""

from __future__ import annotations

import errno
from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.errors import EtlError, ExecutionError, StorageError, StoreError
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.text import printable
from jupyter_etl.model import Outcome
from jupyter_etl.runner.cells import say_cell
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason

OUT_OF_MEMORY = "OutOfMemory"
KERNEL_EXITED = "KernelExited"
"""Type of the error if code of the notebook ended the kernel's process."""

_MEMORY_ERRORS = frozenset({"MemoryError", "_ArrayMemoryError", "ArrowMemoryError"})
_OWN_ERRORS = frozenset(["EtlError", *(kind.__name__ for kind in EtlError.__subclasses__())])
_MAX_ERROR = 500


@dataclass(frozen=True, kw_only=True)
class AttemptOutcome:
    """How an attempt ended.

    Args:
        outcome: Of the attempt.
        error_type: Name of the error's class; "" where none.
        error: One line; "" where none.
        failed_cell: Index in the deployed notebook, 0-based over all cells.
        source: Name of the source whose error it is; "" where none is known.
        retryable: Whether a further attempt may succeed; None where the error does not say so.
        began: As on `AttemptReport`.
    """

    outcome: Outcome
    error_type: str = ""
    error: str = ""
    failed_cell: int | None = None
    source: str = ""
    retryable: bool | None = None
    began: bool = True


def outcome_of_cancellation(
    reason: CancellationReason, at: int | None, timeout_s: float, detail: str = ""
) -> AttemptOutcome:
    """Tell the end of an attempt that was stopped.

    Args:
        reason: Why; ``fenced`` counts as lost.
        at: Deployed index of the cell that was running; None where none had begun.
        detail: What was said with the reason; where the limit is from.
    """
    where = "" if at is None else f" in {say_cell(at)}"
    if reason is CancellationReason.OUT_OF_MEMORY:
        return outcome_of_memory(at, detail)
    if reason is CancellationReason.UNGUARDED:
        return AttemptOutcome(
            outcome=Outcome.FAILED,
            error_type="GuardError",
            error=_short(f"the watch over time and cancellation failed{where}: {detail}"),
            failed_cell=at,
            retryable=True,
        )
    if reason is CancellationReason.TIMED_OUT:
        why = f" ({detail})" if detail else ""
        text = f"timed out after {format_duration(timeout_s)}{why}{where}"
        return AttemptOutcome(
            outcome=Outcome.TIMED_OUT, error_type="Timeout", error=text, failed_cell=at
        )
    if reason is CancellationReason.CANCELLED:
        return AttemptOutcome(
            outcome=Outcome.CANCELLED,
            error_type="Cancelled",
            error=f"cancelled{where}",
            failed_cell=at,
        )
    return AttemptOutcome(
        outcome=Outcome.LOST,
        error_type="Lost",
        error="the run was given to another attempt, or the ledger could not be reached",
    )


def outcome_of_memory(at: int | None, used: str, problem: str = "") -> AttemptOutcome:
    """Tell the end of an attempt that wanted more memory than it may have.

    Args:
        at: Deployed index of the cell that was running; None where none had begun.
        used: ``2.1 GB used, the limit is 2 GB``.
        problem: What Python said of an allocation that was refused; "" where it was not asked.
    """
    where = "" if at is None else f" in {say_cell(at)}"
    more = f" ({problem})" if problem else ""
    return AttemptOutcome(
        outcome=Outcome.FAILED,
        error_type=OUT_OF_MEMORY,
        error=_short(f"out of memory{where}: {used}{more}"),
        failed_cell=at,
        retryable=False,
    )


def refused_memory(ending: AttemptOutcome, used: str) -> AttemptOutcome:
    """Tell an allocation that was refused in the same words as one that was ended.

    Args:
        used: ``2.1 GB used, the limit is 2 GB``; "" where there is no limit.
    """
    if ending.error_type.rpartition(".")[2] not in _MEMORY_ERRORS or not used:
        return ending
    return outcome_of_memory(ending.failed_cell, used, ending.error)


def error_of_cancellation(cancellation: Cancellation, at: int | None) -> str:
    """Say in one line why a kernel was ended on purpose; "" where it was not."""
    where = say_cell(at)
    if cancellation.reason is CancellationReason.OUT_OF_MEMORY:
        return outcome_of_memory(at, cancellation.detail).error
    if cancellation.reason is CancellationReason.UNGUARDED:
        return f"the kernel was ended in {where}: nothing watched over it any more"
    if cancellation.reason is CancellationReason.TIMED_OUT:
        return f"the kernel was ended in {where}: the time of the run is over"
    if cancellation.reason is CancellationReason.CANCELLED:
        return f"the kernel was ended in {where}: the run was cancelled"
    return ""


def outcome_of_error(problem: Exception, progress: Progress | None) -> AttemptOutcome:
    """Tell the end of an attempt that failed.

    Args:
        problem: What came out of the execution.
        progress: Knows the deployed index of a cell; None before the execution.
    """
    from papermill.exceptions import PapermillExecutionError

    if isinstance(problem, PapermillExecutionError) and progress is not None:
        cell = progress.deployed(problem.cell_index)
        if problem.ename == "CellExecutionError" and progress.failure is not None:
            # Papermill's stand-in for an error that left no output, as IPython's UsageError.
            return _outcome_of_cell(*progress.failure, cell)
        return _outcome_of_cell(problem.ename, problem.evalue, cell)
    if isinstance(problem, EtlError):
        return outcome_of_etl_error(problem)
    text = one_line(type(problem).__name__, problem)
    if isinstance(problem, RuntimeError) and progress is not None and progress.at is None:
        # What jupyter_client raises when a kernel does not answer, or dies before it does.
        return AttemptOutcome(
            outcome=Outcome.FAILED,
            error_type="DeadKernelError",
            error=f"the kernel did not start: {text}",
        )
    return AttemptOutcome(
        outcome=Outcome.FAILED,
        error_type=type(problem).__name__,
        error=f"the notebook could not be executed: {text}",
    )


def outcome_of_etl_error(problem: EtlError) -> AttemptOutcome:
    """Tell the end of an attempt that failed outside its cells."""
    known_as: BaseException = problem
    if type(problem) is ExecutionError and problem.__cause__ is not None:
        # The cause says more about whose fault it is: NoSuchKernel, for one.
        known_as = problem.__cause__
    return AttemptOutcome(
        outcome=Outcome.FAILED,
        error_type=type(known_as).__name__,
        error=_short(str(problem)),
        retryable=_retryable(problem),
    )


def _retryable(problem: EtlError) -> bool | None:
    """Return what an error says of itself; one that stands for a foreign one may not know."""
    foreign = isinstance(problem.__cause__, Exception) and not isinstance(
        problem.__cause__, EtlError
    )
    return None if foreign and not problem.retryable else problem.retryable


def one_line(name: str, value: object) -> str:
    """Return ``NameError: name 'x' is not defined``: class and first line, without colours.

    The platform's own errors are sentences, which stand without their class.
    """
    lines = printable(str(value)).strip().splitlines()
    if not lines or not lines[0]:
        return _short(name)
    return _short(lines[0] if name.rpartition(".")[2] in _OWN_ERRORS else f"{name}: {lines[0]}")


def _outcome_of_cell(name: str, value: str, cell: int | None) -> AttemptOutcome:
    if name == "StdinNotImplementedError":
        text = (
            f"input() was called in {say_cell(cell)}, but a run has no input. Declare a "
            "parameter instead: %etl param NAME TYPE = DEFAULT."
        )
    elif name in ("DeadKernelError", KERNEL_EXITED):
        text = _short(str(value))
    else:
        text = one_line(name, value)
    return AttemptOutcome(outcome=Outcome.FAILED, error_type=name, error=text, failed_cell=cell)


def _short(text: str) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= _MAX_ERROR else f"{text[: _MAX_ERROR - 1]}…"


NOT_STARTED = "NotStarted"
"""Type of the error of such an attempt, where it is the system's."""

_OF_THE_MACHINE = frozenset(
    {
        errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
        errno.ENOSPC, errno.ENOTCONN, errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip
"""Errors that say nothing about a notebook, wherever they occur."""


def outcome_before_start(problem: Exception, home: Path) -> AttemptOutcome | None:
    """Tell the end of an attempt of which no cell has begun; None where the platform is not at fault.

    Args:
        problem: What came out of the execution.
        home: The platform's home folder: an error of a path in it is the platform's.
    """
    if isinstance(problem, StorageError | StoreError):
        if not problem.retryable:
            return None
        name, text = type(problem).__name__, str(problem)
    else:
        fault = _os_error(problem)
        if fault is None or not _is_of_platform(fault, home):
            return None
        name, text = NOT_STARTED, f"the notebook could not be started: {fault}"
    return AttemptOutcome(
        outcome=Outcome.FAILED,
        error_type=name,
        error=" ".join(printable(text).split()),
        retryable=True,
        began=False,
    )


def _os_error(problem: BaseException | None) -> OSError | None:
    """Return the error of the system that an exception is, or stands for."""
    while problem is not None and not isinstance(problem, OSError):
        problem = problem.__cause__
    return problem


def _is_of_platform(fault: OSError, home: Path) -> bool:
    if fault.errno in _OF_THE_MACHINE:
        return True
    names = [name for name in (fault.filename, fault.filename2) if isinstance(name, str)]
    return any(Path(name).is_relative_to(home) for name in names)
