"""``%etl published``: what is published."""

from __future__ import annotations

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, _command: Command) -> None:
    """Show all publications."""
    rows: list[dict[str, object]] = []
    for publication in session.workbench.channel.publications():
        version = publication.live or publication.draft
        rows.append(
            {
                "name": publication.name,
                "kind": publication.kind.value,
                "version": publication.live.number if publication.live else "draft",
                "rows": version.what.rows if version else None,
                "published": version.published_at if version else None,
                "owner": publication.owner,
            }
        )
    empty = "Nothing is published yet. Publish a frame: %etl publish table sales.daily df"
    show(Card(title=counted(len(rows), "publication"), rows=rows) if rows else Card(title=empty))
