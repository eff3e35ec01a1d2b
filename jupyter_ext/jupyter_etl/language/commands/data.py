"""Requests that declare sources and read data."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar, Literal

from msgspec import field

from jupyter_etl.language.commands.common import (
    ANYWAY,
    FRAME_TYPE,
    KEY,
    ROW_LIMIT,
    TARGET,
    FrameType,
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
from jupyter_etl.language.numbers import SOURCE_RUNS
from jupyter_etl.model import Freshness

Options = dict[str, str]
_READABLE = replace(TARGET, help="A source, SOURCE.TABLE or a publication.")


class SourceRequest(Request, frozen=True, kw_only=True):
    """Declare a source."""

    forms: ClassVar = (
        magic(
            "source",
            "Data",
            "Declare a source.",
            "source trips data/trips/*.parquet",
            "source wh postgresql://db.example/sales --secret wh_pw --readonly",
            'source rates data/rates.json --json data.rates --fresh "warn 6h error 24h"',
        ),
    )

    name: Annotated[str, Argument(required=True, help="The name of the source.")]
    location: Annotated[
        str,
        Argument(
            required=True,
            help="A file, folder or glob relative to the notebook, a URL, a database URL without "
            "password, publication:NAME or frame:VARIABLE.",
        ),
    ]
    kind: Annotated[
        str | None,
        Argument(
            flags=("--kind",),
            help="csv, parquet, json, jsonl, excel, http, sql, frame or publication; by default "
            "derived from the location.",
        ),
    ] = None
    secrets: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--secret",),
            repeated=True,
            placeholder="NAME",
            completes="secret",
            help="The name of a secret; the first is the password.",
        ),
    ] = ()
    readonly: Annotated[
        bool, Argument(flags=("--readonly",), help="Refuse statements that write.")
    ] = False
    json_path: Annotated[
        str | None,
        Argument(
            flags=("--json",),
            placeholder="PATH",
            help="The path of the records in a JSON document, such as data.rates.",
        ),
    ] = None
    sheet: Annotated[
        str | None,
        Argument(flags=("--sheet",), placeholder="NAME", help="The sheet of an Excel file."),
    ] = None
    delimiter: Annotated[
        str | None,
        Argument(flags=("--delimiter",), placeholder="CHAR", help="The delimiter of a CSV file."),
    ] = None
    freshness: Annotated[
        Freshness | None,
        Argument(
            flags=("--fresh",),
            kind=ValueKind.FRESHNESS,
            placeholder="AGE",
            help='The maximum age of the data: 2h, or "warn 6h error 24h".',
        ),
    ] = None
    limit: Annotated[
        int | None,
        Argument(
            flags=("--limit",),
            least=1,
            most=int(SOURCE_RUNS.most),
            placeholder="N",
            help="The maximum number of concurrent runs that read it; by default 4 for a database.",
        ),
    ] = None
    options: Annotated[
        Options,
        Argument(
            flags=("--option",),
            kind=ValueKind.OPTIONS,
            placeholder="K=V",
            help="Another option of the connector; may be repeated.",
        ),
    ] = field(default_factory=dict)


class SourcesRequest(JsonOutput, frozen=True, kw_only=True):
    """List the declared sources."""

    forms: ClassVar = both(
        "sources", ("Data", "Data"), "List the declared sources.", "sources", ledger=False
    )


class DescribeRequest(Request, frozen=True, kw_only=True):
    """Show the tables and columns of a source."""

    forms: ClassVar = (
        magic(
            "describe",
            "Data",
            "Show the tables and columns of a source.",
            "describe wh",
            "describe wh.orders",
        ),
    )

    name: Annotated[
        str, Argument(required=True, completes="source", help="A source or a publication.")
    ]


class PreviewRequest(Request, frozen=True, kw_only=True):
    """Show the first rows of a table."""

    forms: ClassVar = (magic("preview", "Data", "Show the first rows.", "preview wh.orders -n 20"),)

    target: Annotated[str, _READABLE]
    limit: Annotated[
        int,
        replace(ROW_LIMIT, help="The number of rows."),
    ] = 20


class LoadRequest(Request, frozen=True, kw_only=True):
    """Read a source or a publication into a frame."""

    forms: ClassVar = (
        magic(
            "load",
            "Data",
            "Read a source or a publication into a frame.",
            "load wh.orders",
            "load trips --columns day,fare --limit 1000",
            "load wh.orders --since updated_at --lag 2h --key id",
        ),
    )

    target: Annotated[str, _READABLE]
    columns: Annotated[
        tuple[str, ...],
        Argument(
            flags=("--columns",),
            kind=ValueKind.NAMES,
            placeholder="A,B",
            completes="column",
            help="The columns to read, in this order.",
        ),
    ] = ()
    limit: Annotated[
        int | None,
        ROW_LIMIT,
    ] = None
    as_: Annotated[FrameType, FRAME_TYPE] = "pandas"
    since: Annotated[
        str | None,
        Argument(
            flags=("--since",),
            placeholder="COLUMN",
            completes="column",
            help="Read only rows added since the last run that published, according to this "
            "column; interactive loads do not move the watermark.",
        ),
    ] = None
    lag: Annotated[
        str,
        Argument(
            flags=("--lag",),
            placeholder="TIME",
            help="Start this far before the watermark, to include late rows: 2h, or a number for "
            "a numeric column.",
        ),
    ] = ""
    key: Annotated[tuple[str, ...], KEY] = ()
    anyway: Annotated[bool, ANYWAY] = False


class ReadRequest(Request, frozen=True, kw_only=True):
    """Write a published table to standard output."""

    forms: ClassVar = (
        cli(
            "read",
            "Data",
            "Write a published table to standard output.",
            "read sales.daily --limit 10",
            "read sales.daily --format parquet > sales.parquet",
        ),
    )

    name: Annotated[str, Argument(required=True, completes="publication", help="The publication.")]
    version: Annotated[
        int | None,
        Argument(
            flags=("--version",),
            least=1,
            placeholder="N",
            help="The version to read; by default the live one.",
        ),
    ] = None
    as_of: Annotated[
        str | None,
        Argument(
            flags=("--as-of",),
            placeholder="TIME",
            help="Read the version that was live at this ISO time, in JUPYTER_ETL_TIMEZONE unless "
            "it has an offset.",
        ),
    ] = None
    draft: Annotated[
        bool,
        Argument(flags=("--draft",), help="Read the newest draft, or with --version that draft."),
    ] = False
    limit: Annotated[
        int | None,
        ROW_LIMIT,
    ] = None
    format: Annotated[
        Literal["csv", "json", "arrow", "parquet"],
        Argument(flags=("--format",), help="The output format."),
    ] = "csv"
    json: Annotated[bool, Argument(flags=("--json",), help="The same as --format json.")] = False
