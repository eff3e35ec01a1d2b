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
    placeholder="N", help="The maximum number of runs to show.",
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
    help="Publish drafts instead of live versions.",
)  # fmt: skip
CHECKPOINT = Argument(
    name="checkpoint", flags=("--checkpoint",), kind=ValueKind.FLAG,
    help="Save the variables when a cell fails, so a retry can resume at that cell.",
)  # fmt: skip
COLD = Argument(
    name="cold", flags=("--cold",), kind=ValueKind.FLAG,
    help="Start new interpreters instead of forks with the usual packages imported.",
)  # fmt: skip
FROM_FAILED_CELL = Argument(
    name="from_failed_cell", flags=("--from-failed-cell",), kind=ValueKind.FLAG,
    help="Resume at the failed cell, with the notebook as it is now; requires --checkpoint on "
         "the failed run.",
)  # fmt: skip
SCHEDULE_OPTIONS = (
    Argument(name="tz", flags=("--tz",), placeholder="ZONE", completes="timezone",
             help="The timezone of the schedule, like Europe/Paris."),
    Argument(name="name", flags=("--name",), placeholder="NAME",
             help="The name of the pipeline; by default the file name of the notebook."),
    PARAM,
    Argument(name="retries", flags=("--retries",), kind=ValueKind.WHOLE, most=int(RETRIES.most), placeholder="N",
             help=f"The maximum number of retries. Default: {_USUAL.retries}."),
    replace(TIMEOUT, help=f"{TIMEOUT.help} Default: derived from the last runs, at most "
                          f"{format_duration(DEFAULT_TIMEOUT_S)}."),
    Argument(name="catchup", flags=("--catchup",), choices=_texts(Catchup),
             help="Which due times to run after a time without a scheduler. Default: "
                  f"{_USUAL.catchup}."),
    Argument(name="overlap", flags=("--overlap",), choices=_texts(Overlap),
             help="What to do at a due time while the previous run is active. Default: "
                  f"{_USUAL.overlap}."),
    Argument(name="on_lost", flags=("--on-lost",), choices=_texts(OnLost),
             help="What to do with a run whose attempt was lost; its cells may have run. "
                  f"Default: {_USUAL.on_lost}."),
    Argument(name="priority", flags=("--priority",), kind=ValueKind.WHOLE, least=int(PRIORITY.least),
             most=int(PRIORITY.most), placeholder="N",
             help="The priority, from -100 to 100; higher ones start first. Default: "
                  f"{_USUAL.priority}."),
    Argument(name="memory", flags=("--memory",), kind=ValueKind.SIZE, placeholder="SIZE",
             help="The memory limit of an attempt, such as 2GB; by default JUPYTER_ETL_MEMORY."),
    CHECKPOINT,
    COLD,
    Argument(name="owner", flags=("--owner",), placeholder="OWNER", help="The accountable person."),
    Argument(name="after", flags=("--after",), kind=ValueKind.NAMES, placeholder="NAME[,NAME]",
             completes="publication",
             help="Run when a new version of one of these publications is live."),
    Argument(name="after_all", flags=("--after-all",), kind=ValueKind.FLAG,
             help="Wait until each publication of --after has a new version."),
    Argument(name="expect", flags=("--expect",), kind=ValueKind.FLAG,
             help="Allow names in --after that do not exist yet."),
    Argument(name="shared", flags=("--shared",), kind=ValueKind.FLAG,
             help="Allow publications that another pipeline also publishes."),
    Argument(name="on_demand", flags=("--on-demand",), kind=ValueKind.FLAG,
             help="Remove the schedule; the pipeline runs only on request."),
    Argument(name="reset", flags=("--reset",), kind=ValueKind.NAMES, placeholder="WHAT[,WHAT]",
             help="Options to reset to their default first: all, schedule, param, param.NAME, or "
                  "an option such as retries. Other options keep their deployed value."),
    Argument(name="include", flags=("--include",), repeated=True, placeholder="GLOB",
             help="Files to pin with the version, such as 'config/*.yaml'; imported local "
                  "modules are always pinned."),
    Argument(name="anyway", flags=("--anyway",), kind=ValueKind.FLAG,
             help="Deploy despite preflight errors."),
)  # fmt: skip
BACKFILL_OPTIONS = (
    Argument(name="by", flags=("--by",), choices=_texts(Grain),
             help="The length of a partition; by default the interval of the schedule, otherwise "
                  "a day."),
    Argument(name="all", flags=("--all",), kind=ValueKind.FLAG,
             help="Run all partitions, including those that succeeded."),
    Argument(name="parallel", flags=("--parallel",), kind=ValueKind.WHOLE, least=1,
             most=int(PARALLEL.most),
             placeholder="N",
             help=f"The maximum number of concurrent runs. Default: {_USUAL.parallel}."),
    PARAM,
    Argument(name="dry_run", flags=("--dry-run",), kind=ValueKind.FLAG,
             help="Show the partitions, without queueing runs."),
)  # fmt: skip
SPAN = Argument(
    name="span", required=True, placeholder="FROM..TO",
    help="A range of days, both included, or of ISO times, the end excluded.",
)  # fmt: skip

