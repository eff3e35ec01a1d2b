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
    help="Write JSON to standard output, and nothing else.",
)  # fmt: skip
_STDIN = Argument(
    name="stdin", flags=("--stdin",), kind=ValueKind.FLAG,
    help="Read the value from standard input instead of asking.",
)  # fmt: skip
_NOTEBOOK = Argument(
    name="notebook", required=True, completes="notebook", help="The path of the notebook."
)
_PIPELINE = Argument(name="pipeline", required=True, completes="pipeline", help="Its name.")
_PUBLICATION = Argument(
    name="name", required=True, completes="publication", help="The publication."
)

_RUNNING = (
    CommandSpec(
        name="run", group="Run",
        summary="Run a notebook now, as a schedule would, and wait. Exit code: 0 succeeded, "
                "1 failed, 2 usage, 3 held, 4 cancelled, 5 timed out.",
        arguments=(_NOTEBOOK, PARAM, DRAFT, TIMEOUT, CHECKPOINT, COLD, JSON),
        examples=("run report.ipynb -p day=2026-01-01 --timeout 10m",
                  "run report.ipynb --draft --json"),
    ),
    CommandSpec(
        name="schedule", group="Run", summary="Deploy a notebook, to run by itself.",
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
                            help="Wait for its end; the exit code is that of 'run'."),
                   JSON),
        examples=("trigger daily-sales -p day=2026-01-01 --wait",),
    ),
    CommandSpec(
        name="backfill", group="Run",
        summary="Run the partitions of a pipeline that are missing or failed, through the scheduler.",
        arguments=(_PIPELINE, SPAN, *BACKFILL_OPTIONS,
                   Argument(name="wait", flags=("--wait",), kind=ValueKind.FLAG,
                            help="Wait for their end; exit code 1 if one of them fails."),
                   JSON),
        examples=("backfill daily-sales 2026-01-01..2026-01-31 --by day --wait",
                  "backfill daily-sales 2026-01-01..2026-01-31 --dry-run"),
    ),
    CommandSpec(
        name="up", group="Run", summary="Run the scheduler in this terminal.",
        arguments=(
            Argument(name="workers", flags=("--workers",), kind=ValueKind.WHOLE, least=1,
                     most=int(WORKERS.most),
                     placeholder="N", help="How many runs at once; by default the setting."),
            Argument(name="for", flags=("--for",), repeated=True, placeholder="OWNER",
                     help="Whose pipelines to run, or all; by default everybody's of a private "
                          "ledger in SQLite, and only yours of a shared one. May be repeated."),
            Argument(name="until_idle", flags=("--until-idle",), kind=ValueKind.FLAG,
                     help="End when nothing is due or running."),
        ),
        examples=("up", "up --workers 4 --until-idle", "up --for sam --for kim"),
    ),
    CommandSpec(
        name="plan", group="Run", summary="List the instants of a schedule, in UTC and local time.",
        arguments=(
            Argument(name="when", kind=ValueKind.WORDS, required=True, help="The schedule."),
            Argument(name="tz", flags=("--tz",), placeholder="ZONE", completes="timezone",
                     help="Its timezone."),
            Argument(name="from", flags=("--from",), placeholder="TIME",
                     help="ISO time from which to list, in the timezone unless it says; "
                          "by default now."),
            Argument(name="to", flags=("--to",), placeholder="TIME",
                     help="ISO time up to which to list; by default five instants."),
            JSON,
        ),
        examples=('plan "daily at 02:30" --tz Europe/Berlin --from 2026-10-24 --to 2026-10-27 '
                  "--json",),
    ),
    CommandSpec(
        name="preflight", group="Run",
        summary="Say what would go wrong when a notebook runs by itself.",
        arguments=(_NOTEBOOK, JSON), examples=("preflight report.ipynb",),
    ),
    CommandSpec(
        name="relink", group="Run",
        summary="Tell a pipeline where its notebook is after a rename or move.",
        arguments=(
            _PIPELINE,
            Argument(name="notebook", completes="notebook",
                     help="Its path; by default it is looked for around its old place."),
        ),
        examples=("relink daily-sales", "relink daily-sales reports/daily_sales.ipynb"),
    ),
)  # fmt: skip

_WATCHING = (
    CommandSpec(name="status", group="Watch", summary="Show how everything stands.",
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
                                    help="Write what comes until the run ends; the exit code is "
                                         "that of 'run'."),
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
            ("pause", "Plan no runs of a pipeline until resume."),
            ("resume", "Plan runs of a pipeline again."),
            ("unschedule", "Take a pipeline off the schedule; its record stays."),
        )
    ),
)  # fmt: skip

