"""``%etl approx``: one figure with its error."""

from __future__ import annotations

from jupyter_etl.app.estimating import approx_data
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show, shown
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show the figure and its interval."""
    question, error = str(command.args["question"]), str(command.args["error"])
    found = approx_data(session.workbench, question, error=error)
    about = "=" if found.exact else "≈"
    between = "" if found.exact else f", 95 % between {shown(found.low)} and {shown(found.high)}"
    total = "" if found.total_rows is None else f" of {found.total_rows:,}"
    show(
        Card(
            title=f"{found.text} {about} {shown(found.value)}{between}",
            tone="ok",
            notes=[f"From {found.rows:,}{total} rows. {found.note}"],
        )
    )
