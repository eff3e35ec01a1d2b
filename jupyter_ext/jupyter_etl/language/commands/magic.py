"""The commands of ``%etl`` and ``%%etl``."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum

from jupyter_etl.language.commands.data import EXPLORE_COMMANDS, PUBLISH_COMMANDS
from jupyter_etl.language.commands.declarations import Argument, CellUse, CommandSpec, ValueKind
from jupyter_etl.language.commands.shared import (
    PUBLISHED,
    lineage_command,
    secret_command,
    version_commands,
)
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.numbers import MOST_ID, PARALLEL, PRIORITY, RETRIES, SOURCE_RUNS
from jupyter_etl.model import (
    DEFAULT_TIMEOUT_S,
    Catchup,
    Grain,
    OnLost,
    Overlap,
    Policy,
    RunState,
)

FRAME_CHOICES = ("pandas", "arrow", "polars")


def _texts(values: type[StrEnum]) -> tuple[str, ...]:
    return tuple(str(value) for value in values)


_USUAL = Policy()

PARAM = Argument(
    name="param", flags=("-p", "--param"), kind=ValueKind.PAIRS, placeholder="K=V",
    help="A parameter of the notebook; may be repeated.",
)  # fmt: skip
LIMIT_RUNS = Argument(
    name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, default=20, least=1,
    placeholder="N", help="Show at most so many.",
)  # fmt: skip
TIMEOUT = Argument(
    name="timeout", flags=("--timeout",), kind=ValueKind.DURATION, placeholder="TIME",
    help="Stop the run after this time: seconds, or 90s, 15m, 1h.",
)  # fmt: skip
STATE = Argument(
    name="state", flags=("--state",), choices=_texts(RunState), repeated=True,
    help="Only runs in this state; may be repeated.",
)  # fmt: skip
OF_PIPELINE = Argument(
    name="pipeline", flags=("--pipeline",), placeholder="NAME", completes="pipeline",
    help="Only the runs of this pipeline.",
)  # fmt: skip
RUN = Argument(
    name="run", kind=ValueKind.WHOLE, least=1, most=MOST_ID, required=True, completes="run",
    help="The number of the run.",
)  # fmt: skip
RUN_OR_PIPELINE = Argument(
    name="run", placeholder="RUN|PIPELINE", required=True, completes="run",
    help="The number of the run, or the name of a pipeline for its latest run.",
)  # fmt: skip
DRAFT = Argument(
    name="draft", flags=("--draft",), kind=ValueKind.FLAG,
    help="Publish beside the live versions.",
)  # fmt: skip
CHECKPOINT = Argument(
    name="checkpoint", flags=("--checkpoint",), kind=ValueKind.FLAG,
    help="Keep the variables of a failed attempt, so that a retry can go on from there.",
)  # fmt: skip
COLD = Argument(
    name="cold", flags=("--cold",), kind=ValueKind.FLAG,
    help="Start its processes from nothing, not as forks of one that has the usual packages "
         "imported.",
)  # fmt: skip
FROM_FAILED_CELL = Argument(
    name="from_failed_cell", flags=("--from-failed-cell",), kind=ValueKind.FLAG,
    help="Go on from the cell that failed, with the notebook as it is now, where its variables "
         "were kept.",
)  # fmt: skip
SCHEDULE_OPTIONS = (
    Argument(name="tz", flags=("--tz",), placeholder="ZONE", completes="timezone",
             help="The timezone of the schedule, like Europe/Paris."),
    Argument(name="name", flags=("--name",), placeholder="NAME",
             help="The name of the pipeline; by default the notebook's."),
    PARAM,
    Argument(name="retries", flags=("--retries",), kind=ValueKind.WHOLE, most=int(RETRIES.most), placeholder="N",
             help="Further attempts after a failure that a retry can mend. "
                  f"Default: {_USUAL.retries}."),
    replace(TIMEOUT, help=f"{TIMEOUT.help} Default: from the last runs, at most "
                           f"{format_duration(DEFAULT_TIMEOUT_S)}."),
    Argument(name="catchup", flags=("--catchup",), choices=_texts(Catchup),
             help="What to do with times that passed while no scheduler was alive. "
                  f"Default: {_USUAL.catchup}."),
    Argument(name="overlap", flags=("--overlap",), choices=_texts(Overlap),
             help="What to do while the run before is not finished. "
                  f"Default: {_USUAL.overlap}."),
    Argument(name="on_lost", flags=("--on-lost",), choices=_texts(OnLost),
             help="What becomes of a run whose attempt was lost, so that its cells may have run. "
                  f"Default: {_USUAL.on_lost}."),
    Argument(name="priority", flags=("--priority",), kind=ValueKind.WHOLE, least=int(PRIORITY.least),
             most=int(PRIORITY.most), placeholder="N",
             help="From -100 to 100; runs of a higher one start first. "
                  f"Default: {_USUAL.priority}."),
    Argument(name="memory", flags=("--memory",), kind=ValueKind.SIZE, placeholder="SIZE",
             help="The most memory that an attempt may take, like 2GB; by default the setting."),
    CHECKPOINT,
    COLD,
    Argument(name="owner", flags=("--owner",), placeholder="OWNER", help="Who is accountable."),
    Argument(name="after", flags=("--after",), kind=ValueKind.NAMES, placeholder="NAME[,NAME]",
             completes="publication",
             help="Run when a new version of one of these publications is live."),
    Argument(name="after_all", flags=("--after-all",), kind=ValueKind.FLAG,
             help="Wait until each publication of --after has a new version."),
    Argument(name="expect", flags=("--expect",), kind=ValueKind.FLAG,
             help="Names in --after may be those of publications that are to come."),
    Argument(name="shared", flags=("--shared",), kind=ValueKind.FLAG,
             help="It may publish what another pipeline publishes, too."),
    Argument(name="on_demand", flags=("--on-demand",), kind=ValueKind.FLAG,
             help="Take the schedule away: it runs when somebody asks for it."),
    Argument(name="reset", flags=("--reset",), kind=ValueKind.NAMES, placeholder="WHAT[,WHAT]",
             help="Back to the default first: all, schedule, param, param.NAME, or an option such "
                  "as retries. What is neither reset nor given stays as it is deployed."),
    Argument(name="include", flags=("--include",), repeated=True, placeholder="GLOB",
             help="Files that belong to the version, like 'config/*.yaml'; local modules that are "
                  "imported belong to it anyway."),
    Argument(name="anyway", flags=("--anyway",), kind=ValueKind.FLAG,
             help="Deploy it though preflight finds that it would fail in a run."),
)  # fmt: skip
BACKFILL_OPTIONS = (
    Argument(name="by", flags=("--by",), choices=_texts(Grain),
             help="How long a partition is; by default the interval of the schedule, else a day."),
    Argument(name="all", flags=("--all",), kind=ValueKind.FLAG,
             help="Also the partitions that are done; by default those that are missing or failed."),
    Argument(name="parallel", flags=("--parallel",), kind=ValueKind.WHOLE, least=1,
             most=int(PARALLEL.most),
             placeholder="N",
             help=f"The most of its runs in hand at once. Default: {_USUAL.parallel}."),
    PARAM,
    Argument(name="dry_run", flags=("--dry-run",), kind=ValueKind.FLAG,
             help="Say what would be done, and do nothing."),
)  # fmt: skip
SPAN = Argument(
    name="span", required=True, placeholder="FROM..TO",
    help="Days, both included, or ISO times, of which the last is not.",
)  # fmt: skip

WATERMARK_OPTIONS = (
    Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
             help="The column, where several or none are followed yet."),
    Argument(name="set", flags=("--set",), placeholder="VALUE",
             help="Rows up to this value are not read again."),
    Argument(name="reset", flags=("--reset",), kind=ValueKind.FLAG,
             help="The next run reads all rows again."),
)  # fmt: skip

_THIS_PIPELINE = Argument(
    name="pipeline", completes="pipeline", help="Its name; by default this notebook's pipeline."
)
_FRAME = Argument(
    name="as", flags=("--as",), choices=FRAME_CHOICES, default="pandas",
    help="What the result is.",
)  # fmt: skip
_ANYWAY = Argument(
    name="anyway", flags=("--anyway",), kind=ValueKind.FLAG,
    help="Read it interactively even if it takes more memory than the limit.",
)  # fmt: skip

_DATA = (
    CommandSpec(
        name="source", group="Data", summary="Declare where data comes from.",
        arguments=(
            Argument(name="name", required=True, help="What you call it."),
            Argument(name="location", required=True,
                     help="A file, folder or glob relative to the notebook, a database URL "
                          "without password, publication:NAME or frame:VARIABLE."),
            Argument(name="kind", flags=("--kind",), placeholder="KIND",
                     help="csv, parquet, json, jsonl, excel, http, sql, frame or publication, where the "
                          "location does not say."),
            Argument(name="secret", flags=("--secret",), repeated=True, placeholder="NAME",
                     completes="secret", help="The name of a secret; the first is the password."),
            Argument(name="readonly", flags=("--readonly",), kind=ValueKind.FLAG,
                     help="Refuse anything but reading."),
            Argument(name="json", flags=("--json",), placeholder="PATH",
                     help="Where the records are in a JSON document, like data.rates."),
            Argument(name="sheet", flags=("--sheet",), placeholder="NAME",
                     help="The sheet of an Excel file."),
            Argument(name="delimiter", flags=("--delimiter",), placeholder="CHAR",
                     help="What separates the columns of a CSV file."),
            Argument(name="fresh", flags=("--fresh",), kind=ValueKind.FRESHNESS, placeholder="AGE",
                     help='How old it may be: 2h, or "warn 6h error 24h".'),
            Argument(name="limit", flags=("--limit",), kind=ValueKind.WHOLE, least=1,
                     most=int(SOURCE_RUNS.most), placeholder="N",
                     help="The most runs that read it at once; by default 4 for a database."),
            Argument(name="option", flags=("--option",), kind=ValueKind.OPTIONS, placeholder="K=V",
                     help="Another option of the connector; may be repeated."),
        ),
        examples=("source trips data/trips/*.parquet",
                  "source wh postgresql://db.example/sales --secret wh_pw --readonly",
                  'source rates data/rates.json --json data.rates --fresh "warn 6h error 24h"'),
    ),
    CommandSpec(name="sources", group="Data", summary="List the declared sources.",
                examples=("sources",)),
    secret_command("Data"),
    CommandSpec(
        name="describe", group="Data", summary="Show the tables and columns of a source.",
        arguments=(Argument(name="name", required=True, completes="source",
                            help="A source or a publication."),),
        examples=("describe wh", "describe wh.orders"),
    ),
    CommandSpec(
        name="preview", group="Data", summary="Show the first rows.",
        arguments=(
            Argument(name="target", required=True, completes="table",
                     help="A source, SOURCE.TABLE or a publication."),
            Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, default=20,
                     least=1, placeholder="N", help="How many rows."),
        ),
        examples=("preview wh.orders -n 20",),
    ),
    *EXPLORE_COMMANDS,
    CommandSpec(
        name="load", group="Data", summary="Read a source or a publication into a frame.",
        arguments=(
            Argument(name="target", required=True, completes="table",
                     help="A source, SOURCE.TABLE or a publication."),
            Argument(name="columns", flags=("--columns",), kind=ValueKind.NAMES,
                     placeholder="A,B", completes="column", help="Only these columns, in order."),
            Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="Stop after so many rows."),
            _FRAME,
            Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
                     help="Only rows that came since the last run that published, told by this "
                          "column; by hand the watermark stays."),
            Argument(name="lag", flags=("--lag",), placeholder="TIME", default="",
                     help="Begin so much before the watermark, for rows that came late: 2h, or a "
                          "number for a column of numbers."),
            Argument(name="key", flags=("--key",), kind=ValueKind.NAMES, placeholder="A,B",
                     completes="column",
                     help="The columns that tell rows apart: of each only the newest is returned."),
            _ANYWAY,
        ),
        examples=("load wh.orders", "load trips --columns day,fare --limit 1000",
                  "load wh.orders --since updated_at --lag 2h --key id"),
    ),
    CommandSpec(
        name="watermark", group="Data",
        summary="Show how far incremental loads have come, or set it.",
        arguments=(
            Argument(name="target", completes="table",
                     help="SOURCE.TABLE, a source or a publication; by default all."),
            *WATERMARK_OPTIONS,
            Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                     completes="pipeline", help="Of this pipeline; by default this notebook's."),
        ),
        examples=("watermark", "watermark wh.orders --set 2026-01-01T00:00:00Z",
                  "watermark wh.orders --since updated_at --reset"),
    ),
    CommandSpec(
        name="sql", group="Data", summary="Run SQL in a source, or in DuckDB over the frames here.",
        arguments=(
            Argument(name="source", required=True, completes="source",
                     help="A source, or local for DuckDB over frames, files and publications."),
            Argument(name="query", help="The query in quotes, where there is no cell."),
            _FRAME,
            Argument(name="show", flags=("--show",), kind=ValueKind.FLAG,
                     help="Show the table though it is stored."),
            Argument(name="param", flags=("-p", "--param"), kind=ValueKind.PAIRS,
                     placeholder="K=V", help="A value for {{k}}, instead of the variable k."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="Remember the query: later ones of this source use it as a table, by "
                          "ref('NAME') in double braces. It is run only if it is stored or shown."),
            _ANYWAY,
        ),
        cell=CellUse.OPTIONAL, cell_help="The query; {{x}} is the value of x, bound.", stores=True,
        examples=("sql wh orders <<", 'sql local "select count(*) from orders"'),
    ),
    CommandSpec(
        name="check", group="Data", summary="Check the rows of a frame.",
        arguments=(
            Argument(name="name", required=True, completes="frame", help="The frame."),
            Argument(name="schema", flags=("--schema",), placeholder="NAME",
                     help="A variable with a pandera schema, instead of the lines below."),
        ),
        cell=CellUse.OPTIONAL, cell_help="One rule a line: 'id: unique, not null', "
        "'amount >= 0 : warn', 'rows > 0.5 * last'.",
        examples=("check orders --schema rules",),
    ),
    CommandSpec(
        name="param", group="Data", summary="Declare a parameter; the variable gets its value.",
        arguments=(Argument(name="text", kind=ValueKind.RAW, required=True,
                            placeholder="NAME [TYPE] = DEFAULT  # HELP",
                            help="Its name, type and default."),),
        examples=("param day date = yesterday  # the day to load", "param limit int = 100"),
    ),
)  # fmt: skip

_PUBLISH = (
    *PUBLISH_COMMANDS,
    CommandSpec(name="published", group="Publish",
                summary="List what is published, or show one and where it is.",
                arguments=(PUBLISHED,), examples=("published", "published sales.daily")),
    CommandSpec(
        name="history", group="Publish", summary="Show the versions of a publication.",
        arguments=(Argument(name="name", required=True, completes="publication",
                            help="The publication."),
                   Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                            help="The drafts instead of the live versions.")),
        examples=("history sales.daily",),
    ),
    *version_commands("Publish"),
    lineage_command("Publish"),
)  # fmt: skip

_PIPELINE = (
    CommandSpec(
        name="schedule", group="Schedule", summary="Deploy this notebook, to run by itself.",
        arguments=(
            Argument(name="when", kind=ValueKind.WORDS, default="",
                     help='"weekdays at 06:00", "every 15m", "0 6 * * 1-5", @daily, or a date.'),
            *SCHEDULE_OPTIONS,
        ),
        examples=('schedule "weekdays at 06:00" --tz Europe/Paris --retries 3 --timeout 1h',
                  "schedule --after sales.daily"),
    ),
    CommandSpec(
        name="preflight", group="Schedule",
        summary="Say what would go wrong in a clean kernel.",
        arguments=(Argument(name="notebook", completes="notebook",
                            help="Its path; by default this one."),),
        examples=("preflight",),
    ),
    CommandSpec(
        name="run", group="Schedule", summary="Run this notebook now, as the schedule would.",
        arguments=(
            Argument(name="notebook", completes="notebook", help="Its path; by default this one."),
            PARAM, DRAFT, TIMEOUT, CHECKPOINT, COLD,
        ),
        examples=("run -p day=2026-01-01 --draft",),
    ),
    CommandSpec(
        name="trigger", group="Schedule", summary="Run the deployed version once.",
        arguments=(_THIS_PIPELINE, PARAM, DRAFT,
                   Argument(name="wait", flags=("--wait",), kind=ValueKind.FLAG,
                            help="Wait for its end.")),
        examples=("trigger daily-sales -p day=2026-01-01",),
    ),
    CommandSpec(
        name="backfill", group="Schedule",
        summary="Run the partitions that are missing or failed.",
        arguments=(
            SPAN,
            Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                     completes="pipeline", help="Of this pipeline; by default this notebook's."),
            *BACKFILL_OPTIONS,
        ),
        examples=("backfill 2026-01-01..2026-01-31 --by day",
                  "backfill 2026-01-01..2026-01-31 --dry-run"),
    ),
    *(
        CommandSpec(name=name, group="Schedule", summary=summary, arguments=(_THIS_PIPELINE,),
                    examples=(name,))
        for name, summary in (
            ("pause", "Plan no runs until resume."),
            ("resume", "Plan runs again."),
            ("unschedule", "Take the pipeline off the schedule; its record stays."),
        )
    ),
    CommandSpec(
        name="relink", group="Schedule",
        summary="Make this the notebook of a pipeline after a rename.",
        arguments=(Argument(name="pipeline", completes="pipeline",
                            help="Its name; by default the one whose notebook this was."),),
        examples=("relink", "relink daily-sales"),
    ),
    CommandSpec(
        name="owner", group="Schedule", summary="Show or change who is accountable.",
        arguments=(Argument(name="owner", help="The new owner; without it, shows the present one."),
                   Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                            completes="pipeline",
                            help="Of this pipeline; by default this notebook's.")),
        examples=("owner sam@x.org",),
    ),
)  # fmt: skip

_WATCH = (
    CommandSpec(name="status", group="Watch", summary="Show how everything stands.",
                examples=("status",)),
    CommandSpec(name="pipelines", group="Watch", summary="List the pipelines.",
                examples=("pipelines",)),
    CommandSpec(name="runs", group="Watch", summary="List runs, newest first.",
                arguments=(OF_PIPELINE, STATE, LIMIT_RUNS),
                examples=("runs --pipeline daily-sales -n 5",)),
    CommandSpec(name="logs", group="Watch", summary="Show the log of a run.",
                arguments=(RUN_OR_PIPELINE,), examples=("logs 42", "logs daily-sales")),
    CommandSpec(name="cancel", group="Watch", summary="Cancel a run.", arguments=(RUN,),
                examples=("cancel 42",)),
    CommandSpec(name="retry", group="Watch", summary="Run a finished run again.",
                arguments=(RUN, FROM_FAILED_CELL),
                examples=("retry 42", "retry 42 --from-failed-cell")),
    CommandSpec(name="debug", group="Help", summary="Show the full traceback of the last error.",
                examples=("debug",)),
    CommandSpec(name="help", group="Help", summary="Show this guide, or one command's usage.",
                arguments=(Argument(name="command", kind=ValueKind.WORDS, default="",
                                    completes="command", help="The command."),),
                examples=("help", "help publish table")),
)  # fmt: skip

MAGIC_COMMANDS: tuple[CommandSpec, ...] = (*_DATA, *_PUBLISH, *_PIPELINE, *_WATCH)
"""All commands of the magic, in the order of the guide."""
