"""Command lines that do the same as the panel's buttons; empty if no line can express it."""

from __future__ import annotations

import re
from keyword import iskeyword

from jupyter_etl.language.commands.data import LoadRequest, PreviewRequest, ReadRequest
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.lines import magic_line, read_call, shell_line
from jupyter_etl.language.commands.pipelines import (
    PauseRequest,
    RelinkRequest,
    ResumeRequest,
    UnscheduleRequest,
)
from jupyter_etl.language.commands.publications import (
    ApproveRequest,
    DiffRequest,
    HeldRequest,
    HistoryRequest,
    PublishedRequest,
    RejectRequest,
    RollbackRequest,
)
from jupyter_etl.language.commands.runs import (
    CancelRequest,
    LogsRequest,
    RetryRequest,
    RunsRequest,
    TriggerRequest,
)
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.commands.watermarks import WatermarkRequest
from jupyter_etl.model import Pipeline, Publication, PublicationVersion

Lines = dict[str, str]


def both_lines(request: Request) -> Lines:
    """Return the lines that make a request in a notebook and in a shell."""
    return {"magic": magic_line(request), "shell": shell_line(request)}


def pipeline_lines(pipeline: Pipeline) -> Lines:
    """Return the lines of a pipeline's buttons."""
    name, schedule = pipeline.name, pipeline.schedule
    if schedule is None:
        deploy = ScheduleRequest(on_demand=True)
    elif schedule.after:
        deploy = ScheduleRequest(after=schedule.after, after_all=schedule.after_all)
    else:
        deploy = ScheduleRequest(when=schedule.text, timezone=schedule.timezone)
    return {
        "trigger": shell_line(TriggerRequest(pipeline=name)),
        "pause": shell_line(PauseRequest(pipeline=name)),
        "resume": shell_line(ResumeRequest(pipeline=name)),
        "relink": shell_line(RelinkRequest(pipeline=name)),
        "unschedule": shell_line(UnscheduleRequest(pipeline=name)),
        "runs": shell_line(RunsRequest(pipeline=name)),
        "schedule": magic_line(deploy),
    }


def run_lines(run: int) -> Lines:
    """Return the lines of a run's buttons."""
    return {
        "log": shell_line(LogsRequest(run=str(run))),
        "cancel": shell_line(CancelRequest(run=run)),
        "retry": shell_line(RetryRequest(run=run)),
        "retry_from_failed_cell": shell_line(RetryRequest(run=run, from_failed_cell=True)),
    }


def hold_lines(run: int) -> Lines:
    """Return the lines of the buttons of a held run."""
    return {
        "show": shell_line(HeldRequest(target=str(run))),
        "approve": shell_line(ApproveRequest(target=str(run))),
        "reject": shell_line(RejectRequest(target=str(run))),
    }


def publication_lines(publication: Publication) -> Lines:
    """Return the lines of a publication's buttons; they read the draft if nothing is live."""
    name, live = publication.name, publication.live
    version = live or publication.draft
    call = read_call(name, draft=live is None)
    if version is not None and version.what.columns:
        read = shell_line(ReadRequest(name=name, draft=live is None))
    elif live is None:
        read = shell_line(HistoryRequest(name=name, draft=True))
    else:
        read = shell_line(PublishedRequest(name=name))
    return {
        "python": call,
        "preview": call if live is None else magic_line(PreviewRequest(target=name)),
        "read": read,
        "history": magic_line(HistoryRequest(name=name)),
    }


def version_lines(version: PublicationVersion, before: PublicationVersion | None) -> Lines:
    """Return the lines of a version's buttons; ``before`` is the version before it."""
    name, number = version.name, version.number
    return {
        "python": read_call(name, version=number),
        "diff": shell_line(DiffRequest(name=name, before=before.number, after=number))
        if before
        else "",
        "rollback": shell_line(RollbackRequest(name=name, to=number)),
    }


def preview_line(
    name: str, *, version: int | None = None, draft: bool = False, held: int = 0
) -> str:
    """Return the line that shows the rows of a version, or of a held run."""
    return hold_lines(held)["show"] if held else read_call(name, version=version, draft=draft)


def table_lines(source: str, table: str = "") -> Lines:
    """Return the lines of the buttons of a source, or of one of its tables."""
    target = f"{source}.{table}" if table else source
    load = magic_line(LoadRequest(target=target))
    return {
        "preview": magic_line(PreviewRequest(target=target)),
        "load": load and f"{_variable(table or source)} = {load}",
    }


def watermark_lines(pipeline: str, table: str, since: str) -> Lines:
    """Return the line of a watermark's button."""
    request = WatermarkRequest(pipeline=pipeline, table=table, since=since, reset=True)
    return {"reset": shell_line(request)}


def _variable(table: str) -> str:
    """Return a variable for a table: ``orders`` for ``main.orders``."""
    name = re.sub(r"\W+", "_", table.rpartition(".")[2])
    name = name if name.isidentifier() else f"t_{name}"
    name = f"{name}_" if iskeyword(name) else name
    return name if name.isidentifier() else "table"
