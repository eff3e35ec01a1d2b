"""``%etl sample``: rows at random."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.as_frame import as_frame
from jupyter_etl.app.exploring import Sample, sample_data
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> object:
    """Say how many rows of how many were drawn, and return them."""
    args: dict[str, Any] = command.args
    drawn = sample_data(
        session.workbench, args["target"], args["amount"], seed=args["seed"], by=args["by"]
    )
    show(_card(drawn, means=args["means"]))
    return as_frame(drawn.data, args["as"])


def _card(drawn: Sample, *, means: bool) -> Card:
    count, total = drawn.data.num_rows, drawn.total_rows
    share = f" ({count / total:.2%})" if total else ""
    by = f" by {drawn.by}" if drawn.by is not None else ""
    rows: list[dict[str, object]] = []
    if means:
        rows = [
            {
                "column": one.column,
                "mean": one.mean,
                "95 % from": one.low,
                "to": one.high,
                "values": one.values,
            }
            for one in drawn.means()
        ]
    return Card(
        title=f"{drawn.name}: {count:,} of {total:,} rows{share}{by}, drawn {drawn.drawn_by}, "
        f"seed {drawn.seed}",
        tone="ok",
        rows=rows,
        notes=["The intervals hold for the mean of all rows." if rows else ""],
    )