WATERMARK_OPTIONS = (
    Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
             help="The column; required if the table has no watermark yet, or several."),
    Argument(name="set", flags=("--set",), placeholder="VALUE",
             help="Set the watermark; rows up to this value are not read again."),
    Argument(name="reset", flags=("--reset",), kind=ValueKind.FLAG,
             help="Reset the watermark; the next run reads all rows."),
)  # fmt: skip

_THIS_PIPELINE = Argument(
    name="pipeline",
    completes="pipeline",
    help="The name of the pipeline; by default that of this notebook.",
)
_FRAME = Argument(
    name="as", flags=("--as",), choices=FRAME_CHOICES, default="pandas",
    help="The type of the result.",
)  # fmt: skip
_ANYWAY = Argument(
    name="anyway", flags=("--anyway",), kind=ValueKind.FLAG,
    help="Read it even if it exceeds the memory limit of interactive reads.",
)  # fmt: skip

_DATA = (
    CommandSpec(
        name="source", group="Data", summary="Declare a source.",
        arguments=(
            Argument(name="name", required=True, help="The name of the source."),
            Argument(name="location", required=True,
                     help="A file, folder or glob relative to the notebook, a URL, a database "
                          "URL without password, publication:NAME or frame:VARIABLE."),
            Argument(name="kind", flags=("--kind",), placeholder="KIND",
                     help="csv, parquet, json, jsonl, excel, http, sql, frame or publication; by "
                          "default derived from the location."),
            Argument(name="secret", flags=("--secret",), repeated=True, placeholder="NAME",
                     completes="secret", help="The name of a secret; the first is the password."),
            Argument(name="readonly", flags=("--readonly",), kind=ValueKind.FLAG,
                     help="Refuse statements that write."),
            Argument(name="json", flags=("--json",), placeholder="PATH",
                     help="The path of the records in a JSON document, such as data.rates."),
            Argument(name="sheet", flags=("--sheet",), placeholder="NAME",
                     help="The sheet of an Excel file."),
            Argument(name="delimiter", flags=("--delimiter",), placeholder="CHAR",
                     help="The delimiter of a CSV file."),
            Argument(name="fresh", flags=("--fresh",), kind=ValueKind.FRESHNESS, placeholder="AGE",
                     help='The maximum age of the data: 2h, or "warn 6h error 24h".'),
            Argument(name="limit", flags=("--limit",), kind=ValueKind.WHOLE, least=1,
                     most=int(SOURCE_RUNS.most), placeholder="N",
                     help="The maximum number of concurrent runs that read it; by default 4 for "
                          "a database."),
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
                     least=1, placeholder="N", help="The number of rows."),
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
                     placeholder="A,B", completes="column",
                     help="The columns to read, in this order."),
            Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, least=1,
                     placeholder="N", help="The maximum number of rows."),
            _FRAME,
            Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
                     help="Read only rows added since the last run that published, according to "
                          "this column; interactive loads do not move the watermark."),
            Argument(name="lag", flags=("--lag",), placeholder="TIME", default="",
                     help="Start this far before the watermark, to include late rows: 2h, or a "
                          "number for a numeric column."),
            Argument(name="key", flags=("--key",), kind=ValueKind.NAMES, placeholder="A,B",
                     completes="column",
                     help="The key columns; only the newest row of each key is returned."),
            _ANYWAY,
        ),
        examples=("load wh.orders", "load trips --columns day,fare --limit 1000",
                  "load wh.orders --since updated_at --lag 2h --key id"),
    ),
    CommandSpec(
        name="watermark", group="Data",
        summary="Show or set the watermarks of incremental loads.",
        arguments=(
            Argument(name="target", completes="table",
                     help="SOURCE.TABLE, a source or a publication; by default all."),
            *WATERMARK_OPTIONS,
            Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                     completes="pipeline", help="The pipeline; by default that of this notebook."),
        ),
        examples=("watermark", "watermark wh.orders --set 2026-01-01T00:00:00Z",
                  "watermark wh.orders --since updated_at --reset"),
    ),
    CommandSpec(
        name="sql", group="Data", summary="Run SQL in a source, or in DuckDB over local frames.",
        arguments=(
            Argument(name="source", required=True, completes="source",
                     help="A source, or 'local' for DuckDB over frames, files and publications."),
            Argument(name="query", help="The query, in quotes; omit it in a %%etl cell."),
            _FRAME,
            Argument(name="show", flags=("--show",), kind=ValueKind.FLAG,
                     help="Show the result, even if it is stored."),
            Argument(name="param", flags=("-p", "--param"), kind=ValueKind.PAIRS,
                     placeholder="K=V", help="A value for {{k}}; by default the variable k."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="Name the query, so later queries of this source can use it as a "
                          "table, with ref('NAME') in double braces. A named query runs only if "
                          "it is stored or shown."),
            _ANYWAY,
        ),
        cell=CellUse.OPTIONAL, cell_help="The query; {{x}} binds the value of x.", stores=True,
        examples=("sql wh orders <<", 'sql local "select count(*) from orders"'),
    ),
    CommandSpec(
        name="check", group="Data", summary="Check data against rules.",
        arguments=(
            Argument(name="name", required=True, completes="frame", help="The frame."),
            Argument(name="schema", flags=("--schema",), placeholder="NAME",
                     help="A variable with a pandera schema, instead of rules in the cell."),
        ),
        cell=CellUse.OPTIONAL, cell_help="One rule per line: 'id: unique, not null', 'amount >= "
                                         "0 : warn', 'rows > 0.5 * last'.",
        examples=("check orders --schema rules",),
    ),
    CommandSpec(
        name="param", group="Data", summary="Declare a parameter and assign its value.",
        arguments=(Argument(name="text", kind=ValueKind.RAW, required=True,
                            placeholder="NAME [TYPE] = DEFAULT  # HELP",
                            help="The name, type and default of the parameter."),),
        examples=("param day date = yesterday  # the day to load", "param limit int = 100"),
    ),
)  # fmt: skip

