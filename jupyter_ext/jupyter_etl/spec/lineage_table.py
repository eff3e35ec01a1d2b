"""The command about lineage: the same in the magic and on the command line."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.spec.grammar import Argument, CommandSpec, ValueKind
from jupyter_etl.spec.numbers import DEPTH


def lineage_command(group: str, more: Sequence[Argument] = ()) -> CommandSpec:
    """Return the command.

    Args:
        group: That it is listed under.
        more: Arguments that it has besides its own.
    """
    return CommandSpec(
        name="lineage", group=group,
        summary="Show what data are made of, and what is made of them.",
        arguments=(
            Argument(name="name", required=True, completes="table",
                     help="A publication, a source or SOURCE.TABLE."),
            Argument(name="up", flags=("--up",), kind=ValueKind.FLAG,
                     help="Only what they are made of."),
            Argument(name="down", flags=("--down",), kind=ValueKind.FLAG,
                     help="Only what is made of them."),
            Argument(name="depth", flags=("--depth",), kind=ValueKind.WHOLE, default=10, least=1,
                     most=int(DEPTH.most),
                     placeholder="N", help="How many pipelines away to look."),
            *more,
        ),
        examples=("lineage sales.daily", "lineage wh.orders --down --depth 2"),
    )  # fmt: skip
