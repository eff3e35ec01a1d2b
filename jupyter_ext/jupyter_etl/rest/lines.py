"""The lines that do the same as the panel's buttons; empty where no line can say it."""

from __future__ import annotations

import re
from keyword import iskeyword

from jupyter_etl.language.commands.lines import magic_line, read_call, shell_line
from jupyter_etl.model import Pipeline, Publication, PublicationVersion
from jupyter_etl.rest.requests import Deploy, Trigger

Lines = dict[str, str]


def pipeline_lines(pipeline: Pipeline) -> Lines:
    """Return the lines of a pipeline's buttons."""
    verbs = ("trigger", "pause", "resume", "relink", "unschedule")
    lines = {verb: shell_line(verb, pipeline=pipeline.name) for verb in verbs}
    lines["runs"] = shell_line("runs", pipeline=pipeline.name)
    schedule = pipeline.schedule
    lines["schedule"] = (
        magic_line("schedule", on_demand=True)
        if schedule is None
        else magic_line(
            "schedule",
            when="" if schedule.after else schedule.text,
            tz=None if schedule.after else schedule.timezone,
            after=schedule.after,
            after_all=schedule.after_all,
        )
    )
    return lines


def schedule_lines(asked: Deploy) -> Lines:
    """Return the lines that deploy what a request asks for."""
    values = {
        "when": asked.when,
        "tz": asked.timezone if asked.when else None,
        "name": asked.name,
        "param": asked.parameters,
        "retries": asked.retries,
        "timeout": asked.limit_s,
        "catchup": asked.catchup,
        "overlap": asked.overlap,
        "on_lost": asked.on_lost,
        "priority": asked.priority,
        "memory": asked.memory_bytes,
        "checkpoint": asked.checkpoint,
        "cold": asked.cold,
        "owner": asked.owner,
        "after": tuple(asked.after),
        "after_all": asked.after_all,
        "expect": asked.expect,
        "shared": asked.shared,
        "on_demand": asked.on_demand,
        "reset": tuple(asked.reset),
        "include": tuple(asked.include),
        "anyway": asked.anyway,
    }
    return {
        "magic": magic_line("schedule", **values),
        "shell": shell_line("schedule", notebook=asked.notebook, **values),
    }


def trigger_lines(pipeline: str, asked: Trigger) -> Lines:
    """Return the lines that start the run a request asks for."""
    values = {"pipeline": pipeline, "param": asked.parameters, "draft": asked.draft}
    return {"magic": magic_line("trigger", **values), "shell": shell_line("trigger", **values)}


def run_lines(run: int) -> Lines:
    """Return the lines of a run's buttons."""
    return {
        "log": shell_line("logs", run=run),
        "cancel": shell_line("cancel", run=run),
        "retry": shell_line("retry", run=run),
        "retry_from_failed_cell": shell_line("retry", run=run, from_failed_cell=True),
    }


def hold_lines(run: int) -> Lines:
    """Return the lines of the buttons of a held run."""
    return {
        "show": shell_line("held", target=run),
        "approve": shell_line("approve", target=run),
        "reject": shell_line("reject", target=run),
    }


def publication_lines(publication: Publication) -> Lines:
    """Return the lines of a publication's buttons; they read the draft where nothing is live."""
    name, live = publication.name, publication.live
    version = live or publication.draft
    call = read_call(name, draft=live is None)
    if version is not None and version.what.columns:
        read = shell_line("read", name=name, draft=live is None)
    elif live is None:
        read = shell_line("history", name=name, draft=True)
    else:
        read = shell_line("published", name=name)
    return {
        "python": call,
        "preview": call if live is None else magic_line("preview", target=name),
        "read": read,
        "history": magic_line("history", name=name),
    }


def version_lines(version: PublicationVersion, before: PublicationVersion | None) -> Lines:
    """Return the lines of a version's buttons; ``before`` is the version before it."""
    name, number = version.name, version.number
    return {
        "python": read_call(name, version=number),
        "diff": shell_line("diff", name=name, before=before.number, after=number) if before else "",
        "rollback": shell_line("rollback", name=name, to=number),
    }


def preview_line(
    name: str, *, version: int | None = None, draft: bool = False, held: int = 0
) -> str:
    """Return the line that shows the rows of a version, or of a held run."""
    return hold_lines(held)["show"] if held else read_call(name, version=version, draft=draft)


def table_lines(source: str, table: str = "") -> Lines:
    """Return the lines of the buttons of a source, or of one of its tables."""
    target = f"{source}.{table}" if table else source
    load = magic_line("load", target=target)
    return {
        "preview": magic_line("preview", target=target),
        "load": load and f"{_variable(table or source)} = {load}",
    }


def watermark_lines(pipeline: str, table: str, since: str) -> Lines:
    """Return the line of a watermark's button."""
    values = {"pipeline": pipeline, "target": table, "since": since}
    return {"reset": shell_line("watermark", reset=True, **values)}


def _variable(table: str) -> str:
    """Return a variable for a table: ``orders`` for ``main.orders``."""
    name = re.sub(r"\W+", "_", table.rpartition(".")[2])
    name = name if name.isidentifier() else f"t_{name}"
    name = f"{name}_" if iskeyword(name) else name
    return name if name.isidentifier() else "table"
