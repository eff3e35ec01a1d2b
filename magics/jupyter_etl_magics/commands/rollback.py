"""``%etl rollback``: make the content of an old version the newest one."""

from __future__ import annotations

from typing import Any

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Go back."""
    args: dict[str, Any] = command.args
    version = session.etl.publications.rollback(
        args["name"], args["to"], keep_watermarks=args["keep_watermarks"]
    )
    title = f"{version.name} is version {version.number} now: {version.note}."
    show(Card(title=title, tone="ok"))
