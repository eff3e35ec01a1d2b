"""Display of the health of pipelines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from jupyter_etl.model import PausedBy, PipelineHealth

if TYPE_CHECKING:
    from jupyter_etl.services.pipelines.pipelines import Pipelines


def attention_notes(needy: Mapping[str, PipelineHealth]) -> list[str]:
    """Return a line for each pipeline that needs attention, with the next step.

    Args:
        needy: In the order of display.
    """
    return [_note(name, health) for name, health in needy.items()]


def missing_notes(pipelines: Pipelines) -> list[str]:
    """Return a line for each pipeline whose notebook is missing, with the command to relink it."""
    return [
        f"The notebook of {p.name} is missing; version {p.version} still runs. If this is the "
        f"renamed or moved notebook: %etl relink {p.name}"
        for p in pipelines.list()
        if pipelines.missing(p)
    ]


def tone_of(found: Iterable[PipelineHealth]) -> str:
    """Return the tone of a card about these pipelines; "" if there are none."""
    every = list(found)
    if any(health.failing for health in every):
        return "error"
    if any(health.severity for health in every):
        return "warn"
    return "ok" if every else ""


def _note(name: str, health: PipelineHealth) -> str:
    person = " A user paused it." if health.paused_by is PausedBy.PERSON else ""
    resume = f" To resume it: %etl resume {name}" if health.paused_by else ""
    return f"{name}: {health.why}{person}{resume}"
