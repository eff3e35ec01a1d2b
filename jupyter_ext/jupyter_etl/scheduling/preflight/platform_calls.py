"""What a cell asks of the platform: its ``%etl`` lines and its calls like ``etl.load("wh.orders")``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.parser import Command, parse_line
from jupyter_etl.language.notebooks.cells import command_lines
from jupyter_etl.scheduling.preflight.literals import Literals
from jupyter_etl.scheduling.preflight.reachability import Reachability

_SIGNATURES = {
    "source": ("name", "location"),
    "load": ("target",),
    "stream": ("target",),
    "read": ("name",),
    "sql": ("source", "query"),
    "check": ("name", "rules", "data"),
    "profile": ("name", "data"),
    "sample": ("name", "amount"),
    "publish": ("name", "data"),
    "param": ("text",),
}
"""Positional arguments of the functions of ``import jupyter_etl as etl``."""

_SAME = {"stream": "load"}
_RENAMED = {"load": {"name": "target"}, "stream": {"name": "target"}}
_TARGET = {"profile": "target", "sample": "target"}


@dataclass(frozen=True, kw_only=True)
class Use:
    """One command or call.

    Args:
        cell: Index of the cell.
        certain: Whether it is executed in every run.
        command: As the magic knows it; an argument of a call that is no literal is `UNKNOWN`.
        of_python: Whether it is a call.
    """

    cell: int
    certain: bool
    command: Command
    of_python: bool = False


class Unknown:
    """A value that the text does not tell."""


UNKNOWN = Unknown()


def uses_in(
    cell: int, source: str, tree: ast.Module, reachability: Reachability, literals: Literals
) -> tuple[list[Use], list[tuple[str, bool]]]:
    """Read a cell.

    Args:
        cell: Its index.
        tree: The same, parsed.

    Returns:
        The uses in order, and for each ``%etl`` that cannot be read what is wrong, and whether it is
        executed in every run.
    """
    found: list[tuple[int, Use]] = []
    wrong: list[tuple[str, bool]] = []
    for line, text, below in command_lines(source):
        certain = reachability.has_line(cell, line) if below is None else reachability.starts(cell)
        try:
            use = Use(cell=cell, certain=certain, command=parse_line(text, below))
        except DeclarationError as problem:
            mark = "%etl" if below is None else "%%etl"
            wrong.append((f"{mark} {text.strip()}: {problem}", certain))
        else:
            found.append((line, use))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (command := _command(node, literals)):
            certain = reachability.has(node)
            use = Use(cell=cell, certain=certain, command=command, of_python=True)
            found.append((node.lineno, use))
    return [use for _, use in sorted(found, key=lambda one: one[0])], wrong


def _command(node: ast.Call, literals: Literals) -> Command | None:
    root, _, function = literals.full_name(node.func).rpartition(".")
    if root not in ("etl", "jupyter_etl") or function not in _SIGNATURES:
        return None
    if any(isinstance(one, ast.Starred) for one in node.args):
        return None
    args: dict[str, object] = dict(_pairs(node, function, literals))
    name = _SAME.get(function, function)
    if function in _TARGET:
        args["target"] = args.get("name", UNKNOWN) if args.get("data") is None else UNKNOWN
    if function == "check":
        rules = args.get("rules")
        given = args.get("data") is not None
        args |= {"name": UNKNOWN if given else args.get("name", UNKNOWN), "schema": None}
        return Command(name=name, args=args, cell=rules if isinstance(rules, str) else None)
    if function == "publish":
        args.setdefault("kind", "table")
    return Command(name=name, args=args)


def _pairs(node: ast.Call, function: str, literals: Literals) -> Iterator[tuple[str, object]]:
    renamed = _RENAMED.get(function, {})
    given = [
        *zip(_SIGNATURES[function], node.args, strict=False),
        *((renamed.get(k.arg or "", k.arg or ""), k.value) for k in node.keywords),
    ]
    for name, value in given:
        yield name, _value(value, literals)


def _value(node: ast.expr, literals: Literals) -> object:
    text = literals.text(node)
    if text is not None:
        return text
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
