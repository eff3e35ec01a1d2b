"""Calls of a function in the cells of a notebook."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

import msgspec

_MAGIC_LINE = re.compile(r"^\s*[%!].*$", re.MULTILINE)
_MOST = 20


def calls_of(sources: Sequence[str], name: str, parameters: Sequence[str]) -> tuple[str, ...]:
    """Return how a function is called in the first cell after its definition that calls it.

    Only calls whose arguments are literals are returned, because nothing is executed.

    Args:
        sources: Sources of the code cells, in order.
        name: Name of the function.
        parameters: Names of its parameters, in order.

    Returns:
        The arguments of each call, as a JSON object.
    """
    definition = re.compile(rf"^(?:async\s+)?def\s+{re.escape(name)}\s*\(", re.MULTILINE)
    places = [place for place, source in enumerate(sources) if definition.search(source)]
    for source in sources[places[-1] + 1 :] if places else ():
        found = list(dict.fromkeys(_calls_in(source, name, parameters)))
        if found:
            return tuple(found[:_MOST])
    return ()


def _calls_in(source: str, name: str, parameters: Sequence[str]) -> Iterator[str]:
    try:
        tree = ast.parse(_MAGIC_LINE.sub("", source))
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Name(id=called)) if called == name:
                request = _request(node, parameters)
                if request is not None:
                    yield request


def _request(call: ast.Call, parameters: Sequence[str]) -> str | None:
    """Return the arguments of a call; None if one of them is not a literal."""
    if len(call.args) > len(parameters) or any(one.arg is None for one in call.keywords):
        return None
    try:
        given = {
            **dict(zip(parameters, map(ast.literal_eval, call.args), strict=False)),
            **{str(one.arg): ast.literal_eval(one.value) for one in call.keywords},
        }
        return msgspec.json.encode(given).decode()
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return None
