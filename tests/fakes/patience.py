"""Waiting for a condition instead of a fixed time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE_S = 150.0
"""Only ends a test that has failed: a slow machine that stalls for seconds stays far below it."""

T = TypeVar("T")


def until(what: str, happens: Callable[[], T], *, every_s: float = 0.03) -> T:
    """Return the first true result.

    Args:
        what: The condition, for the failure message.
        happens: Called repeatedly.
        every_s: Seconds between two calls.

    Raises:
        AssertionError: The condition did not become true.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        if found := happens():
            return found
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(every_s)
