"""The commands that publish, and those about what is published or pending approval."""

from __future__ import annotations

from typing import Any

from jupyter_etl.errors import PublishError
from jupyter_etl.language.commands.parser import Command
from jupyter_etl.model import Hold
from jupyter_etl.notebook.outputs import Published, publish_file, publish_report, publish_table
from jupyter_etl.services.bundles.versions import names_pipeline
from jupyter_etl.services.publications.differences import (
    change_rows,
    change_words,
    difference_rows,
    hold_title,
)
from jupyter_etl.services.publications.locations import ways_in
from jupyter_etl.services.reading import live_version
from jupyter_etl_magics.cards import choice, held_card, waiting_cards
from jupyter_etl_magics.display import (
    Card,
    arrow_rows,
    counted,
    of_total,
    show,
    show_styled,
    shown,
    size,
)
from jupyter_etl_magics.session import Session


def publish(session: Session, command: Command) -> None:
    """Stage and hand over; by hand say how the draft differs from the live version."""
    args: dict[str, Any] = command.args
    data_session = session.data_session
    if args["kind"] == "table":
        done = publish_table(
            data_session,
            args["name"],
            args["data"] if args["since"] else _rows_of(session, args["data"]),
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
        done = publish_file(data_session, args["path"], data, name=args["name"], live=args["live"])
    else:
        done = publish_report(
            data_session,
            args["title"],
            name=args["name"],
            hide_code=args["hide_code"],
            live=args["live"],
        )
    _show_published(done)


def _rows_of(session: Session, name: str) -> object:
    """Return a frame of the notebook, else a source or publication to be read piece by piece."""
    if session.namespace.get(name) is not None:
        return session.frame(name)
    return session.data_session.stream(name)


def _show_published(done: Published) -> None:
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
    show(Card(title=title, tone="warn" if done.blank else "ok", rows=rows, notes=_notes_on(done)))


def _notes_on(done: Published) -> list[str]:
    notes = []
    if done.blank:
        notes.append(
            "The saved notebook has no outputs, so the page shows none. Run the cells, save the "
            "notebook and publish again; or create the page in a run: %etl run --draft"
        )
    if done.added_columns:
        notes.append(f"New columns: {', '.join(done.added_columns)}.")
    if done.missing_columns:
        notes.append(f"Columns only in the live version: {', '.join(done.missing_columns)}.")
    if done.retyped:
        changes = (f"{one.name} was {one.before} and is {one.after}" for one in done.retyped)
        notes.append(f"Changed types: {'; '.join(changes)}.")
    notes += [f"A run that publishes this would be held: {finding}." for finding in done.findings]
    if done.version is not None:
        notes.append(f"At {shown(done.version.what.location)}")
        if done.version.draft:
            notes.append(
                "Readers do not see a draft; to publish a live version, use a run, or --live "
                "interactively."
            )
    return notes


def published(session: Session, command: Command) -> None:
    """Show all publications, or one and how other engines open it."""
    name = command.args["name"]
    if name is not None:
        show(_versions_of(session, str(name)))
        return
    rows: list[dict[str, object]] = []
    for publication in session.data_session.channel.publications():
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
    empty = "There are no publications yet. Publish a frame: %etl publish table sales.daily df"
    show(Card(title=counted(len(rows), "publication"), rows=rows) if rows else Card(title=empty))


def _versions_of(session: Session, name: str) -> Card:
    version = live_version(session.data_session.channel.publication(name))
    what = version.what
    rows = f", {what.rows:,} rows" if what.rows is not None else ""
    title = f"{name}: {what.kind} version {version.number}{rows}, {size(what.bytes)}"
    notes = [f"At {what.location}", version.note]
    return Card(
        title=title,
        rows=[{"in": engine, "type": code} for engine, code in ways_in(version)],
        notes=notes,
    )


def diff(session: Session, command: Command) -> None:
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


def lineage(session: Session, command: Command) -> None:
    """Show the graph as nested lists, in a terminal as a tree of text."""
    args: dict[str, Any] = command.args
    both = args["up"] == args["down"]
    graph = session.etl.lineage.graph(
        args["name"], up=both or args["up"], down=both or args["down"], depth=args["depth"]
    )
    show_styled(graph.html(), graph.text())


def held(session: Session, command: Command) -> None:
    """Show one with the rows that would be published, or all that waits."""
    args: dict[str, Any] = command.args
    if args["target"] is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    hold = session.etl.holds.get(args["target"])
    below = [_preview_held(session, hold, name, args["limit"]) for name in hold.names]
    show(held_card(hold, title=hold_title(hold), tone="warn", then=choice(hold), below=below))


def _preview_held(session: Session, hold: Hold, name: str, limit: int) -> Card:
    try:
        found = session.etl.holds.preview(hold.run_id, name, limit=limit)
    except PublishError as problem:
        return Card(title=name, notes=[problem.message, problem.hint])
    rows = arrow_rows(found.data)
    return Card(title=name, rows=rows, notes=[of_total(len(rows), found.total_rows), *found.notes])


def approve(session: Session, command: Command) -> None:
    """Approve one, or show all that waits."""
    args: dict[str, Any] = command.args
    if args["target"] is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    done = session.etl.holds.approve(args["target"])
    names = ", ".join(f"{v.name} now has version {v.number}" for v in done.versions)
    names = names or f"run {done.hold.run_id} counts as succeeded; it publishes nothing"
    show(held_card(done.hold, title=f"Approved: {names}", tone="ok"))


def reject(session: Session, command: Command) -> None:
    """Reject one."""
    args: dict[str, Any] = command.args
    hold = session.etl.holds.reject(args["target"])
    title = f"Rejected: run {hold.run_id} publishes nothing; the previous versions stay live"
    show(held_card(hold, title=title, tone="ok"))


def rollback(session: Session, command: Command) -> None:
    """Go back."""
    args: dict[str, Any] = command.args
    version = session.etl.publications.rollback(
        args["name"], args["to"], keep_watermarks=args["keep_watermarks"]
    )
    title = f"{version.name} now has version {version.number}: {version.note}."
    show(Card(title=title, tone="ok"))
