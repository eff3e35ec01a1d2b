"""The injected parameters cell of a run, with typed values instead of text."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from jupyter_etl.language.parameters.literals import TYPED_TEXTS, read_literal
from jupyter_etl.language.parameters.parameter import coerce
from jupyter_etl.model import Parameter

INJECTED = "injected-parameters"
"""Tag of the cell that papermill writes parameters to."""

_PANDAS = re.compile(r"\b(?:Timestamp|to_datetime)\(")


def inject_types(
    cells: Sequence[MutableMapping[str, Any]],
    declared: Sequence[Parameter],
    given: Mapping[str, object],
    *,
    at: datetime,
) -> None:
    """Rewrite papermill's injected cell so that it creates dates, decimals and other types.

    Only values that JSON represents as text are rewritten. The code does not bind imported names.

    Args:
        cells: Cells of a Python notebook with parameters; the injected one is changed in place.
        declared: Declarations of the notebook; the later of two with one name applies.
        given: Values by name.
        at: See `coerce`.

    Raises:
        DeclarationError: A value does not have its type.
    """
    cell = next((one for one in cells if INJECTED in one.get("metadata", {}).get("tags", ())), None)
    known = {parameter.name: parameter for parameter in declared}
    typed = {
        name: code_of(coerce(known[name], value, at=at), known[name])
        for name, value in given.items()
        if name in known and known[name].type in TYPED_TEXTS and not _is_text(known[name])
    }
    if cell is not None and typed:
        cell["source"] = _rewritten(str(cell["source"]), typed)


def _is_text(parameter: Parameter) -> bool:
    """Return whether the notebook's default is text, so that its code expects text."""
    found, value = read_literal(parameter.default or "")
    return parameter.origin == "cell" and found and isinstance(value, str)


def _rewritten(source: str, typed: Mapping[str, str]) -> str:
    lines = source.split("\n")
    for node in reversed(ast.parse(source).body):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) if name in typed:
                lines[node.lineno - 1 : node.end_lineno] = [f"{name} = {typed[name]}"]
    return "\n".join(lines)


def code_of(value: object, parameter: Parameter) -> str:
    """Return Python code that creates a value.

    Args:
        value: A value of one of the types of `coerce`.
        parameter: Its declaration; if the default is a pandas object, the value becomes one.
    """
    match value:
        case datetime():
            if _PANDAS.search(parameter.default or ""):
                return f'__import__("pandas").Timestamp("{value.isoformat()}")'
            return f'__import__("datetime").datetime.fromisoformat("{value.isoformat()}")'
        case date():
            return f'__import__("datetime").date.fromisoformat("{value.isoformat()}")'
        case time():
            return f'__import__("datetime").time.fromisoformat("{value.isoformat()}")'
        case timedelta():
            return f'__import__("datetime").{repr(value).removeprefix("datetime.")}'
        case Decimal():
            return f'__import__("decimal").Decimal("{value}")'
        case UUID():
            return f'__import__("uuid").UUID("{value}")'
        case PurePath():
            return f'__import__("pathlib").Path({str(value)!r})'
    return repr(value)
