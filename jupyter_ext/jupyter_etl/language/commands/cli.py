"""The commands of ``jupyter etl``."""

from __future__ import annotations

from dataclasses import replace

from jupyter_etl.language.commands.declarations import Argument, CommandSpec, ValueKind
from jupyter_etl.language.commands.magic import (
    BACKFILL_OPTIONS,
    CHECKPOINT,
    COLD,
    DRAFT,
    FROM_FAILED_CELL,
    LIMIT_RUNS,
    OF_PIPELINE,
    PARAM,
    RUN,
    RUN_OR_PIPELINE,
    SCHEDULE_OPTIONS,
    SPAN,
    STATE,
    TIMEOUT,
    WATERMARK_OPTIONS,
)
from jupyter_etl.language.commands.shared import (
    PUBLISHED,
    lineage_command,
    secret_command,
    version_commands,
)
from jupyter_etl.language.numbers import PORT, WORKERS

JSON = Argument(
    name="json", flags=("--json",), kind=ValueKind.FLAG,
    help="Write JSON, and only JSON, to standard output.",
)  # fmt: skip
_STDIN = Argument(
    name="stdin", flags=("--stdin",), kind=ValueKind.FLAG,
    help="Read the value from standard input instead of prompting.",
)  # fmt: skip
_NOTEBOOK = Argument(
    name="notebook", required=True, completes="notebook", help="The path of the notebook."
)
_PIPELINE = Argument(
    name="pipeline", required=True, completes="pipeline", help="The name of the pipeline."
)
_PUBLICATION = Argument(
    name="name", required=True, completes="publication", help="The publication."
)

_RUNNING = (
    CommandSpec(
        name="run", group="Run",
        summary="Run a notebook now and wait for the result. Exit code: 0 succeeded, 1 failed, 2 "
                "usage, 3 held, 4 cancelled, 5 timed out.",
        arguments=(_NOTEBOOK, PARAM, DRAFT, TIMEOUT, CHECKPOINT, COLD, JSON),
        examples=("run report.ipynb -p day=2026-01-01 --timeout 10m",
                  "run report.ipynb --draft --json"),
    ),
    CommandSpec(
        name="schedule", group="Run", summary="Deploy a notebook and schedule it.",
        arguments=(
            _NOTEBOOK,
            Argument(name="when", kind=ValueKind.WORDS, default="",
                     help='"weekdays at 06:00", "every 15m", "0 6 * * 1-5", @daily, or a date; '
                          "not with --after."),
            *SCHEDULE_OPTIONS,
        ),
        examples=('schedule ingest.ipynb "weekdays at 06:00" --tz Europe/Paris --retries 3',
                  "schedule brief.ipynb --after sales.daily"),
    ),
    CommandSpec(
        name="trigger", group="Run",
        summary="Run the deployed version of a pipeline once, through the scheduler.",
        arguments=(_PIPELINE, PARAM, DRAFT,
                   Argument(name="wait", flags=("--wait",), kind=ValueKind.FLAG,
                            help="Wait for the run to finish; the exit codes are those of 'run'."),
                   JSON),
        examples=("trigger daily-sales -p day=2026-01-01 --wait",),
    ),
    CommandSpec(
        name="backfill", group="Run",
        summary="Run the missing or failed partitions of a pipeline, through the scheduler.",
        arguments=(_PIPELINE, SPAN, *BACKFILL_OPTIONS,
                   Argument(name="wait", flags=("--wait",), kind=ValueKind.FLAG,
                            help="Wait for the runs to finish; exit code 1 if any of them fails."),
                   JSON),
        examples=("backfill daily-sales 2026-01-01..2026-01-31 --by day --wait",
                  "backfill daily-sales 2026-01-01..2026-01-31 --dry-run"),
    ),
    CommandSpec(
        name="up", group="Run", summary="Run the scheduler in this terminal.",
        arguments=(
            Argument(name="workers", flags=("--workers",), kind=ValueKind.WHOLE, least=1,
                     most=int(WORKERS.most),
                     placeholder="N", help="The number of concurrent runs; by default "
                                           "JUPYTER_ETL_WORKERS."),
            Argument(name="for", flags=("--for",), repeated=True, placeholder="OWNER",
                     help="The owner whose pipelines to run, or all; by default all owners on "
                          "SQLite, and only you on a shared ledger. May be repeated."),
            Argument(name="until_idle", flags=("--until-idle",), kind=ValueKind.FLAG,
                     help="Exit when no run is due or active."),
        ),
        examples=("up", "up --workers 4 --until-idle", "up --for sam --for kim"),
    ),
    CommandSpec(
        name="plan", group="Run", summary="List the run times of a schedule, in UTC and local "
                                          "time.",
        arguments=(
            Argument(name="when", kind=ValueKind.WORDS, required=True, help="The schedule."),
            Argument(name="tz", flags=("--tz",), placeholder="ZONE", completes="timezone",
                     help="The timezone of the schedule."),
            Argument(name="from", flags=("--from",), placeholder="TIME",
                     help="Start of the list as an ISO time, in the timezone of the schedule "
                          "unless it has an offset; by default now."),
            Argument(name="to", flags=("--to",), placeholder="TIME",
                     help="End of the list as an ISO time; by default the next five run times."),
            JSON,
        ),
        examples=('plan "daily at 02:30" --tz Europe/Berlin --from 2026-10-24 --to 2026-10-27 '
                  "--json",),
    ),
    CommandSpec(
        name="preflight", group="Run",
        summary="Find problems that a notebook would have in a run.",
        arguments=(_NOTEBOOK, JSON), examples=("preflight report.ipynb",),
    ),
    CommandSpec(
        name="relink", group="Run",
        summary="Set the path of a pipeline's notebook after a rename or move.",
        arguments=(
            _PIPELINE,
            Argument(name="notebook", completes="notebook",
                     help="The new path; by default searched for near the old one."),
        ),
        examples=("relink daily-sales", "relink daily-sales reports/daily_sales.ipynb"),
    ),
)  # fmt: skip

