"""``%etl diff``: how two versions differ."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.bundles.versions import names_pipeline
from jupyter_etl.app.differences import change_rows, change_words, difference_rows
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, counted, show
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Show columns, numbers of rows and the rows that differ; of a pipeline its files."""
    args: dict[str, Any] = command.args
    if names_pipeline(session.etl.store, args["name"]):
        _show_files(session, args)
        return
    found = session.etl.publications.diff(
        args["name"],
        args["before"],
        args["after"],
        key=args["key"],
        draft=args["draft"],
        sample=args["limit"],
    )
    title = f"{args['name']}: version {found.before.number} and version {found.after.number}"
    show(Card(title=title, rows=difference_rows(found.difference)))
    rows = [] if found.changes is None else change_rows(found.changes)
    show(Card(title=change_words(found), rows=rows))


def _show_files(session: Session, args: dict[str, Any]) -> None:
    found = session.etl.pipelines.files.diff(args["name"], args["before"], args["after"])
    title = f"{args['name']}: {counted(len(found), 'changed file')}"
    rows: list[dict[str, object]] = [{"file": one.path, "change": one.change} for one in found]
    below = [Card(title=one.path, notes=one.lines) for one in found if one.lines]
    show(Card(title=title, rows=rows, below=below))
