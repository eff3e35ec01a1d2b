"""``%etl run``: run this notebook as a schedule would."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from IPython.display import display

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import show
from jupyter_etl_magics.run_card import run_card
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Run the saved file in a fresh kernel, show its progress and what came of it."""
    args: dict[str, Any] = command.args
    done = session.etl.runs.run(
        session.notebook_to_run(args["notebook"]),
        parameters=args["param"],
        draft=args["draft"],
        timeout_s=args["timeout"],
        checkpoint=args["checkpoint"],
        cold=args["cold"],
        on_event=_progress(),
    )
    show(run_card(done, session.etl.runs.checkpoint(done.id)))


def _progress() -> Callable[[Mapping[str, Any]], None]:
    """Return a listener that moves a progress bar; a terminal shows it as text."""
    from ipywidgets import IntProgress

    bar = IntProgress(min=0, max=1, description="starting")
    display(bar)  # type: ignore[no-untyped-call]  # IPython has no types

    def on_event(event: Mapping[str, Any]) -> None:
        if event["kind"] in {"cell_started", "cell_finished"}:
            bar.max, bar.value = event["of"], event["done"]
            bar.description = f"{event['done']} of {event['of']}"
        elif event["kind"] == "finished":
            bar.close()

    return on_event
