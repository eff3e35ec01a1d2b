"""The commands for versions and held outputs."""

from __future__ import annotations

from msgspec.structs import asdict

from jupyter_etl.cli.output import write, write_json, write_table
from jupyter_etl.errors import PublishError
from jupyter_etl.language.commands.declarations import JsonOutput
from jupyter_etl.language.commands.publications import (
    ApproveRequest,
    DiffRequest,
    HeldRequest,
    RejectRequest,
    RollbackRequest,
)
from jupyter_etl.model import Hold, PublicationVersion
from jupyter_etl.services import Etl
from jupyter_etl.services.bundles.versions import names_pipeline
from jupyter_etl.services.preview import Preview
from jupyter_etl.services.publications.differences import (
    change_rows,
    change_words,
    diff_view,
    difference_rows,
    hold_reasons,
    hold_title,
    hold_view,
)


def held(etl: Etl, request: HeldRequest) -> int:
    """Show the held outputs of all runs, or of one with its first rows."""
    if request.target is None:
        return _list_held(etl, request)
    hold = etl.holds.get(request.target)
    previews: dict[str, Preview | PublishError] = {}
    for name in hold.names:
        try:
            previews[name] = etl.holds.preview(hold.run_id, name, limit=request.limit)
        except PublishError as problem:
            previews[name] = problem
    if request.json:
        rows = {
            name: one.data.to_pylist() if isinstance(one, Preview) else None
            for name, one in previews.items()
        }
        write_json({**asdict(hold_view(hold)), "rows": rows})
        return 0
    _write_hold(hold)
    for name, one in previews.items():
        if isinstance(one, Preview):
            total = "" if one.total_rows is None else f" of {one.total_rows:,}"
            write(f"\n{name}: {one.data.num_rows:,}{total} rows")
            write_table(one.data.to_pylist(), "")
        else:
            write(f"\n{one.message} {one.hint}")
    _write_choice(hold)
    return 0


def approve(etl: Etl, request: ApproveRequest) -> int:
    """Publish the held outputs of a run, or show them."""
    if request.target is None:
        return _list_held(etl, request)
    done = etl.holds.approve(request.target)
    if request.json:
        write_json({**asdict(hold_view(done.hold)), "published": [_view(v) for v in done.versions]})
        return 0
    _write_hold(done.hold)
    for version in done.versions:
        write(f"Approved: {version.name} now has version {version.number}.")
    if not done.versions:
        write(f"Approved: run {done.hold.run_id} counts as succeeded; it publishes nothing.")
    return 0


def reject(etl: Etl, request: RejectRequest) -> int:
    """Discard the outputs of a held run."""
    hold = etl.holds.reject(request.target)
    if request.json:
        write_json(hold_view(hold))
        return 0
    _write_hold(hold)
    write(f"Rejected: run {hold.run_id} publishes nothing; the previous versions stay live.")
    return 0


def diff(etl: Etl, request: DiffRequest) -> int:
    """Show the differences between two versions of a publication, or of a pipeline's files."""
    if names_pipeline(etl.store, request.name):
        return _diff_files(etl, request)
    found = etl.publications.diff(
        request.name,
        request.before,
        request.after,
        key=request.key,
        draft=request.draft,
        sample=request.limit,
    )
    if request.json:
        write_json(diff_view(found))
        return 0
    write(f"{request.name}: version {found.before.number} and version {found.after.number}")
    write_table(difference_rows(found.difference), "Columns and rows are identical.")
    write(change_words(found))
    if found.changes is not None and found.changes.sample:
        write_table(change_rows(found.changes), "")
    return 0


def _diff_files(etl: Etl, request: DiffRequest) -> int:
    found = etl.pipelines.files.diff(request.name, request.before, request.after)
    if request.json:
        write_json(found)
        return 0
    if not found:
        write("The notebook and its files are identical.")
    for file in found:
        write(f"{file.path}: {file.change}")
        for line in file.lines:
            write(f"  {line}")
    return 0


def rollback(etl: Etl, request: RollbackRequest) -> int:
    """Publish the content of an earlier version again."""
    version = etl.publications.rollback(
        request.name, request.to, keep_watermarks=request.keep_watermarks
    )
    if request.json:
        write_json(_view(version))
    else:
        write(f"{version.name} now has version {version.number}: {version.note}.")
    return 0


def _list_held(etl: Etl, request: JsonOutput) -> int:
    waiting = etl.holds.list()
    if request.json:
        write_json([hold_view(hold) for hold in waiting])
        return 0
    if not waiting:
        write("No runs are held.")
    for hold in waiting:
        _write_hold(hold)
        _write_choice(hold)
    return 0


def _write_hold(hold: Hold) -> None:
    write(f"{hold_title(hold)} (owner {hold.owner})")
    for reason in hold_reasons(hold):
        write(f"  {reason}")
    for difference in hold.differences:
        if rows := difference_rows(difference):
            write_table([{"publication": difference.name, **row} for row in rows], "")


def _write_choice(hold: Hold) -> None:
    write(f"Review it: jupyter etl held {hold.run_id}")
    write(f"To publish it: jupyter etl approve {hold.run_id}; or: jupyter etl reject {hold.run_id}")


def _view(version: PublicationVersion) -> dict[str, object]:
    return {
        "name": version.name,
        "version": version.number,
        "rows": version.what.rows,
        "published_at": version.published_at,
        "note": version.note,
    }