_PUBLISH = (
    *PUBLISH_COMMANDS,
    CommandSpec(name="published", group="Publish",
                summary="List publications, or show how to read one.",
                arguments=(PUBLISHED,), examples=("published", "published sales.daily")),
    CommandSpec(
        name="history", group="Publish", summary="Show the versions of a publication.",
        arguments=(Argument(name="name", required=True, completes="publication",
                            help="The publication."),
                   Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                            help="List drafts instead of live versions.")),
        examples=("history sales.daily",),
    ),
    *version_commands("Publish"),
    lineage_command("Publish"),
)  # fmt: skip

_PIPELINE = (
    CommandSpec(
        name="schedule", group="Schedule", summary="Deploy and schedule this notebook.",
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
        summary="Find problems that this notebook would have in a run.",
        arguments=(Argument(name="notebook", completes="notebook",
                            help="The path of the notebook; by default this one."),),
        examples=("preflight",),
    ),
    CommandSpec(
        name="run", group="Schedule", summary="Run this notebook now, in a fresh kernel.",
        arguments=(
            Argument(name="notebook", completes="notebook",
                     help="The path of the notebook; by default this one."),
            PARAM, DRAFT, TIMEOUT, CHECKPOINT, COLD,
        ),
        examples=("run -p day=2026-01-01 --draft",),
    ),
    CommandSpec(
        name="trigger", group="Schedule", summary="Run the deployed version once.",
        arguments=(_THIS_PIPELINE, PARAM, DRAFT,
                   Argument(name="wait", flags=("--wait",), kind=ValueKind.FLAG,
                            help="Wait for the run to finish.")),
        examples=("trigger daily-sales -p day=2026-01-01",),
    ),
    CommandSpec(
        name="backfill", group="Schedule",
        summary="Run the missing or failed partitions.",
        arguments=(
            SPAN,
            Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                     completes="pipeline", help="The pipeline; by default that of this notebook."),
            *BACKFILL_OPTIONS,
        ),
        examples=("backfill 2026-01-01..2026-01-31 --by day",
                  "backfill 2026-01-01..2026-01-31 --dry-run"),
    ),
    *(
        CommandSpec(name=name, group="Schedule", summary=summary, arguments=(_THIS_PIPELINE,),
                    examples=(name,))
        for name, summary in (
            ("pause", "Stop planning runs, until 'resume'."),
            ("resume", "Resume planning runs."),
            ("unschedule", "Remove the schedule of a pipeline; its history stays."),
        )
    ),
    CommandSpec(
        name="relink", group="Schedule",
        summary="Link a pipeline to this notebook after a rename or move.",
        arguments=(Argument(name="pipeline", completes="pipeline",
                            help="The name of the pipeline; by default the one this notebook "
                                 "belonged to."),),
        examples=("relink", "relink daily-sales"),
    ),
    CommandSpec(
        name="owner", group="Schedule", summary="Show or change the owner.",
        arguments=(Argument(name="owner", help="The new owner; without it, the current one is "
                                               "shown."),
                   Argument(name="pipeline", flags=("--pipeline",), placeholder="NAME",
                            completes="pipeline",
                            help="The pipeline; by default that of this notebook.")),
        examples=("owner sam@x.org",),
    ),
)  # fmt: skip

_WATCH = (
    CommandSpec(name="status", group="Watch",
                summary="Show the state of pipelines, runs and schedulers.",
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
    CommandSpec(name="help", group="Help", summary="Show this guide, or the usage of a command.",
                arguments=(Argument(name="command", kind=ValueKind.WORDS, default="",
                                    completes="command", help="The command."),),
                examples=("help", "help publish table")),
)  # fmt: skip

MAGIC_COMMANDS: tuple[CommandSpec, ...] = (*_DATA, *_PUBLISH, *_PIPELINE, *_WATCH)
"""All commands of the magic, in the order of the guide."""
