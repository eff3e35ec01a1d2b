"""``%etl publish``: a table, a file or this notebook as a report."""

from __future__ import annotations

from typing import Any

from jupyter_etl.app.outputs import Published, publish_file, publish_report, publish_table
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show, shown, size
from jupyter_etl_magics.session import Session


def execute(session: Session, command: Command) -> None:
    """Stage and hand over; by hand say how the draft differs from the live version."""
    args: dict[str, Any] = command.args
    bench = session.workbench
    if args["kind"] == "table":
        done = publish_table(
            bench,
            args["name"],
            args["data"] if args["since"] else _rows(session, args["data"]),
            mode=args["mode"],
            key=args["key"],
            partition_by=args["partition"],
            contract=args["contract"],
            change=args["change"],
            allow=args["allow"],
            since=args["since"],
            lag=args["lag"],
            live=args["live"],
        )
    elif args["kind"] == "file":
        data = None if args["data"] is None else session.frame(args["data"])
        done = publish_file(bench, args["path"], data, name=args["name"], live=args["live"])
    else:
        done = publish_report(
            bench,
            args["title"],
            name=args["name"],
            hide_code=args["hide_code"],
            live=args["live"],
        )
    _show(done)


def _rows(session: Session, name: str) -> object:
    """Return a frame of the notebook, else a source or publication to be read piece by piece."""
    if session.namespace.get(name) is not None:
        return session.frame(name)
    return session.workbench.stream(name)


def _show(done: Published) -> None:
    staged = done.staged
    if done.version is None:
        title = f"{staged.name}: staged; it becomes visible when this run succeeds"
    else:
        kind = "draft" if done.version.draft else "live version"
        title = f"{staged.name}: {kind} {done.version.number}"
    rows: list[dict[str, object]] = []
    if staged.rows is not None:
        rows.append(
            {
                "": "this",
                "rows": staged.rows,
                "columns": len(staged.columns),
                "size": size(staged.bytes),
                "published": done.version.published_at if done.version else None,
            }
        )
        if done.before is not None:
            what = done.before.what
            rows.append(
                {
                    "": f"live version {done.before.number}",
                    "rows": what.rows,
                    "columns": len(what.columns),
                    "size": size(what.bytes),
                    "published": done.before.published_at,
                }
            )
    show(Card(title=title, tone="warn" if done.blank else "ok", rows=rows, notes=_notes(done)))


def _notes(done: Published) -> list[str]:
    notes = []
    if done.blank:
        notes.append(
            "The saved notebook has no outputs, so the page shows none. Run the cells, save the "
            "notebook and publish again; or let a run make the page: %etl run --draft"
        )
    if done.added_columns:
        notes.append(f"New columns: {', '.join(done.added_columns)}.")
    if done.missing_columns:
        notes.append(f"Columns only the live version has: {', '.join(done.missing_columns)}.")
    if done.retyped:
        changes = (f"{one.name} was {one.before} and is {one.after}" for one in done.retyped)
        notes.append(f"Changed types: {'; '.join(changes)}.")
    notes += [f"A run that publishes this would be held: {finding}." for finding in done.findings]
    if done.version is not None:
        notes.append(f"At {shown(done.version.what.location)}")
        if done.version.draft:
            notes.append(
                "Consumers do not see a draft; a run publishes live, or --live does by hand."
            )
    return notes
