"""One figure of the benchmark, and how times are taken."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Figure:
    """What was measured, against what was promised.

    Args:
        what: In words.
        value: In ``unit``.
        unit: ``s``, ``ms``, ``MB`` or ``x`` (a ratio to the peer).
        goal: The largest value allowed; None where nothing was promised.
        detail: The medians behind a ratio.
    """

    what: str
    value: float
    unit: str
    goal: float | None = None
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        return None if self.goal is None else self.value <= self.goal

    def line(self) -> str:
        """Return one line of the report."""
        mark = {True: "met   ", False: "MISSED", None: "      "}[self.met]
        goal = "" if self.goal is None else f"  goal <= {self.goal:.3g} {self.unit}"
        return f"{mark} {self.what:<58} {self.value:9.3g} {self.unit}{goal}  {self.detail}"

    def plain(self) -> dict[str, object]:
        """Return it for JSON."""
        return {
            "what": self.what,
            "value": self.value,
            "unit": self.unit,
            "goal": self.goal,
            "met": self.met,
            "detail": self.detail,
        }


def timed(call: Callable[[], object]) -> float:
    """Return the wall-clock seconds of one call."""
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


def median_of(call: Callable[[], object], times: int) -> float:
    """Return the median seconds of several calls."""
    return statistics.median(timed(call) for _ in range(times))


def in_turn(
    ours: Callable[[], object], peer: Callable[[], object], times: int
) -> tuple[float, float, float]:
    """Time two calls in turn.

    Returns:
        Median seconds of ours, of the peer, and the median of the ratios pair by pair.
    """
    pairs = [(timed(ours), timed(peer)) for _ in range(times)]
    return (
        statistics.median(a for a, _ in pairs),
        statistics.median(b for _, b in pairs),
        statistics.median(a / b for a, b in pairs),
    )


def python(code: str, folder: Path, env: dict[str, str] | None = None) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout


def against(what: str, found: tuple[float, float, float], goal: float | None, peer: str) -> Figure:
    """Return a ratio with the medians behind it."""
    ours, theirs, ratio = found
    detail = f"{ours:.3f} s against {theirs:.3f} s of {peer}"
    return Figure(what=what, value=ratio, unit="x", goal=goal, detail=detail)


def each(values: Sequence[float]) -> str:
    """Return values for a detail."""
    return ", ".join(f"{value:.3g}" for value in values)
