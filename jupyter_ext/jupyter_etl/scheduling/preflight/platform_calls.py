"""Uses of the platform in a cell: ``%etl`` lines and calls such as ``etl.load("wh.orders")``."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from msgspec.structs import asdict

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.parser import parse_line
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
        name: Name of the command or function.
        args: The fields of the request, or the arguments of the call; arguments that are not
            literals are `UNKNOWN`. ``publish`` has ``kind``.
        text: The lines below a ``%%etl``, or the rules that a call checks.
        request: The request of a command; None for a call.
    """

    cell: int
    certain: bool
    name: str
    args: Mapping[str, object]
    text: str | None = None
    request: Request | None = None


class Unknown:
    """A value that cannot be determined statically."""


UNKNOWN = Unknown()


def uses_in(
    cell: int, source: str, tree: ast.Module, reachability: Reachability, literals: Literals
) -> tuple[list[Use], list[tuple[str, bool]]]:
    """Find the uses of the platform in a cell.

    Args:
        cell: Its index.
        tree: The parsed source.

    Returns:
        The uses in order; and for each ``%etl`` line that is not valid, the error and whether the
        line is executed in every run.
    """
    found: list[tuple[int, Use]] = []
    wrong: list[tuple[str, bool]] = []
    for line, text, below in command_lines(source):
        certain = reachability.has_line(cell, line) if below is None else reachability.starts(cell)
        try:
            request = parse_line(text, below)
        except DeclarationError as problem:
            mark = "%etl" if below is None else "%%etl"
            wrong.append((f"{mark} {text.strip()}: {problem}", certain))
        else:
            found.append((line, _of_request(cell, certain, request)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (use := _of_call(cell, reachability, node, literals)):
            found.append((node.lineno, use))
    return [use for _, use in sorted(found, key=lambda one: one[0])], wrong


def _of_request(cell: int, certain: bool, request: Request) -> Use:
    form, args = request.forms[0], asdict(request)
    text = args.pop("cell", None)
    if form.variant:
        args["kind"] = form.variant
    return Use(cell=cell, certain=certain, name=form.name, args=args, text=text, request=request)


def _of_call(
    cell: int, reachability: Reachability, node: ast.Call, literals: Literals
) -> Use | None:
    root, _, function = literals.full_name(node.func).rpartition(".")
    if root not in ("etl", "jupyter_etl") or function not in _SIGNATURES:
        return None
    if any(isinstance(one, ast.Starred) for one in node.args):
        return None
    args: dict[str, object] = dict(_pairs(node, function, literals))
    text = None
    name = _SAME.get(function, function)
    if function in _TARGET:
        args["target"] = args.get("name", UNKNOWN) if args.get("data") is None else UNKNOWN
    if function == "check":
        rules = args.get("rules")
        given = args.get("data") is not None
        args |= {"name": UNKNOWN if given else args.get("name", UNKNOWN), "schema": None}
        text = rules if isinstance(rules, str) else None
    if function == "publish":
        args.setdefault("kind", "table")
    return Use(cell=cell, certain=reachability.has(node), name=name, args=args, text=text)


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
