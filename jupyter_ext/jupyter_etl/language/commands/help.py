"""The guide and the usage texts of the commands."""

from __future__ import annotations

import textwrap
from itertools import groupby

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import CellUse, CommandSpec, Surface
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl.language.names import listed, nearest

PREFIX = "%etl "
"""Text before a command in a cell."""

PROGRAM = "jupyter etl"
HELP = ("-h", "--help")


def guide(surface: Surface) -> str:
    """Return the commands of ``%etl`` or ``jupyter etl`` on one screen, at most 80 columns wide."""
    lines = ["%etl COMMAND ...     %etl COMMAND -h for help     Tab completes"]
    if surface is Surface.CLI:
        lines = [
            "Schedule notebooks, run them, and read what they publish.",
            "",
            f"{PROGRAM} COMMAND ...     {PROGRAM} COMMAND -h for help",
        ]
    for group, specs in groupby(_table(surface), key=lambda spec: spec.form.group):
        lines.append(group)
        lines += [f"  {spec.title:<16} {spec.form.summary.split('. ')[0]}" for spec in specs]
    return "\n".join(lines)


def usage(name: str, surface: Surface = Surface.MAGIC) -> str:
    """Return the usage of a command.

    Args:
        name: ``load``, ``publish table``, or ``publish`` for all its forms.
        surface: ``%etl`` or ``jupyter etl``.

    Returns:
        Plain text with its form, description, arguments and examples.

    Raises:
        DeclarationError: There is no such command; the message suggests the most similar one.
    """
    wanted = " ".join(name.split())
    specs = [spec for spec in _table(surface) if wanted in (spec.name, spec.title)]
    if not specs:
        titles = [spec.title for spec in _table(surface)]
        raise DeclarationError(
            f"There is no command '{wanted}'.{nearest(wanted, titles)}",
            hint=f"Commands are {listed(titles, limit=len(titles))}.",
        )
    return "\n\n".join(_usage(spec) for spec in specs)


def _table(surface: Surface) -> tuple[CommandSpec, ...]:
    return CLI_COMMANDS if surface is Surface.CLI else MAGIC_COMMANDS


def _usage(spec: CommandSpec) -> str:
    prefix = _prefix(spec, below=spec.form.cell is not CellUse.NONE)
    form = textwrap.fill(spec.usage(prefix), 80, subsequent_indent="    ", break_on_hyphens=False)
    rows = [(argument.shown, argument.explained) for argument in spec.arguments]
    if spec.form.stores:
        rows.insert(1, ("NAME <<", "The variable for the result."))
    if spec.form.cell is not CellUse.NONE:
        rows.append(("(below)", spec.form.cell_help))
    examples = "\n".join(f"  {_example(spec, text)}" for text in spec.form.examples)
    summary = textwrap.fill(spec.form.summary, 80)
    return "\n\n".join(filter(None, (form, summary, _rows(rows), examples)))


def _example(spec: CommandSpec, text: str) -> str:
    below = spec.form.cell is CellUse.REQUIRED or text.endswith("<<")
    return f"{_prefix(spec, below=below)}{text}"


def _prefix(spec: CommandSpec, *, below: bool) -> str:
    if spec.form.on is Surface.CLI:
        return f"{PROGRAM} "
    return "%%etl " if below else PREFIX


def _rows(rows: list[tuple[str, str]]) -> str:
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
