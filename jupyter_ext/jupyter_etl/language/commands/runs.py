"""Requests that start, show and control runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import field

from jupyter_etl.language.commands.common import (
    CHECKPOINT,
    CLI,
    COLD,
    DRAFT,
    MAGIC,
    NOTEBOOK,
    PARAMETERS,
    PIPELINE,
    ROW_LIMIT,
    RUN,
    TAGS,
    THIS_NOTEBOOK,
    THIS_PIPELINE,
    TIMEOUT,
    Tags,
    Values,
    both,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
    Request,
)
from jupyter_etl.model import RunState

_TERMINAL = (MAGIC, CLI)
_RUN = replace(RUN, on=_TERMINAL)
_RUN_OR_PIPELINE = Argument(
    required=True,
    placeholder="RUN|PIPELINE",
    completes="run",
    help="The number of the run, or the name of a pipeline for its latest run.",
)


class RunRequest(JsonOutput, frozen=True, kw_only=True):
    """Run a notebook now and wait for the result."""

    forms: ClassVar = (
        magic(
            "run",
            "Schedule",
            "Run this notebook now, in a fresh kernel.",
            "run -p day=2026-01-01 --draft",
            ledger=True,
        ),
        cli(
            "run",
            "Run",
            "Run a notebook now and wait for the result. Exit code: 0 succeeded, 1 failed, 2 usage, "
            "3 held, 4 cancelled, 5 timed out.",
            "run report.ipynb -p day=2026-01-01 --timeout 10m",
            "run report.ipynb --draft --json",
        ),
    )

    notebook: Annotated[str, NOTEBOOK, THIS_NOTEBOOK] = ""
    parameters: Annotated[Values, PARAMETERS] = field(default_factory=dict)
    draft: Annotated[bool, DRAFT] = False
    timeout_s: Annotated[float | None, TIMEOUT] = None
    checkpoint: Annotated[bool, CHECKPOINT] = False
    cold: Annotated[bool, COLD] = False


class TriggerRequest(JsonOutput, frozen=True, kw_only=True):
    """Run the deployed version of a pipeline once, through the scheduler."""

    forms: ClassVar = (
        magic(
            "trigger",
            "Schedule",
            "Run the deployed version once.",
            "trigger daily-sales -p day=2026-01-01",
            ledger=True,
        ),
        cli(
            "trigger",
            "Run",
            "Run the deployed version of a pipeline once, through the scheduler.",
            "trigger daily-sales -p day=2026-01-01 --wait",
        ),
    )

    pipeline: Annotated[str, PIPELINE, THIS_PIPELINE] = ""
    parameters: Annotated[Values, PARAMETERS] = field(default_factory=dict)
    draft: Annotated[bool, DRAFT] = False
    wait: Annotated[
        bool,
        Argument(on=(MAGIC,), flags=("--wait",), help="Wait for the run to finish."),
        Argument(
            on=(CLI,),
            flags=("--wait",),
            help="Wait for the run to finish; the exit codes are those of 'run'.",
        ),
    ] = False


class StatusRequest(JsonOutput, frozen=True, kw_only=True):
    """Show the state of pipelines, runs and schedulers."""

    forms: ClassVar = both(
        "status",
        ("Watch", "Watch"),
        "Show the state of pipelines, runs and schedulers.",
        "status",
        ledger=False,
    )


class RunsRequest(JsonOutput, frozen=True, kw_only=True):
    """List runs, newest first."""

    forms: ClassVar = (
        magic(
            "runs",
            "Watch",
            "List runs, newest first.",
            "runs --pipeline daily-sales -n 5",
            ledger=True,
        ),
        cli(
            "runs",
            "Watch",
            "List runs, newest first.",
            "runs --pipeline daily-sales --limit 5 --json",
        ),
    )

    pipeline: Annotated[
        str | None,
        Argument(
            flags=("--pipeline",),
            placeholder="NAME",
            completes="pipeline",
            help="Only the runs of this pipeline.",
        ),
    ] = None
    state: Annotated[
        tuple[RunState, ...],
        Argument(
            flags=("--state",), repeated=True, help="Only runs in this state; may be repeated."
        ),
    ] = ()
    tags: Annotated[Tags, TAGS] = field(default_factory=dict)
    limit: Annotated[
        int,
        replace(ROW_LIMIT, help="The maximum number of runs to show."),
    ] = 20


class LogsRequest(JsonOutput, frozen=True, kw_only=True):
    """Show the log of a run."""

    forms: ClassVar = (
        magic(
            "logs", "Watch", "Show the log of a run.", "logs 42", "logs daily-sales", ledger=True
        ),
        cli(
            "logs",
            "Watch",
            "Show the log of a run: cells, reads, checks, publications and errors.",
            "logs 42",
            "logs daily-sales --follow",
        ),
    )

    run: Annotated[str, _RUN_OR_PIPELINE]
    follow: Annotated[
        bool,
        Argument(
            on=(CLI,),
            flags=("-f", "--follow"),
            help="Follow the log until the run ends; the exit codes are those of 'run'.",
        ),
    ] = False


class CancelRequest(Request, frozen=True, kw_only=True):
    """Cancel a run."""

    forms: ClassVar = both("cancel", ("Watch", "Watch"), "Cancel a run.", "cancel 42")

    run: Annotated[int, _RUN]


class RetryRequest(Request, frozen=True, kw_only=True):
    """Run a finished run again."""

    forms: ClassVar = both(
        "retry",
        ("Watch", "Watch"),
        "Run a finished run again.",
        "retry 42",
        "retry 42 --from-failed-cell",
    )

    run: Annotated[int, _RUN]
    from_failed_cell: Annotated[
        bool,
        Argument(
            flags=("--from-failed-cell",),
            help="Resume at the failed cell, with the notebook as it is now; requires --checkpoint "
            "on the failed run.",
        ),
    ] = False
