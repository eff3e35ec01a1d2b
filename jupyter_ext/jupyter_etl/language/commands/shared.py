"""Declarations of the commands that `%etl` and the command line share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from jupyter_etl.language.commands.declarations import Argument, CommandSpec, ValueKind
from jupyter_etl.language.numbers import DEPTH


def lineage_command(group: str, more: Sequence[Argument] = ()) -> CommandSpec:
    """Return the command.

    Args:
        group: That it is listed under.
        more: Arguments that it has besides its own.
    """
    return CommandSpec(
        name="lineage", group=group,
        summary="Show upstream and downstream data.",
        arguments=(
            Argument(name="name", required=True, completes="table",
                     help="A publication, a source or SOURCE.TABLE."),
            Argument(name="up", flags=("--up",), kind=ValueKind.FLAG,
                     help="Only upstream."),
            Argument(name="down", flags=("--down",), kind=ValueKind.FLAG,
                     help="Only downstream."),
            Argument(name="depth", flags=("--depth",), kind=ValueKind.WHOLE, default=10, least=1,
                     most=int(DEPTH.most),
                     placeholder="N", help="The maximum distance, in pipelines."),
            *more,
        ),
        examples=("lineage sales.daily", "lineage wh.orders --down --depth 2"),
    )  # fmt: skip


def secret_command(group: str, more: Sequence[Argument] = ()) -> CommandSpec:
    """Return the command.

    Args:
        group: That it is listed under.
        more: Arguments that it has besides its own.
    """
    return CommandSpec(
        name="secret", group=group,
        summary="Store passwords and keys by name, outside the notebook.",
        arguments=(
            Argument(name="verb", required=True, choices=("set", "list", "rm", "allow", "deny"),
                     help="set prompts for the value, list shows the names, rm removes a secret, "
                          "allow and deny change the servers it may be sent to."),
            Argument(name="name", completes="secret",
                     help="The name of the secret; not for list."),
            Argument(name="places", kind=ValueKind.NAMES, placeholder="HOST",
                     help="For allow and deny: HOST, HOST:PORT or URLs, separated by commas."),
            Argument(name="in", flags=("--in",), placeholder="PROVIDER", default="file",
                     help="Where set stores the value: file, keyring, or a plug-in."),
            *more,
        ),
        examples=("secret set wh_pw", "secret list", "secret allow wh_pw db.example",
                  "secret rm wh_pw"),
    )  # fmt: skip


_NAME = Argument(name="name", required=True, completes="publication", help="The publication.")
_HELD = "The number of a held run, or the name of one of its publications"
PUBLISHED = Argument(
    name="name", completes="publication", help="One publication; by default all are listed.",
)  # fmt: skip
CHANGE = Argument(
    name="change", flags=("--change",), placeholder="PERCENT|any", default="50%",
    help="The change in the number of rows that holds a run; any for no limit.",
)  # fmt: skip
ALLOW = Argument(
    name="allow", flags=("--allow",), kind=ValueKind.NAMES, placeholder="A,B", completes="column",
    help="Columns that may disappear, become empty or change type without holding the run.",
)  # fmt: skip


def version_commands(group: str, more: Sequence[Argument] = ()) -> tuple[CommandSpec, ...]:
    """Return the commands.

    Args:
        group: That they are listed under.
        more: Arguments that each of them has besides its own.
    """
    return (
        CommandSpec(
            name="held", group=group,
            summary="Show held runs, with the first rows of their outputs.",
            arguments=(Argument(name="target", completes="publication",
                                help=f"{_HELD}; without it, all held runs are listed."),
                       Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE,
                                default=20, least=1, placeholder="N",
                                help="The number of rows to show per output."), *more),
            examples=("held", "held 42", "held sales.daily -n 100"),
        ),
        CommandSpec(
            name="approve", group=group,
            summary="Publish the outputs of a held run, or list held runs.",
            arguments=(Argument(name="target", completes="publication",
                                help=f"{_HELD}; without it, all held runs are listed."), *more),
            examples=("approve", "approve 42", "approve sales.daily"),
        ),
        CommandSpec(
            name="reject", group=group,
            summary="Discard the outputs of a held run.",
            arguments=(Argument(name="target", required=True, completes="publication",
                                help=f"{_HELD}."), *more),
            examples=("reject 42",),
        ),
        CommandSpec(
            name="diff", group=group,
            summary="Show how two versions of a table or a pipeline differ.",
            arguments=(
                replace(_NAME, help="The publication or the pipeline."),
                Argument(name="before", kind=ValueKind.WHOLE, least=1, required=True,
                         help="The version to compare."),
                Argument(name="after", kind=ValueKind.WHOLE, least=1,
                         help="The version to compare with; by default the newest."),
                Argument(name="key", flags=("--key",), kind=ValueKind.NAMES, placeholder="A,B",
                         completes="column",
                         help="The key columns; by default those it was published with."),
                Argument(name="draft", flags=("--draft",), kind=ValueKind.FLAG,
                         help="Compare drafts."),
                Argument(name="limit", flags=("-n", "--limit"), kind=ValueKind.WHOLE, default=5,
                         least=1, placeholder="N",
                         help="The number of rows to show per kind of change."),
                *more,
            ),
            examples=("diff sales.daily 41 42", "diff sales.daily 41 --key id", "diff ingest 1 2"),
        ),
        CommandSpec(
            name="rollback", group=group,
            summary="Publish the content of an earlier version again.",
            arguments=(_NAME,
                       Argument(name="to", flags=("--to",), kind=ValueKind.WHOLE, least=1,
                                placeholder="N",
                                help="The version; by default the one before the live version."),
                       Argument(name="keep_watermarks", flags=("--keep-watermarks",),
                                kind=ValueKind.FLAG,
                                help="Do not change the watermarks of incremental loads."),
                       *more),
            examples=("rollback sales.daily", "rollback sales.daily --to 41"),
        ),
    )  # fmt: skip
