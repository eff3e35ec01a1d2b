"""Processes forked by a test, which need no imports and may be killed."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable


def fork(work: Callable[[], None]) -> int:
    """Start a child that does the work, and return its process id.

    It exits with 0, or with 1 after printing an exception of the work.
    """
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        work()
        status = 0
    except BaseException:  # noqa: BLE001 - nothing may leave the child but its status
        traceback.print_exc()
    finally:
        os._exit(status)


def ended(child: int) -> int:
    """Wait for a child and return its exit code; negative for a signal."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
