"""What ``%etl`` says about its commands."""

from __future__ import annotations

import textwrap
from itertools import groupby

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import CellUse, CommandSpec
from jupyter_etl.language.commands.magic import MAGIC_COMMANDS
from jupyter_etl.language.names import listed, nearest

PREFIX = "%etl "
"""What is typed before a command in a cell."""


def guide() -> str:
    """Return the commands on one screen, at most 80 columns wide."""
    lines = ["%etl COMMAND ...     %etl COMMAND -h for help     Tab completes"]
    for group, specs in groupby(MAGIC_COMMANDS, key=lambda spec: spec.group):
        lines += [group, *(f"  {spec.title:<15} {spec.summary}" for spec in specs)]
    return "\n".join(lines)


def usage(name: str) -> str:
    """Explain a command.

    Args:
        name: ``load``, ``publish table``, or ``publish`` for all its forms.

    Returns:
        Its form, what it does, its arguments and examples, as plain text.

    Raises:
        DeclarationError: There is no such command; the message has the nearest one.
    """
    wanted = " ".join(name.split())
    specs = [spec for spec in MAGIC_COMMANDS if wanted in (spec.name, spec.title)]
    if not specs:
        titles = [spec.title for spec in MAGIC_COMMANDS]
        raise DeclarationError(
            f"There is no command '{wanted}'.{nearest(wanted, titles)}",
            hint=f"Commands are {listed(titles, limit=len(titles))}.",
        )
    return "\n\n".join(_usage(spec) for spec in specs)


def _usage(spec: CommandSpec) -> str:
    mark = PREFIX if spec.cell is CellUse.NONE else "%%etl "
    form = textwrap.fill(spec.form(mark), 80, subsequent_indent="    ", break_on_hyphens=False)
    rows = [(argument.shown, argument.explained) for argument in spec.arguments]
    if spec.stores:
        rows.insert(1, ("NAME <<", "The variable for the result."))
    if spec.cell is not CellUse.NONE:
        rows.append(("(below)", spec.cell_help))
    examples = "\n".join(f"  {_example(spec, text)}" for text in spec.examples)
    return "\n\n".join(filter(None, (form, spec.summary, _table(rows), examples)))


def _example(spec: CommandSpec, text: str) -> str:
    below = spec.cell is CellUse.REQUIRED or text.endswith("<<")
    return f"%%etl {text}" if below else f"{PREFIX}{text}"


def _table(rows: list[tuple[str, str]]) -> str:
    width = min(max((len(left) for left, _ in rows), default=0), 28)
    indent = " " * (width + 4)
    lines = []
    for left, right in rows:
        body = textwrap.fill(right, 80, initial_indent=indent, subsequent_indent=indent)
        if len(left) > width:
            lines.append(f"  {left}\n{body}")
        else:
            lines.append(f"  {left:<{width}}  {body[len(indent) :]}")
    return "\n".join(lines)
