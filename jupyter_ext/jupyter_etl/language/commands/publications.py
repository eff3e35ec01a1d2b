"""Requests that publish data, and that show and change publications."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from jupyter_etl.language.commands.common import (
    CLI,
    KEY,
    MAGIC,
    ROW_LIMIT,
    Version,
    both,
    cli,
    magic,
)
from jupyter_etl.language.commands.declarations import (
    Argument,
    JsonOutput,
    Request,
    ValueKind,
)
from jupyter_etl.language.numbers import DEPTH
from jupyter_etl.model import Contract, PublishMode

_NAME = Argument(on=(MAGIC, CLI), required=True, completes="publication", help="The publication.")
_LIVE = Argument(
    flags=("--live",), help="Publish the live version interactively; recorded in the history."
)
_OWN_NAME = Argument(flags=("--name",), help="The publication; by default named after the file.")
_HELD = "The number of a held run, or the name of one of its publications"
_GROUPS = ("Publish", "Data")
_HISTORY = "Show the versions of a publication."


class PublishTableRequest(Request, frozen=True, kw_only=True):
    """Publish a frame as a table."""

    forms: ClassVar = (
        magic(
            "publish",
            "Publish",
            "Publish a frame as a table.",
            "publish table sales.daily orders --partition day",
            "publish table sales.daily orders --mode upsert --key id --contract freeze",
            "publish table orders wh.orders --mode upsert --key id --since updated_at --lag 2h",
            variant="table",
        ),
    )

    name: Annotated[str, replace(_NAME, help="The publication, such as sales.daily.")]
    data: Annotated[
        str,
        Argument(
            required=True,
            completes="table",
            help="The frame; or a source, SOURCE.TABLE or publication, read in batches.",
        ),
    ]
    mode: Annotated[
        PublishMode,
        Argument(flags=("--mode",), help="How new rows are combined with existing ones."),
    ] = PublishMode.REPLACE
    key: Annotated[tuple[str, ...], replace(KEY, help="The key columns, for upsert.")] = ()
    partition: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--partition",),
            kind=ValueKind.NAMES,
            placeholder="A,B",
            completes="column",
            help="The partition columns.",
        ),
    ] = ()
    contract: Annotated[
        Contract, Argument(flags=("--contract",), help="freeze refuses any schema change.")
    ] = Contract.EVOLVE
    change: Annotated[
        str,
        Argument(
            flags=("--change",),
            placeholder="PERCENT|any",
            help="The change in the number of rows that holds a run; any for no limit.",
        ),
    ] = "50%"
    allow: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--allow",),
            kind=ValueKind.NAMES,
            placeholder="A,B",
            completes="column",
            help="Columns that may disappear, become empty or change type without holding the run.",
        ),
    ] = ()
    since: Annotated[
        str | None,
        Argument(
            flags=("--since",),
            placeholder="COLUMN",
            completes="column",
            help="Publish only rows of DATA added since the last run that published, according to "
            "this column; with append or upsert.",
        ),
    ] = None
    lag: Annotated[
        str,
        Argument(
            flags=("--lag",),
            placeholder="TIME",
            help="With --since: start this far before the watermark, such as 2h or 1000.",
        ),
    ] = ""
    live: Annotated[bool, _LIVE] = False


class PublishFileRequest(Request, frozen=True, kw_only=True):
    """Publish a frame, or a file of the notebook, as a file."""

    forms: ClassVar = (
        magic(
            "publish",
            "Publish",
            "Publish a frame, or a file of the notebook, as a file.",
            "publish file out/{{day}}.parquet orders",
            variant="file",
        ),
    )

    path: Annotated[
        str,
        Argument(
            required=True,
            help="The path of the file; its extension sets the format, {{x}} inserts a value.",
        ),
    ]
    data: Annotated[
        str | None,
        Argument(
            completes="frame",
            help="The frame; without it, the existing file is published unchanged.",
        ),
    ] = None
    name: Annotated[str | None, _OWN_NAME] = None
    live: Annotated[bool, _LIVE] = False


class PublishReportRequest(Request, frozen=True, kw_only=True):
    """Publish this notebook as an HTML report."""

    forms: ClassVar = (
        magic(
            "publish",
            "Publish",
            "Publish this notebook as an HTML report.",
            'publish report "Daily sales" --hide-code',
            variant="report",
        ),
    )

    title: Annotated[str, Argument(required=True, help="The title, in quotes.")]
    hide_code: Annotated[bool, Argument(flags=("--hide-code",), help="Omit the code.")] = False
    name: Annotated[
        str | None, replace(_OWN_NAME, help="The publication; by default named after the title.")
    ] = None
    live: Annotated[bool, _LIVE] = False


class PublishedRequest(JsonOutput, frozen=True, kw_only=True):
    """List publications, or show how to read one."""

    forms: ClassVar = both(
        "published",
        _GROUPS,
        "List publications, or show how to read one.",
        "published",
        "published sales.daily",
        ledger=False,
    )

    name: Annotated[
        str | None,
        Argument(completes="publication", help="One publication; by default all are listed."),
    ] = None


class HistoryRequest(JsonOutput, frozen=True, kw_only=True):
    """Show the versions of a publication."""

    forms: ClassVar = (
        magic("history", _GROUPS[0], _HISTORY, "history sales.daily"),
        cli("history", _GROUPS[1], _HISTORY, "history sales.daily --json"),
    )

    name: Annotated[str, _NAME]
    draft: Annotated[
        bool, Argument(flags=("--draft",), help="List drafts instead of live versions.")
    ] = False


class HeldRequest(JsonOutput, frozen=True, kw_only=True):
    """Show held runs, with the first rows of their outputs."""

    forms: ClassVar = both(
        "held",
        _GROUPS,
        "Show held runs, with the first rows of their outputs.",
        "held",
        "held 42",
        "held sales.daily -n 100",
    )

    target: Annotated[
        str | None,
        Argument(completes="publication", help=f"{_HELD}; without it, all held runs are listed."),
    ] = None
    limit: Annotated[
        int,
        replace(ROW_LIMIT, help="The number of rows to show per output."),
    ] = 20


class ApproveRequest(JsonOutput, frozen=True, kw_only=True):
    """Publish the outputs of a held run, or list held runs."""

    forms: ClassVar = both(
        "approve",
        _GROUPS,
        "Publish the outputs of a held run, or list held runs.",
        "approve",
        "approve 42",
        "approve sales.daily",
    )

    target: Annotated[
        str | None,
        Argument(completes="publication", help=f"{_HELD}; without it, all held runs are listed."),
    ] = None


class RejectRequest(JsonOutput, frozen=True, kw_only=True):
    """Discard the outputs of a held run."""

    forms: ClassVar = both("reject", _GROUPS, "Discard the outputs of a held run.", "reject 42")

    target: Annotated[str, Argument(required=True, completes="publication", help=f"{_HELD}.")]


class DiffRequest(JsonOutput, frozen=True, kw_only=True):
    """Show how two versions of a table or a pipeline differ."""

    forms: ClassVar = both(
        "diff",
        _GROUPS,
        "Show how two versions of a table or a pipeline differ.",
        "diff sales.daily 41 42",
        "diff sales.daily 41 --key id",
        "diff ingest 1 2",
    )

    name: Annotated[str, replace(_NAME, help="The publication or the pipeline.")]
    before: Annotated[int, Argument(required=True, least=1, help="The version to compare.")]
    after: Annotated[
        int | None,
        Argument(least=1, help="The version to compare with; by default the newest."),
    ] = None
    key: Annotated[
        tuple[str, ...],
        replace(KEY, help="The key columns; by default those it was published with."),
    ] = ()
    draft: Annotated[bool, Argument(flags=("--draft",), help="Compare drafts.")] = False
    limit: Annotated[
        int,
        replace(ROW_LIMIT, help="The number of rows to show per kind of change."),
    ] = 5


class RollbackRequest(JsonOutput, frozen=True, kw_only=True):
    """Publish the content of an earlier version again."""

    forms: ClassVar = both(
        "rollback",
        _GROUPS,
        "Publish the content of an earlier version again.",
        "rollback sales.daily",
        "rollback sales.daily --to 41",
    )

    name: Annotated[str, _NAME]
    to: Annotated[
        Version | None,
        Argument(
            flags=("--to",),
            least=1,
            placeholder="N",
            help="The version; by default the one before the live version.",
        ),
    ] = None
    keep_watermarks: Annotated[
        bool,
        Argument(
            flags=("--keep-watermarks",),
            help="Do not change the watermarks of incremental loads.",
        ),
    ] = False


class LineageRequest(JsonOutput, frozen=True, kw_only=True):
    """Show upstream and downstream data."""

    forms: ClassVar = both(
        "lineage",
        _GROUPS,
        "Show upstream and downstream data.",
        "lineage sales.daily",
        "lineage wh.orders --down --depth 2",
    )

    name: Annotated[
        str,
        Argument(required=True, completes="table", help="A publication, a source or SOURCE.TABLE."),
    ]
    up: Annotated[bool, Argument(flags=("--up",), help="Only upstream.")] = False
    down: Annotated[bool, Argument(flags=("--down",), help="Only downstream.")] = False
    depth: Annotated[
        int,
        Argument(
            flags=("--depth",),
            least=1,
            most=int(DEPTH.most),
            placeholder="N",
            help="The maximum distance, in pipelines.",
        ),
    ] = 10
