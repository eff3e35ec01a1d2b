"""Faults of the platform that end an attempt before its notebook begins."""

from __future__ import annotations

import errno
from pathlib import Path

from jupyter_etl.errors import StorageError, StoreError
from jupyter_etl.execution.ending import Ending
from jupyter_etl.model import Outcome
from jupyter_etl.spec.printable import printable

NOT_STARTED = "NotStarted"
"""Type of the error of such an attempt, where it is the system's."""

_OF_THE_MACHINE = frozenset(
    {
        errno.EAGAIN,
        errno.EDQUOT,
        errno.EIO,
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOSPC,
        errno.ENOTCONN,
        errno.EROFS,
        errno.ESTALE,
    }
)
"""Errors that say nothing about a notebook, wherever they occur."""


def ending_before_start(problem: Exception, home: Path) -> Ending | None:
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
    return Ending(
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
