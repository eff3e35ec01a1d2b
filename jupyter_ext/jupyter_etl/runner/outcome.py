"""The outcome of an attempt."""

from __future__ import annotations

import errno
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import EtlError, ExecutionError, StorageError, StoreError
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.text import printable
from jupyter_etl.model import (
    Committed,
    Difference,
    Failure,
    FailureKind,
    Outcome,
    Staged,
    TimeLimit,
)
from jupyter_etl.runner.cells import cell_title
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import home_of
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.watchdogs.cancellation import Cancellation, CancellationReason

if TYPE_CHECKING:
    from papermill.exceptions import PapermillExecutionError

LOST = Failure(
    kind=FailureKind.LOST,
    message="the run was given to another attempt, or the ledger could not be reached",
)
"""The attempt no longer owns its run."""

_MEMORY_ERRORS = frozenset({"MemoryError", "_ArrayMemoryError", "ArrowMemoryError"})
_OWN_ERRORS = frozenset(["EtlError", *(kind.__name__ for kind in EtlError.__subclasses__())])
_MAX_ERROR = 500
_OF_THE_MACHINE = frozenset(
    {
        errno.EAGAIN, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM,
        errno.ENOSPC, errno.ENOTCONN, errno.EROFS, errno.ESTALE,
    }
)  # fmt: skip
"""Errors of the system that are never caused by the notebook."""


@dataclass(frozen=True, kw_only=True)
class AttemptOutcome:
    """The outcome of an attempt.

    Args:
        failure: The reason of the failure; None if it succeeded.
        failed_cell: Index in the deployed notebook, 0-based over all cells.
        began: See `AttemptReport`.
        committed: The outputs that become visible if it succeeded.
        staged, differences: The held outputs, and their differences from the live versions.
    """

    failure: Failure | None = None
    failed_cell: int | None = None
    began: bool = True
    committed: tuple[Committed, ...] = ()
    staged: tuple[Staged, ...] = ()
    differences: tuple[Difference, ...] = ()

    @property
    def outcome(self) -> Outcome:
        """The kind of the outcome."""
        return Outcome.SUCCEEDED if self.failure is None else self.failure.outcome

    @property
    def error(self) -> str:
        """The message of the failure; "" if it succeeded."""
        return "" if self.failure is None else self.failure.message


def outcome_of_execution(
    context: AttemptContext,
    limit: TimeLimit,
    progress: Progress | None,
    problem: Exception | None,
    *,
    memory: str,
) -> AttemptOutcome:
    """Return the outcome of the execution of a notebook.

    Args:
        limit: Time limit of the attempt.
        progress: Progress of the execution; None if it did not begin.
        problem: Exception raised by the execution; None if it reached the end.
        memory: See `refused_memory`.
    """
    if context.cancellation.reason is not None:
        return outcome_of_stop(context, limit, progress.at if progress else None)
    if problem is None:
        return AttemptOutcome()
    if progress is None or not progress.began:
        unstarted = outcome_before_start(problem, home_of(context.folder))
        if unstarted is not None:
            return unstarted
    return refused_memory(outcome_of_error(problem, progress), memory)


def outcome_of_stop(
    context: AttemptContext, limit: TimeLimit, at: int | None = None
) -> AttemptOutcome:
    """Return the outcome of an attempt that was stopped.

    Args:
        limit: Time limit of the attempt.
        at: Deployed index of the cell that was running; None if there was none.
    """
    cancellation = context.cancellation
    reason = cancellation.reason or CancellationReason.CANCELLED
    detail = limit.why if reason is CancellationReason.TIMED_OUT else cancellation.detail
    return outcome_of_cancellation(reason, at, limit.seconds, detail)


