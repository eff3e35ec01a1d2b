"""``%etl published``: what is published."""

from __future__ import annotations

from jupyter_etl.app.locations import ways_in
from jupyter_etl.app.versions import live_version
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show, size
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show all publications, or one and how other engines open it."""
    name = command.args["name"]
    if name is not None:
        show(_one(session, str(name)))
        return
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


def _one(session: Session, name: str) -> Card:
    version = live_version(session.workbench.channel.publication(name))
    what = version.what
    rows = f", {what.rows:,} rows" if what.rows is not None else ""
    title = f"{name}: {what.kind} version {version.number}{rows}, {size(what.bytes)}"
    notes = [f"At {what.location}", version.note]
    return Card(
        title=title,
        rows=[{"in": engine, "type": code} for engine, code in ways_in(version)],
        notes=notes,
    )