_WATCHING = (
    CommandSpec(name="status", group="Watch",
                summary="Show the state of pipelines, runs and schedulers.",
                arguments=(JSON,), examples=("status",)),
    CommandSpec(name="pipelines", group="Watch", summary="List the pipelines.",
                arguments=(JSON,), examples=("pipelines --json",)),
    CommandSpec(name="runs", group="Watch", summary="List runs, newest first.",
                arguments=(OF_PIPELINE, STATE, LIMIT_RUNS, JSON),
                examples=("runs --pipeline daily-sales --limit 5 --json",)),
    CommandSpec(name="logs", group="Watch",
                summary="Show the log of a run: cells, reads, checks, publications and errors.",
                arguments=(RUN_OR_PIPELINE,
                           Argument(name="follow", flags=("-f", "--follow"), kind=ValueKind.FLAG,
                                    help="Follow the log until the run ends; the exit codes are "
                                         "those of 'run'."),
                           JSON),
                examples=("logs 42", "logs daily-sales --follow")),
    CommandSpec(name="cancel", group="Watch", summary="Cancel a run.", arguments=(RUN,),
                examples=("cancel 42",)),
    CommandSpec(name="retry", group="Watch", summary="Run a finished run again.",
                arguments=(RUN, FROM_FAILED_CELL),
                examples=("retry 42", "retry 42 --from-failed-cell")),
    *(
        CommandSpec(name=name, group="Watch", summary=summary, arguments=(_PIPELINE,),
                    examples=(f"{name} daily-sales",))
        for name, summary in (
            ("pause", "Stop planning runs of a pipeline, until 'resume'."),
            ("resume", "Resume planning runs of a pipeline."),
            ("unschedule", "Remove a pipeline's schedule; its history stays."),
        )
    ),
)  # fmt: skip

