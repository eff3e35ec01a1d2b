"""The three kinds of ``%etl publish``."""

from __future__ import annotations

from jupyter_etl.model import Contract, PublishMode
from jupyter_etl.spec.grammar import Argument, CommandSpec, ValueKind
from jupyter_etl.spec.version_table import ALLOW, CHANGE

_LIVE = Argument(
    name="live", flags=("--live",), kind=ValueKind.FLAG,
    help="Publish the live version by hand; recorded.",
)  # fmt: skip

PUBLISH_COMMANDS = (
    CommandSpec(
        name="publish", variant="table", group="Publish",
        summary="Publish a frame as a table that others read by its name.",
        arguments=(
            Argument(name="name", required=True, completes="publication",
                     help="The publication, like sales.daily."),
            Argument(name="data", required=True, completes="table",
                     help="The frame; or a source, SOURCE.TABLE or publication, read in pieces."),
            Argument(name="mode", flags=("--mode",), choices=tuple(map(str, PublishMode)), default="replace",
                     help="How new rows meet the old ones."),
            Argument(name="key", flags=("--key",), kind=ValueKind.NAMES, placeholder="A,B",
                     completes="column", help="The columns that tell rows apart; for upsert."),
            Argument(name="partition", flags=("--partition",), kind=ValueKind.NAMES,
                     placeholder="A,B", completes="column",
                     help="The columns the table is divided by."),
            Argument(name="contract", flags=("--contract",), choices=tuple(map(str, Contract)),
                     default="evolve", help="freeze refuses another schema."),
            CHANGE,
            ALLOW,
            Argument(name="since", flags=("--since",), placeholder="COLUMN", completes="column",
                     help="Only rows of DATA that came since the last run that published, told by "
                          "this column; with append or upsert."),
            Argument(name="lag", flags=("--lag",), placeholder="TIME", default="",
                     help="With --since: begin so much before the watermark, like 2h or 1000."),
            _LIVE,
        ),
        examples=("publish table sales.daily orders --partition day",
                  "publish table sales.daily orders --mode upsert --key id --contract freeze",
                  "publish table orders wh.orders --mode upsert --key id --since updated_at --lag 2h"),
    ),
    CommandSpec(
        name="publish", variant="file", group="Publish",
        summary="Publish a frame, or a file that was written here, as a file.",
        arguments=(
            Argument(name="path", required=True,
                     help="The file's name; its ending says the format, {{x}} is a value."),
            Argument(name="data", completes="frame",
                     help="The frame; without it the file that is there is published as it is."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="The publication; by default the file's name."),
            _LIVE,
        ),
        examples=("publish file out/{{day}}.parquet orders",),
    ),
    CommandSpec(
        name="publish", variant="report", group="Publish",
        summary="Publish this notebook as an HTML report.",
        arguments=(
            Argument(name="title", required=True, help="Its title, in quotes."),
            Argument(name="hide_code", flags=("--hide-code",), kind=ValueKind.FLAG,
                     help="Leave the code out."),
            Argument(name="name", flags=("--name",), placeholder="NAME",
                     help="The publication; by default told from the title."),
            _LIVE,
        ),
        examples=('publish report "Daily sales" --hide-code',),
    ),
)  # fmt: skip
