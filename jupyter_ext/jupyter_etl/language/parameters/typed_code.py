"""Types of parameters in Python code, without running it."""

from __future__ import annotations

import ast
import re

from jupyter_etl.language.parameters.literals import TYPE_WORDS
from jupyter_etl.model import ParameterType

_DATE, _DATETIME, _TIME = ParameterType.DATE, ParameterType.DATETIME, ParameterType.TIME
_TIMEDELTA, _DECIMAL, _PATH = ParameterType.TIMEDELTA, ParameterType.DECIMAL, ParameterType.PATH

_MAKERS = {
    "date": _DATE,
    "datetime": _DATETIME, "Timestamp": _DATETIME, "to_datetime": _DATETIME,
    "time": _TIME,
    "timedelta": _TIMEDELTA,
    "Decimal": _DECIMAL,
    **dict.fromkeys(("Path", "PurePath", "PosixPath", "PurePosixPath"), _PATH),
    **dict.fromkeys(("UUID", "uuid1", "uuid3", "uuid4", "uuid5"), ParameterType.UUID),
}  # fmt: skip
"""Classes and functions, by the last part of their name."""

_SAME = frozenset(
    [
        "today", "now", "utcnow", "fromtimestamp", "utcfromtimestamp", "fromordinal",
        "fromisoformat", "fromisocalendar", "strptime", "combine", "replace", "astimezone",
        "tz_localize", "tz_convert", "normalize", "floor", "ceil", "round", "cwd", "home",
        "resolve", "absolute", "expanduser", "joinpath", "with_name", "with_forked_kernel", "with_suffix",
        "relative_to", "quantize", "from_float", "parent", "min", "max",
    ]
)  # fmt: skip
"""Methods and attributes that have the type of their object."""

_WRAPPERS = frozenset({"Optional", "Union", "Annotated", "Final", "ClassVar"})
_AWARE = re.compile(
    r"\b(?:tz|tzinfo|timezone|UTC|utc|ZoneInfo|astimezone|tz_localize|localize|gettz)\b"
    r"""|(?:[+-]\d\d:?\d\d|\dZ)['"]"""
)


def annotated_type(annotation: str) -> tuple[ParameterType | None, bool]:
    """Parse ``int``, ``Optional[int]``, ``int | None``, ``list[str]``, ``datetime.date``.

    Args:
        annotation: As written; "" for none.

    Returns:
        The type, None if it is unsupported or a union; and whether None is allowed.
    """
    names = _names(_expression(annotation))
    kinds = [name for name in names if name != "None"]
    kind = TYPE_WORDS.get(kinds[0].lower()) if len(kinds) == 1 else None
    return kind, "None" in names or bool(re.match(r"['\"]?(?:typing\.|t\.)?Optional\b", annotation))


def _names(node: ast.expr | None) -> list[str]:
    match node:
        case ast.Constant(value=None):
            return ["None"]
        case ast.Constant(value=str(text)):
            return _names(_expression(text))
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return [*_names(left), *_names(right)]
        case ast.Subscript(value=value, slice=inner):
            [head] = _names(value) or [""]
            if head not in _WRAPPERS:
                return [head]
            inside = inner.elts if isinstance(inner, ast.Tuple) else [inner]
            return [
                name for one in (inside if head == "Union" else inside[:1]) for name in _names(one)
            ]
    return []


def made_type(code: str) -> ParameterType | None:
    """Return the type of the value of an expression: ``date(2026, 1, 1)``, ``Path("a") / "b"``.

    Args:
        code: An expression of a parameters cell.

    Returns:
        A type of the standard library; None if it is unknown without running the code.
    """
    return _made(_expression(code))


def is_naive(code: str) -> bool:
    """Return whether the datetime of an expression has no time zone, as far as its text shows."""
    return made_type(code) is _DATETIME and not _AWARE.search(code)


def _expression(code: str) -> ast.expr | None:
    try:
        return ast.parse(code.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _made(node: ast.expr | None) -> ParameterType | None:
    match node:
        case ast.Call(func=ast.Name(id="time"), args=[], keywords=[]):
            # From the module time: seconds.
            return None
        case ast.Call(func=func):
            return _called(func)
        case ast.Attribute(value=value, attr=name) if name in _SAME:
            return _owner(value)
        case ast.BinOp(left=left, op=op, right=right):
            return _computed(_made(left), op, _made(right))
        case ast.UnaryOp(operand=operand):
            return _made(operand)
        case ast.IfExp(body=body, orelse=orelse):
            return _made(body) or _made(orelse)
        case ast.BoolOp(values=values):
            return next((kind for kind in map(_made, reversed(values)) if kind), None)
    return None


def _called(func: ast.expr) -> ParameterType | None:
    if isinstance(func, ast.Name):
        return _MAKERS.get(func.id)
    if not isinstance(func, ast.Attribute):
        return None
    if func.attr in _SAME:
        return _owner(func.value)
    if isinstance(func.value, ast.Name) and (func.value.id, func.attr) == ("time", "time"):
        return None
    return _MAKERS.get(func.attr)


def _owner(node: ast.expr) -> ParameterType | None:
    """Return the type of a named class, or of a created value."""
    if isinstance(node, ast.Name):
        return _MAKERS.get(node.id)
    if isinstance(node, ast.Attribute) and node.attr not in _SAME:
        return _MAKERS.get(node.attr)
    return _made(node)


def _computed(
    left: ParameterType | None, op: ast.operator, right: ParameterType | None
) -> ParameterType | None:
    if _PATH in (left, right):
        return _PATH if isinstance(op, ast.Div) else None
    if _DECIMAL in (left, right):
        return _DECIMAL
    moments = (_DATE, _DATETIME)
    if left in moments and right in moments:
        return _TIMEDELTA if isinstance(op, ast.Sub) else None
    if left in moments or right in moments:
        return left if left in moments else right
    if _TIMEDELTA in (left, right):
        # A duration divided by another is a number.
        return None if left == right and isinstance(op, ast.Div | ast.FloorDiv) else _TIMEDELTA
    return None