def outcome_of_cancellation(
    reason: CancellationReason, at: int | None, timeout_s: float, detail: str = ""
) -> AttemptOutcome:
    """Return the outcome of an attempt that was stopped for a reason.

    Args:
        reason: The reason; ``fenced`` counts as lost.
        at: Deployed index of the cell that was running; None if there was none.
        timeout_s: The time limit in seconds.
        detail: Detail of the reason; for a timeout, where the limit was set.
    """
    where = "" if at is None else f" in {cell_title(at)}"
    if reason is CancellationReason.OUT_OF_MEMORY:
        return outcome_of_memory(at, detail)
    if reason is CancellationReason.FENCED:
        return AttemptOutcome(failure=LOST)
    if reason is CancellationReason.UNGUARDED:
        message = f"the watchdog of time and cancellation failed{where}: {detail}"
        return _failed(FailureKind.UNGUARDED, message, at, retryable=True)
    if reason is CancellationReason.TIMED_OUT:
        why = f" ({detail})" if detail else ""
        message = f"timed out after {format_duration(timeout_s)}{why}{where}"
        return _failed(FailureKind.TIMED_OUT, message, at)
    return _failed(FailureKind.CANCELLED, f"cancelled{where}", at)


def outcome_of_memory(at: int | None, used: str, problem: str = "") -> AttemptOutcome:
    """Return the outcome of an attempt that reached its memory limit.

    Args:
        at: Deployed index of the cell that was running; None if there was none.
        used: ``2.1 GB used, the limit is 2 GB``.
        problem: Python's message about a refused allocation; "" if there was none.
    """
    where = "" if at is None else f" in {cell_title(at)}"
    more = f" ({problem})" if problem else ""
    message = f"out of memory{where}: {used}{more}"
    return _failed(FailureKind.OUT_OF_MEMORY, message, at, retryable=False)


def refused_memory(outcome: AttemptOutcome, used: str) -> AttemptOutcome:
    """Convert the outcome of a refused allocation to that of a reached memory limit.

    Args:
        used: ``2.1 GB used, the limit is 2 GB``; "" if there is no limit.
    """
    failure = outcome.failure
    if failure is None or failure.error_type.rpartition(".")[2] not in _MEMORY_ERRORS or not used:
        return outcome
    return outcome_of_memory(outcome.failed_cell, used, failure.message)


def error_of_cancellation(cancellation: Cancellation, at: int | None) -> str:
    """Return in one line why a kernel was ended deliberately; "" if it was not."""
    where = cell_title(at)
    if cancellation.reason is CancellationReason.OUT_OF_MEMORY:
        return outcome_of_memory(at, cancellation.detail).error
    if cancellation.reason is CancellationReason.UNGUARDED:
        return f"the kernel was ended in {where}: the watchdog of the run failed"
    if cancellation.reason is CancellationReason.TIMED_OUT:
        return f"the kernel was ended in {where}: the time of the run is over"
    if cancellation.reason is CancellationReason.CANCELLED:
        return f"the kernel was ended in {where}: the run was cancelled"
    return ""


def outcome_of_error(problem: Exception, progress: Progress | None) -> AttemptOutcome:
    """Return the outcome of an attempt that raised an exception.

    Args:
        progress: Provides the deployed index of a cell; None outside the execution.
    """
    from papermill.exceptions import PapermillExecutionError

    if isinstance(problem, EtlError):
        return outcome_of_etl_error(problem)
    if progress is not None:
        if isinstance(problem, PapermillExecutionError):
            return _outcome_of_cell(problem, progress)
        if isinstance(problem, RuntimeError) and progress.at is None:
            # jupyter_client raises this if a kernel does not reply, or dies before it does.
            text = one_line(type(problem).__name__, problem)
            return _failed(FailureKind.KERNEL_DIED, f"the kernel did not start: {text}", None)
    name = type(problem).__name__
    message = f"the notebook could not be executed: {one_line(name, problem)}"
    failure = Failure(kind=FailureKind.ERROR, error_type=name, message=message)
    return AttemptOutcome(failure=failure)


def outcome_of_etl_error(problem: EtlError) -> AttemptOutcome:
    """Return the outcome of an attempt that failed outside its cells."""
    return AttemptOutcome(failure=failure_of_etl_error(problem))


