"""How a run is shown."""

from __future__ import annotations

from datetime import UTC, datetime

from jupyter_etl.app.failure_lines import failure_lines
from jupyter_etl.app.health import seconds_of
from jupyter_etl.model import Checkpoint, Run, RunState
from jupyter_etl_magics.display import Card

_TONES = {
    RunState.SUCCEEDED: "ok",
    RunState.FAILED: "error",
    RunState.HELD: "error",
    RunState.CANCELLED: "warn",
    RunState.SKIPPED: "warn",
}


def outcome_of(run: Run) -> str:
    """Return how a run stands, in words."""
    return (run.outcome if run.finished_at and run.outcome else run.state).value.replace("_", " ")


def took(run: Run) -> float | None:
    """Return how long it was at work, seconds; None before it starts."""
    seconds = seconds_of(run, datetime.now(UTC))
    return None if seconds is None else round(seconds, 1)


def run_card(run: Run, checkpoint: Checkpoint | None = None) -> Card:
    """Return a run with what it published and why it failed.

    Args:
        run: Which.
        checkpoint: What it can go on from.
    """
    rows: list[dict[str, object]] = [
        {
            "published": v.name,
            "version": f"draft {v.number}" if v.draft else v.number,
            "rows": v.what.rows,
        }
        for v in run.published
    ]
    seconds = took(run)
    again = f"To look at it and decide: %etl held {run.id}" if run.state is RunState.HELD else ""
    if checkpoint is not None:
        again = (
            f"Retry from cell {checkpoint.failed_cell + 1}: %etl retry {run.id} --from-failed-cell"
        )
    return Card(
        title=f"Run {run.id} of {run.new.pipeline}: {outcome_of(run)}"
        + ("" if seconds is None else f" in {seconds:.1f} s"),
        tone=_TONES.get(run.state, ""),
        rows=rows,
        notes=[*failure_lines(run), run.output, again],
    )