_READING = (
    CommandSpec(name="sources", group="Data", summary="List the declared sources.",
                arguments=(JSON,), examples=("sources",)),
    secret_command("Data", (_STDIN, JSON)),
    CommandSpec(name="watermarks", group="Data",
                summary="List the watermarks of incremental loads.",
                arguments=(replace(OF_PIPELINE, help="Only the watermarks of this pipeline."), JSON), examples=("watermarks --json",)),
    CommandSpec(
        name="watermark", group="Data",
        summary="Show or set the watermark of a table.",
        arguments=(_PIPELINE,
                   Argument(name="target", required=True, completes="table",
                            help="SOURCE.TABLE, a source or a publication."),
                   *WATERMARK_OPTIONS, JSON),
        examples=("watermark daily-sales wh.orders",
                  "watermark daily-sales wh.orders --set 2026-01-01T00:00:00Z"),
    ),
    CommandSpec(name="published", group="Data",
                summary="List publications, or show how to read one.",
                arguments=(PUBLISHED, JSON), examples=("published", "published sales.daily")),
    CommandSpec(name="history", group="Data", summary="Show the versions of a publication.",
                arguments=(_PUBLICATION,
                           Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                                    help="List drafts instead of live versions."),
                           JSON),
                examples=("history sales.daily --json",)),
    *version_commands("Data", (JSON,)),
    lineage_command("Data", (JSON,)),
    CommandSpec(
        name="read", group="Data", summary="Write a published table to standard output.",
        arguments=(
            _PUBLICATION,
            Argument(name="version", flags=("--version",), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="The version to read; by default the live one."),
            Argument(name="as_of", flags=("--as-of",), placeholder="TIME",
                     help="Read the version that was live at this ISO time, in "
                          "JUPYTER_ETL_TIMEZONE unless it has an offset."),
            Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                     help="Read the newest draft, or with --version that draft."),
            Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="The maximum number of rows."),
            Argument(name="format", flags=("--format",),
                     choices=("csv", "json", "arrow", "parquet"), default="csv",
                     help="The output format."),
            Argument(name="json", flags=("--json",), kind=ValueKind.FLAG,
                     help="The same as --format json."),
        ),
        examples=("read sales.daily --limit 10", "read sales.daily --format parquet > sales.parquet"),
    ),
    CommandSpec(
        name="doctor", group="Help", summary="Check the installation for problems.",
        arguments=(
            Argument(name="repair", flags=("--repair",), aliases=("--mend",), kind=ValueKind.FLAG,
                     help="Repair what is safe to repair, and list the repairs."),
            JSON,
        ),
        examples=("doctor", "doctor --repair"),
    ),
    CommandSpec(
        name="backup", group="Help", summary="Back up the ledger, also while it is in use.",
        arguments=(
            Argument(name="file", default="",
                     help="The backup file to create; by default in HOME/backups."),
            JSON,
        ),
        examples=("backup", "backup /mnt/safe/ledger.sqlite"),
    ),
    CommandSpec(
        name="restore", group="Help",
        summary="Restore a backup of the ledger; the replaced ledger is kept.",
        arguments=(
            Argument(name="file", required=True, help="A file created by 'backup'."),
            Argument(name="yes", flags=("--yes",), kind=ValueKind.FLAG,
                     help="Do not ask for confirmation; required without a terminal."),
            JSON,
        ),
        examples=("restore /mnt/safe/ledger.sqlite", "restore /mnt/safe/ledger.sqlite --yes"),
    ),
    CommandSpec(
        name="prune", group="Help",
        summary="Delete old versions and runs, and files of killed attempts.",
        arguments=(
            Argument(name="dry_run", flags=("--dry-run",), kind=ValueKind.FLAG,
                     help="Show what would be deleted, without deleting it."),
            JSON,
        ),
        examples=("prune --dry-run", "prune"),
    ),
    CommandSpec(name="version", group="Help", summary="Show the version.", arguments=(JSON,),
                examples=("version",)),
    CommandSpec(
        name="serve", group="Help",
        summary="Serve tables, files and reports over HTTP, without Jupyter.",
        arguments=(
            Argument(name="host", flags=("--host",), default="127.0.0.1",
                     help="The address to listen on."),
            Argument(name="port", flags=("--port",), kind=ValueKind.WHOLE, default=8787,
                     most=int(PORT.most), placeholder="N", help="The port; 0 for any free port."),
        ),
        examples=("serve --port 8787",),
    ),
)  # fmt: skip

CLI_COMMANDS: tuple[CommandSpec, ...] = (*_RUNNING, *_WATCHING, *_READING)
"""All commands of the command line, in the order of its help."""