_READING = (
    CommandSpec(name="sources", group="Data", summary="List the declared sources.",
                arguments=(JSON,), examples=("sources",)),
    secret_command("Data", (_STDIN, JSON)),
    CommandSpec(name="watermarks", group="Data",
                summary="List how far incremental loads have come.",
                arguments=(replace(OF_PIPELINE, help="Only those of this pipeline."), JSON), examples=("watermarks --json",)),
    CommandSpec(
        name="watermark", group="Data",
        summary="Show or set how far the incremental loads of one table have come.",
        arguments=(_PIPELINE,
                   Argument(name="target", required=True, completes="table",
                            help="SOURCE.TABLE, a source or a publication."),
                   *WATERMARK_OPTIONS, JSON),
        examples=("watermark daily-sales wh.orders",
                  "watermark daily-sales wh.orders --set 2026-01-01T00:00:00Z"),
    ),
    CommandSpec(name="published", group="Data",
                summary="List what is published, or show one and where it is.",
                arguments=(PUBLISHED, JSON), examples=("published", "published sales.daily")),
    CommandSpec(name="history", group="Data", summary="Show the versions of a publication.",
                arguments=(_PUBLICATION,
                           Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                                    help="The drafts instead of the live versions."),
                           JSON),
                examples=("history sales.daily --json",)),
    *version_commands("Data", (JSON,)),
    lineage_command("Data", (JSON,)),
    CommandSpec(
        name="read", group="Data", summary="Write a published table to standard output.",
        arguments=(
            _PUBLICATION,
            Argument(name="version", flags=("--version",), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="That version; by default the live one."),
            Argument(name="as_of", flags=("--as-of",), placeholder="TIME",
                     help="The version that was live then: an ISO time, in the timezone of the "
                          "settings unless it says."),
            Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                     help="The newest draft, or that version of the drafts."),
            Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="Stop after so many rows."),
            Argument(name="format", flags=("--format",),
                     choices=("csv", "json", "arrow", "parquet"), default="csv",
                     help="How to write it."),
            Argument(name="json", flags=("--json",), kind=ValueKind.FLAG,
                     help="The same as --format json."),
        ),
        examples=("read sales.daily --limit 10", "read sales.daily --format parquet > sales.parquet"),
    ),
    CommandSpec(
        name="doctor", group="Help", summary="Look for what is wrong with the setup.",
        arguments=(
            Argument(name="mend", flags=("--mend",), kind=ValueKind.FLAG,
                     help="Mend what can safely be mended, and say what was done."),
            JSON,
        ),
        examples=("doctor", "doctor --mend"),
    ),
    CommandSpec(
        name="backup", group="Help", summary="Copy the ledger, while it is in use.",
        arguments=(
            Argument(name="file", default="",
                     help="The copy, a new file; by default in HOME/backups."),
            JSON,
        ),
        examples=("backup", "backup /mnt/safe/ledger.sqlite"),
    ),
    CommandSpec(
        name="restore", group="Help",
        summary="Put a copy of the ledger back; what it held is kept beside.",
        arguments=(
            Argument(name="file", required=True, help="What 'backup' has made."),
            Argument(name="yes", flags=("--yes",), kind=ValueKind.FLAG,
                     help="Do not ask; needed where nobody can answer."),
            JSON,
        ),
        examples=("restore /mnt/safe/ledger.sqlite", "restore /mnt/safe/ledger.sqlite --yes"),
    ),
    CommandSpec(
        name="prune", group="Help",
        summary="Delete old versions and runs, and what killed attempts have left.",
        arguments=(
            Argument(name="dry_run", flags=("--dry-run",), kind=ValueKind.FLAG,
                     help="Delete nothing, only say what would go."),
            JSON,
        ),
        examples=("prune --dry-run", "prune"),
    ),
    CommandSpec(name="version", group="Help", summary="Show the version.", arguments=(JSON,),
                examples=("version",)),
    CommandSpec(
        name="serve", group="Help",
        summary="Serve tables, files and reports to others, apart from Jupyter.",
        arguments=(
            Argument(name="host", flags=("--host",), default="127.0.0.1", help="Where to listen."),
            Argument(name="port", flags=("--port",), kind=ValueKind.WHOLE, default=8787,
                     most=int(PORT.most), placeholder="N", help="The port; 0 for any that is free."),
        ),
        examples=("serve --port 8787",),
    ),
)  # fmt: skip

CLI_COMMANDS: tuple[CommandSpec, ...] = (*_RUNNING, *_WATCHING, *_READING)
"""All commands of the command line, in the order of its help."""
