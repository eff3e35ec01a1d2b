"""Figures of the benchmark, and their calculation from several samples."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from bench.processes import Cost


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A measured value and its goal.

    Args:
        what: Description.
        value: In ``unit``; None if it was not measured.
        unit: ``s``, ``ms``, ``MB``, ``%``, ``x`` (a ratio to the peer), ``/min``, or what is counted.
        goal: Goal in ``unit``; None if there is none.
        at_least: Whether the goal is the smallest value that is allowed, and not the largest.
        detail: The medians of a ratio, or why there is no value.
        there: False if the product lacks the feature: then the goal is missed.
    """

    what: str
    value: float | None
    unit: str
    goal: float | None = None
    at_least: bool = False
    detail: str = ""
    there: bool = True

    @property
    def state(self) -> str:
        """``met``, ``missed``, ``not measured``, or ``no goal``."""
        if self.value is None:
            return "not measured" if self.there else "missed"
        if self.goal is None:
            return "no goal"
        kept = self.value >= self.goal if self.at_least else self.value <= self.goal
        return "met" if kept else "missed"

    @property
    def promised(self) -> str:
        """The goal as text; "" if there is none."""
        if self.goal is None:
            return ""
        return f"{'≥' if self.at_least else '≤'} {_with_unit(self.goal, self.unit)}"

    @property
    def measured(self) -> str:
        """The value as text."""
        if self.value is None:
            return "not measured" if self.there else "not there"
        return _with_unit(self.value, self.unit)

    def line(self) -> str:
        """Return one line of the report."""
        mark = {"met": "met", "missed": "MISSED", "no goal": ""}.get(self.state, "-")
        return f"{mark:<6} {self.what:<68} {self.measured:>13}  {self.promised:<12} {self.detail}"

    def plain(self) -> dict[str, object]:
        """Return the figure as JSON values."""
        return {**asdict(self), "state": self.state}


def shown(value: float) -> str:
    """Return a number with three significant digits."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _with_unit(value: float, unit: str) -> str:
    if unit == "x" and 0 < value <= 0.25:
        return f"1/{shown(1 / value)}"
    return f"{shown(value)} {unit}"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two costs that were measured alternately, several times.

    Args:
        ours, theirs: Medians.
        wall, cpu: Median over the pairs of ours divided by theirs.
        times: Number of pairs.
    """

    ours: Cost
    theirs: Cost
    wall: float
    cpu: float
    times: int

    def detail(self, peer: str) -> str:
        """Return the medians for a detail."""
        return (
            f"{self.ours.wall_s:.3g} s ({self.ours.cpu_s:.3g} CPU s) against "
            f"{self.theirs.wall_s:.3g} s ({self.theirs.cpu_s:.3g} CPU s) of {peer}"
        )


def in_turn(ours: Callable[[], Cost], theirs: Callable[[], Cost], times: int) -> Pair:
    """Measure two costs alternately, so that changes of the machine's speed affect both.

    Args:
        ours, theirs: Each runs the work once.
        times: Number of pairs; the order alternates.
    """
    pairs: list[tuple[Cost, Cost]] = []
    for number in range(times):
        if number % 2:
            second, first = theirs(), ours()
            pairs.append((first, second))
        else:
            pairs.append((ours(), theirs()))
    return Pair(
        ours=median_cost([a for a, _ in pairs]),
        theirs=median_cost([b for _, b in pairs]),
        wall=statistics.median(a.wall_s / b.wall_s for a, b in pairs),
        cpu=statistics.median(a.cpu_s / max(b.cpu_s, 1e-3) for a, b in pairs),
        times=times,
    )


def median_cost(costs: Sequence[Cost]) -> Cost:
    """Return the medians of each field, and the largest peak."""
    return Cost(
        wall_s=statistics.median(cost.wall_s for cost in costs),
        cpu_s=statistics.median(cost.cpu_s for cost in costs),
        peak_bytes=max(cost.peak_bytes for cost in costs),
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * round(share * 1000) // 1000) - 1)]


def against(what: str, pair: Pair, peer: str, goal: float | None) -> Figure:
    """Return the ratio of wall-clock seconds, with its medians."""
    return Figure(what=what, value=pair.wall, unit="x", goal=goal, detail=pair.detail(peer))
