"""``%etl history``: the versions of a publication."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show, size
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show the versions, newest first."""
    name, draft = str(command.args["name"]), bool(command.args["draft"])
    rows: list[dict[str, object]] = [
        {
            "version": v.number,
            "rows": v.what.rows,
            "size": "pruned" if v.pruned_at else size(v.what.bytes),
            "published": v.published_at,
            "run": v.run_id,
            "by": v.pipeline or v.owner,
            "note": v.note,
        }
        for v in session.workbench.channel.history(name, draft=draft)
    ]
    kind = "draft" if draft else "version"
    show(Card(title=f"{name}: {counted(len(rows), kind)}", rows=rows))
