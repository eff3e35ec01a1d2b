"""The commands that publish, and those for publications and held outputs."""

from __future__ import annotations

from jupyter_etl.errors import PublishError
from jupyter_etl.language.commands.publications import (
    ApproveRequest,
    DiffRequest,
    HeldRequest,
    LineageRequest,
    PublishedRequest,
    PublishFileRequest,
    PublishReportRequest,
    PublishTableRequest,
    RejectRequest,
    RollbackRequest,
)
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Hold
from jupyter_etl.notebook import outputs
from jupyter_etl.notebook.outputs import Published
from jupyter_etl.services.bundles.versions import names_pipeline
from jupyter_etl.services.publications.differences import (
    change_rows,
    change_words,
    difference_rows,
    hold_title,
)
from jupyter_etl.services.publications.publications import ways_in
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
)
from jupyter_etl_magics.session import Session


def publish_table(session: Session, request: PublishTableRequest) -> None:
    """Stage a frame; outside a run, publish a draft and compare it with the live version."""
    _show_published(
        outputs.publish_table(
            session.data_session,
            request.name,
            request.data if request.since else _rows_of(session, request.data),
            mode=request.mode,
            key=request.key,
            partition_by=request.partition,
            contract=request.contract,
            change=request.change,
            allow=request.allow,
            since=request.since,
            lag=request.lag,
            live=request.live,
        )
    )


def publish_file(session: Session, request: PublishFileRequest) -> None:
    """Stage a file, or a frame as a file."""
    data = None if request.data is None else session.frame(request.data)
    _show_published(
        outputs.publish_file(
            session.data_session, request.path, data, name=request.name, live=request.live
        )
    )


def publish_report(session: Session, request: PublishReportRequest) -> None:
    """Stage this notebook as an HTML page."""
    _show_published(
        outputs.publish_report(
            session.data_session,
            request.title,
            name=request.name,
            hide_code=request.hide_code,
            live=request.live,
        )
    )


def _rows_of(session: Session, name: str) -> object:
    """Return a frame of the notebook, else a source or publication to be read in batches."""
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
                "size": rounded_size(staged.bytes),
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
                    "size": rounded_size(what.bytes),
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


def published(session: Session, request: PublishedRequest) -> None:
    """Show all publications, or one with the code that opens it in other engines."""
    name = request.name
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
    title = f"{name}: {what.kind} version {version.number}{rows}, {rounded_size(what.bytes)}"
    notes = [f"At {what.location}", version.note]
    return Card(
        title=title,
        rows=[{"in": engine, "type": code} for engine, code in ways_in(version)],
        notes=notes,
    )


def diff(session: Session, request: DiffRequest) -> None:
    """Show the differing columns, numbers of rows and rows; for a pipeline, the differing files."""
    if names_pipeline(session.etl.store, request.name):
        _show_files(session, request)
        return
    found = session.etl.publications.diff(
        request.name,
        request.before,
        request.after,
        key=request.key,
        draft=request.draft,
        sample=request.limit,
    )
    title = f"{request.name}: version {found.before.number} and version {found.after.number}"
    show(Card(title=title, rows=difference_rows(found.difference)))
    rows = [] if found.changes is None else change_rows(found.changes)
    show(Card(title=change_words(found), rows=rows))


def _show_files(session: Session, request: DiffRequest) -> None:
    found = session.etl.pipelines.files.diff(request.name, request.before, request.after)
    title = f"{request.name}: {counted(len(found), 'changed file')}"
    rows: list[dict[str, object]] = [{"file": one.path, "change": one.change} for one in found]
    below = [Card(title=one.path, notes=one.lines) for one in found if one.lines]
    show(Card(title=title, rows=rows, below=below))


def lineage(session: Session, request: LineageRequest) -> None:
    """Show the graph as nested lists, or in a terminal as a tree of text."""
    both = request.up == request.down
    graph = session.etl.lineage.graph(
        request.name, up=both or request.up, down=both or request.down, depth=request.depth
    )
    show_styled(graph.html(), graph.text())


def held(session: Session, request: HeldRequest) -> None:
    """Show a held run with the rows that would be published, or all held runs."""
    if request.target is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    hold = session.etl.holds.get(request.target)
    below = [_preview_held(session, hold, name, request.limit) for name in hold.names]
    show(held_card(hold, title=hold_title(hold), tone="warn", then=choice(hold), below=below))


def _preview_held(session: Session, hold: Hold, name: str, limit: int) -> Card:
    try:
        found = session.etl.holds.preview(hold.run_id, name, limit=limit)
    except PublishError as problem:
        return Card(title=name, notes=[problem.message, problem.hint])
    rows = arrow_rows(found.data)
    return Card(title=name, rows=rows, notes=[of_total(len(rows), found.total_rows), *found.notes])


def approve(session: Session, request: ApproveRequest) -> None:
    """Approve a held run, or show all held runs."""
    if request.target is None:
        for card in waiting_cards(session.etl.holds.list()):
            show(card)
        return
    done = session.etl.holds.approve(request.target)
    names = ", ".join(f"{v.name} now has version {v.number}" for v in done.versions)
    names = names or f"run {done.hold.run_id} counts as succeeded; it publishes nothing"
    show(held_card(done.hold, title=f"Approved: {names}", tone="ok"))


def reject(session: Session, request: RejectRequest) -> None:
    """Reject a held run."""
    hold = session.etl.holds.reject(request.target)
    title = f"Rejected: run {hold.run_id} publishes nothing; the previous versions stay live"
    show(held_card(hold, title=title, tone="ok"))


def rollback(session: Session, request: RollbackRequest) -> None:
    """Publish the content of an earlier version again."""
    version = session.etl.publications.rollback(
        request.name, request.to, keep_watermarks=request.keep_watermarks
    )
    title = f"{version.name} now has version {version.number}: {version.note}."
    show(Card(title=title, tone="ok"))
