"""Declarations of the commands that look into data and publish it."""

from __future__ import annotations

from jupyter_etl.language.commands.declarations import Argument, CommandSpec, ValueKind
from jupyter_etl.language.commands.shared import ALLOW, CHANGE
from jupyter_etl.model import Contract, PublishMode

_OF_TABLE = Argument(
    name="target", required=True, completes="table",
    help="A source, SOURCE.TABLE, a publication or a frame.",
)  # fmt: skip

EXPLORE_COMMANDS = (
    CommandSpec(
        name="profile", group="Data",
        summary="Show statistics of each column, in one pass over the rows.",
        arguments=(_OF_TABLE,),
        examples=("profile wh.orders", "profile df"),
    ),
    CommandSpec(
        name="sample", group="Data", summary="Draw a random sample of rows into a frame.",
        arguments=(
            _OF_TABLE,
            Argument(name="amount", required=True, placeholder="SHARE|ROWS",
                     help="The size: 1% draws each row with that probability, 10000 draws that "
                          "many rows."),
            Argument(name="seed", flags=("--seed",), kind=ValueKind.WHOLE, default=0,
                     placeholder="N", help="The random seed; the same seed draws the same rows "
                                           "from the same data."),
            Argument(name="by", flags=("--by",), placeholder="COLUMN", completes="column",
                     help="Stratify by this column: draw the size per value, at least one row "
                          "each."),
            Argument(name="means", flags=("--means",), kind=ValueKind.FLAG,
                     help="Show the mean of each numeric column with its 95 % confidence "
                          "interval; not with --by."),
            Argument(name="as", flags=("--as",), choices=("pandas", "arrow", "polars"),
                     default="pandas", help="The type of the result."),
        ),
        examples=("sample wh.orders 1% --seed 7", "sample trips 10000 --by region"),
    ),
    CommandSpec(
        name="approx", group="Data", summary="Estimate a figure, with its error.",
        arguments=(
            Argument(name="question", kind=ValueKind.WORDS, required=True,
                     placeholder="MEASURE(COLUMN) of NAME",
                     help="count_distinct(c), quantile(c, .95), mean(c) or sum(c), of a source, "
                          "SOURCE.TABLE, a publication or a frame."),
            Argument(name="error", flags=("--error",), default="1%", placeholder="SHARE",
                     help="Half the width of the target 95 % interval: of the count, of a "
                          "quantile's rank, or to size the sample for mean and sum."),
        ),
        examples=("approx count_distinct(customer) of wh.orders --error 2%",
                  "approx quantile(fare, .95) of trips"),
    ),
)  # fmt: skip


_LIVE = Argument(
    name="live", flags=("--live",), kind=ValueKind.FLAG,
    help="Publish the live version interactively; recorded in the history.",
)  # fmt: skip

PUBLISH_COMMANDS = (
    CommandSpec(
        name="publish", variant="table", group="Publish",
        summary="Publish a frame as a table.",
        arguments=(
            Argument(name="name", required=True, completes="publication",
                     help="The publication, such as sales.daily."),
            Argument(name="data", required=True, completes="table",
                     help="The frame; or a source, SOURCE.TABLE or publication, read in batches."),
            Argument(name="mode", flags=("--mode",), choices=tuple(map(str, PublishMode)), default="replace",
                     help="How new rows are combined with existing ones."),
            Argument(name="key", flags=("--key",), kind=ValueKind.NAMES, placeholder="A,B",
                     completes="column", help="The key columns, for upsert."),
            Argument(name="partition", flags=("--partition",), kind=ValueKind.NAMES,
                     placeholder="A,B", completes="column",
                     help="The partition columns."),
            Argument(name="contract", flags=("--contract",), choices=tuple(map(str, Contract)),
                     default="evolve", help="freeze refuses any schema change."),
            CHANGE,
            ALLOW,
            Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
                     help="Publish only rows of DATA added since the last run that published, "
                          "according to this column; with append or upsert."),
            Argument(name="lag", flags=("--lag",), placeholder="TIME", default="",
                     help="With --since: start this far before the watermark, such as 2h or 1000."),
            _LIVE,
        ),
        examples=("publish table sales.daily orders --partition day",
                  "publish table sales.daily orders --mode upsert --key id --contract freeze",
                  "publish table orders wh.orders --mode upsert --key id --since updated_at --lag 2h"),
    ),
    CommandSpec(
        name="publish", variant="file", group="Publish",
        summary="Publish a frame, or a file of the notebook, as a file.",
        arguments=(
            Argument(name="path", required=True,
                     help="The path of the file; its extension sets the format, {{x}} inserts a "
                          "value."),
            Argument(name="data", completes="frame",
                     help="The frame; without it, the existing file is published unchanged."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="The publication; by default named after the file."),
            _LIVE,
        ),
        examples=("publish file out/{{day}}.parquet orders",),
    ),
    CommandSpec(
        name="publish", variant="report", group="Publish",
        summary="Publish this notebook as an HTML report.",
        arguments=(
            Argument(name="title", required=True, help="The title, in quotes."),
            Argument(name="hide_code", flags=("--hide-code",), kind=ValueKind.FLAG,
                     help="Omit the code."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="The publication; by default named after the title."),
            _LIVE,
        ),
        examples=('publish report "Daily sales" --hide-code',),
    ),
)  # fmt: skip
