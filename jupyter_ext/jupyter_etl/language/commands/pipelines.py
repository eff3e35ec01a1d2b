"""Requests that change deployed pipelines."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from msgspec import field

from jupyter_etl.language.commands.common import (
    CLI,
    NAMED_PIPELINE,
    NOTEBOOK,
    PARAMETERS,
    PIPELINE,
    REST,
    TAGS,
    THIS_NOTEBOOK,
    THIS_PIPELINE,
    PathText,
    Tags,
    Values,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
    Request,
)
from jupyter_etl.language.numbers import PARALLEL
from jupyter_etl.model import Grain, Policy

_USUAL = Policy()


class PreflightRequest(JsonOutput, frozen=True, kw_only=True):
    """Find problems that a notebook would have in a run."""

    forms: ClassVar = (
        magic(
            "preflight",
            "Schedule",
            "Find problems that this notebook would have in a run.",
            "preflight",
            ledger=True,
        ),
        cli(
            "preflight",
            "Run",
            "Find problems that a notebook would have in a run.",
            "preflight report.ipynb",
        ),
    )

    notebook: Annotated[str, NOTEBOOK, THIS_NOTEBOOK] = ""


class BackfillRequest(JsonOutput, frozen=True, kw_only=True):
    """Run the missing or failed partitions of a pipeline."""

    forms: ClassVar = (
        magic(
            "backfill",
            "Schedule",
            "Run the missing or failed partitions.",
            "backfill 2026-01-01..2026-01-31 --by day",
            "backfill 2026-01-01..2026-01-31 --dry-run",
            ledger=True,
        ),
        cli(
            "backfill",
            "Run",
            "Run the missing or failed partitions of a pipeline, through the scheduler.",
            "backfill daily-sales 2026-01-01..2026-01-31 --by day --wait",
            "backfill daily-sales 2026-01-01..2026-01-31 --dry-run",
        ),
    )

    pipeline: Annotated[str, PIPELINE, NAMED_PIPELINE] = ""
    span: Annotated[
        str,
        Argument(
            required=True,
            placeholder="FROM..TO",
            help="A range of days, both included, or of ISO times, the end excluded.",
        ),
    ]
    by: Annotated[
        Grain | None,
        Argument(
            flags=("--by",),
            help="The length of a partition; by default the interval of the schedule, otherwise a "
            "day.",
        ),
    ] = None
    all: Annotated[
        bool,
        Argument(flags=("--all",), help="Run all partitions, including those that succeeded."),
    ] = False
    parallel: Annotated[
        int | None,
        Argument(
            flags=("--parallel",),
            least=1,
            most=int(PARALLEL.most),
            placeholder="N",
            help=f"The maximum number of concurrent runs. Default: {_USUAL.parallel}.",
        ),
    ] = None
    parameters: Annotated[Values, PARAMETERS] = field(default_factory=dict)
    dry_run: Annotated[
        bool,
        Argument(flags=("--dry-run",), help="Show the partitions, without queueing runs."),
    ] = False
    wait: Annotated[
        bool,
        Argument(
            on=(CLI,),
            flags=("--wait",),
            help="Wait for the runs to finish; exit code 1 if any of them fails.",
        ),
    ] = False


class PauseRequest(Request, frozen=True, kw_only=True):
    """Stop planning runs of a pipeline."""

    forms: ClassVar = (
        magic("pause", "Schedule", "Stop planning runs, until 'resume'.", "pause", ledger=True),
        cli(
            "pause",
            "Watch",
            "Stop planning runs of a pipeline, until 'resume'.",
            "pause daily-sales",
        ),
    )

    pipeline: Annotated[str, PIPELINE, THIS_PIPELINE] = ""


class ResumeRequest(Request, frozen=True, kw_only=True):
    """Resume planning runs of a pipeline."""

    forms: ClassVar = (
        magic("resume", "Schedule", "Resume planning runs.", "resume", ledger=True),
        cli("resume", "Watch", "Resume planning runs of a pipeline.", "resume daily-sales"),
    )

    pipeline: Annotated[str, PIPELINE, THIS_PIPELINE] = ""


class UnscheduleRequest(Request, frozen=True, kw_only=True):
    """Remove a pipeline's schedule."""

    forms: ClassVar = (
        magic(
            "unschedule",
            "Schedule",
            "Remove the schedule of a pipeline; its history stays.",
            "unschedule",
            ledger=True,
        ),
        cli(
            "unschedule",
            "Watch",
            "Remove a pipeline's schedule; its history stays.",
            "unschedule daily-sales",
        ),
    )

    pipeline: Annotated[str, PIPELINE, THIS_PIPELINE] = ""


class RelinkRequest(Request, frozen=True, kw_only=True):
    """Set the path of a pipeline's notebook after a rename or move."""

    forms: ClassVar = (
        magic(
            "relink",
            "Schedule",
            "Link a pipeline to this notebook after a rename or move.",
            "relink",
            "relink daily-sales",
            ledger=True,
        ),
        cli(
            "relink",
            "Run",
            "Set the path of a pipeline's notebook after a rename or move.",
            "relink daily-sales",
            "relink daily-sales reports/daily_sales.ipynb",
        ),
    )

    pipeline: Annotated[
        str,
        PIPELINE,
        replace(
            THIS_PIPELINE,
            help="The name of the pipeline; by default the one this notebook belonged to.",
        ),
    ] = ""
    notebook: Annotated[
        PathText | None,
        Argument(
            on=(CLI, REST),
            completes="notebook",
            help="The new path; by default searched for near the old one.",
        ),
    ] = None


class OwnerRequest(Request, frozen=True, kw_only=True):
    """Show or change the owner of a pipeline."""

    forms: ClassVar = (magic("owner", "Schedule", "Show or change the owner.", "owner sam@x.org"),)

    owner: Annotated[
        str | None, Argument(help="The new owner; without it, the current one is shown.")
    ] = None
    pipeline: Annotated[str, NAMED_PIPELINE] = ""


class PipelinesRequest(JsonOutput, frozen=True, kw_only=True):
    """List the pipelines."""

    forms: ClassVar = (
        magic("pipelines", "Watch", "List the pipelines.", "pipelines", ledger=True),
        cli("pipelines", "Watch", "List the pipelines.", "pipelines --json"),
    )

    tags: Annotated[Tags, TAGS] = field(default_factory=dict)