def failure_of_etl_error(problem: EtlError) -> Failure:
    """Return the failure that corresponds to an error of the platform."""
    known_as: BaseException = problem
    if type(problem) is ExecutionError and problem.__cause__ is not None:
        # The class of the cause identifies the responsible side better, for example NoSuchKernel.
        known_as = problem.__cause__
    return Failure(
        kind=FailureKind.ERROR,
        error_type=type(known_as).__name__,
        message=_short(str(problem)),
        retryable=_retryable(problem),
    )


def outcome_before_start(problem: Exception, home: Path) -> AttemptOutcome | None:
    """Return the outcome of a failure before the first cell; None if the platform did not cause it.

    Args:
        problem: Exception raised by the execution.
        home: The platform's home folder: an error of a path in it is caused by the platform.
    """
    if isinstance(problem, StorageError | StoreError):
        if not problem.retryable:
            return None
        name, text = type(problem).__name__, str(problem)
        failure = Failure(kind=FailureKind.ERROR, error_type=name, message=text)
    else:
        fault = _os_error(problem)
        if fault is None or not _is_of_platform(fault, home):
            return None
        text = f"the notebook could not be started: {fault}"
        failure = Failure(kind=FailureKind.NOT_STARTED, message=text)
    message = " ".join(printable(failure.message).split())
    return AttemptOutcome(failure=replace(failure, message=message, retryable=True), began=False)


def one_line(name: str, value: object) -> str:
    """Return ``NameError: name 'x' is not defined``: class and first line, without colours.

    The platform's own errors are full sentences, and shown without their class.
    """
    lines = printable(str(value)).strip().splitlines()
    if not lines or not lines[0]:
        return _short(name)
    return _short(lines[0] if name.rpartition(".")[2] in _OWN_ERRORS else f"{name}: {lines[0]}")


def _failed(
    kind: FailureKind, message: str, at: int | None, *, retryable: bool | None = None
) -> AttemptOutcome:
    failure = Failure(kind=kind, message=_short(message), retryable=retryable)
    return AttemptOutcome(failure=failure, failed_cell=at)


def _outcome_of_cell(problem: PapermillExecutionError, progress: Progress) -> AttemptOutcome:
    cell = progress.deployed(problem.cell_index)
    if progress.kernel_end is not None:
        return _failed(progress.kernel_end, problem.evalue, cell)
    name, value = problem.ename, problem.evalue
    if name == "CellExecutionError" and progress.failure is not None:
        # Papermill's replacement for an error without output, such as IPython's UsageError.
        name, value = progress.failure
    message = one_line(name, value)
    if name == "StdinNotImplementedError":
        message = (
            f"input() was called in {cell_title(cell)}, but a run has no input. Declare a "
            "parameter instead: %etl param NAME TYPE = DEFAULT."
        )
    failure = Failure(kind=FailureKind.ERROR, error_type=name, message=message)
    return AttemptOutcome(failure=failure, failed_cell=cell)


def _retryable(problem: EtlError) -> bool | None:
    """Return whether an error is retryable; None if it wraps a foreign exception."""
    foreign = isinstance(problem.__cause__, Exception) and not isinstance(
        problem.__cause__, EtlError
    )
    return None if foreign and not problem.retryable else problem.retryable


def _short(text: str) -> str:
    text = " ".join(printable(text).split())
    return text if len(text) <= _MAX_ERROR else f"{text[: _MAX_ERROR - 1]}…"


def _os_error(problem: BaseException | None) -> OSError | None:
    """Return the OSError that an exception is, or wraps."""
    while problem is not None and not isinstance(problem, OSError):
        problem = problem.__cause__
    return problem


def _is_of_platform(fault: OSError, home: Path) -> bool:
    if fault.errno in _OF_THE_MACHINE:
        return True
    names = [name for name in (fault.filename, fault.filename2) if isinstance(name, str)]
    return any(Path(name).is_relative_to(home) for name in names)
