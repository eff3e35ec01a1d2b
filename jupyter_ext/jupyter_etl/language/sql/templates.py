"""``{{x}}`` in SQL: bound values, quoted identifiers, and raw text on request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import nearest
from jupyter_etl.language.parameters.plain_values import plain_value
from jupyter_etl.language.sql.lexer import Span, code_of, quoted, spans_of

_HOLE = re.compile(r"""\{\{((?>'[^']*'|"[^"]*"|.)*?)\}\}""", re.DOTALL)
_INSIDE = re.compile(r"\s*([^\W\d]\w*)\s*(?:\|\s*(\w+)\s*)?")
_TYPED = re.compile(r"\s*([^\W\d]\w*)\s*(?::(.*))?", re.DOTALL)
_OF_ARRAY = re.compile(r"\b(?:any|some|all)\s*\(\s*\Z", re.IGNORECASE)
"""The text before an array, where a list is rendered in square brackets."""
_FORMS = "Write {{x}} for a value, {{x|ident}} for the name of a column or table."
_TYPED_FORMS = (
    "Write {{name: type}} or {{name: type = default}}, like {{since: date = 2026-01-31}}."
)


class HoleKind(StrEnum):
    """How a template hole is filled."""

    VALUE = "value"
    IDENT = "ident"
    SQLSAFE = "sqlsafe"


@dataclass(frozen=True, kw_only=True)
class Hole:
    """One ``{{name|kind}}``, or ``{{name: declaration}}`` in a query that is served.

    Args:
        declaration: Type and default of the parameter, as written: ``date = 2026-01-31``; ""
            where there is none.
    """

    name: str
    kind: HoleKind = HoleKind.VALUE
    declaration: str = ""


@dataclass(frozen=True, kw_only=True)
class Template:
    """SQL with holes.

    Args:
        sql: As written.
        parts: Alternating text and holes, in order.
        dialect: Dialect of the SQL, see `spans_of`.
    """

    sql: str
    parts: tuple[str | Hole, ...]
    dialect: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        """The required variables, once each, in order."""
        holes = (part.name for part in self.parts if isinstance(part, Hole))
        return tuple(dict.fromkeys(holes))


@dataclass(frozen=True, kw_only=True)
class BoundQuery:
    """SQL with separate values.

    Args:
        sql: With placeholders ``:p0 :p1 ...``; no other text in it can be mistaken for one.
        parameters: Their values, plain Python, by name without the colon.
        raw: ``name = text`` of every ``sqlsafe`` hole, for the record.
    """

    sql: str
    parameters: Mapping[str, object]
    raw: tuple[str, ...] = ()


def parse_template(sql: str, dialect: str = "", *, typed: bool = False) -> Template:
    """Parse a template.

    Args:
        sql: With ``{{x}}``, ``{{x|ident}}``, ``{{x|sqlsafe}}``. Holes in comments are text.
        dialect: Dialect of the SQL, see `spans_of`.
        typed: Whether it is a query that is served: its holes may declare parameters, as in
            ``{{x: int = 1}}``, and have no filters.

    Raises:
        DeclarationError: A hole contains more than a name, is not closed, or is inside a
            literal, where no value can be bound.
    """
    parts: list[str | Hole] = []
    position = 0
    spans = _spans_around_holes(sql, dialect)
    for found in _HOLE.finditer(sql):
        span = next(kind for start, end, kind in spans if start <= found.start() < end)
        hole = _hole(found, span, typed=typed)
        if hole is not None:
            parts += [sql[position : found.start()], hole]
            position = found.end()
    parts.append(sql[position:])
    _refuse_rest("x".join(part for part in parts if isinstance(part, str)), dialect)
    return Template(sql=sql, parts=tuple(part for part in parts if part != ""), dialect=dialect)


def _spans_around_holes(sql: str, dialect: str) -> list[tuple[int, int, Span]]:
    """Split the SQL with holes treated as names, so that a quote inside one starts no literal."""
    masked = _HOLE.sub(lambda found: "x" * len(found[0]), sql)
    return spans_of(masked, dialect)


def _hole(found: re.Match[str], span: Span, *, typed: bool) -> Hole | None:
    """Parse one hole; None if it is only text."""
    written, inside = found[0], found[1]
    if span is Span.COMMENT or (span is not Span.CODE and not re.match(r"\s*[^\W\d]", inside)):
        return None
    if typed:
        return _typed_hole(written, inside, span)
    plain = _INSIDE.fullmatch(inside)
    if plain is None:
        raise DeclarationError(
            f"{written} is not a plain variable: attributes, calls, subscripts and expressions "
            "are not supported.",
            hint="Assign the value in Python first, value = ..., and then use {{value}}. "
            f"{_FORMS}",
        )
    name, word = plain[1], plain[2] or HoleKind.VALUE
    if word not in HoleKind.__members__.values():
        raise DeclarationError(
            f"{written} uses the unknown filter '{word}'.{nearest(word, list(HoleKind))}",
            hint=_FORMS,
        )
    kind = HoleKind(word)
    if span is not Span.CODE and kind is not HoleKind.SQLSAFE:
        raise _inside_quotes(written, name, span)
    return Hole(name=name, kind=kind)


def _typed_hole(written: str, inside: str, span: Span) -> Hole:
    found = _TYPED.fullmatch(inside)
    if found is None:
        filtered = _INSIDE.fullmatch(inside)
        reason = (
            f"uses the filter '{filtered[2]}', but a caller's value never becomes SQL text"
            if filtered is not None
            else "is not a parameter: calls, attributes and expressions are not supported"
        )
        raise DeclarationError(f"{written} {reason}.", hint=_TYPED_FORMS)
    if span is Span.NAME:
        raise DeclarationError(
            f"{written} is inside double quotes, but a caller's value is never a name.",
            hint="Write the name of the column or table itself.",
        )
    if span is not Span.CODE:
        raise _inside_quotes(written, found[1], span)
    declaration = (found[2] or "").strip()
    if found[2] is not None and not declaration:
        raise DeclarationError(f"{written} has no type after the colon.", hint=_TYPED_FORMS)
    return Hole(name=found[1], declaration=declaration)


def _inside_quotes(written: str, name: str, span: Span) -> DeclarationError:
    if span is Span.NAME:
        return DeclarationError(
            f"{written} is inside double quotes, so it is part of a name.",
            hint=f"Write {{{{{name}|ident}}}} without the quotes.",
        )
    return DeclarationError(
        f"{written} is inside a string, where no value can be bound.",
        hint=f"Write {{{{{name}}}}} without the quotes; inside a longer string, '%' || "
        f"{{{{{name}}}}} || '%'.",
    )


def _refuse_rest(sql: str, dialect: str) -> None:
    code = code_of(sql, dialect)
    if "{{" in code:
        raise DeclarationError("A {{ in the query is not closed.", hint=_FORMS)
    if "{%" in code:
        raise DeclarationError(
            "The query contains {% ... %}, but only {{x}} is supported.",
            hint="Choose the query in Python.",
        )


def bind(template: Template, namespace: Mapping[str, object]) -> BoundQuery:
    """Fill the holes.

    Args:
        template: From `parse_template`.
        namespace: Values by name; numpy and pandas scalars become plain Python, a list becomes
            ``(:p0, :p1)``, in ``ANY(...)`` ``ARRAY[:p0, :p1]``.

    Raises:
        DeclarationError: A name does not exist, or its value cannot be bound (a frame, an
            object, an empty list).
    """
    raw: list[str] = []
    pieces: list[str | _Bound] = []
    for part in template.parts:
        if isinstance(part, str):
            pieces.append(part)
            continue
        value = plain_value(_looked_up(part.name, namespace), name=part.name)
        if part.kind is HoleKind.VALUE:
            pieces.append(_bound(part.name, value))
            continue
        if part.kind is HoleKind.IDENT:
            pieces.append(_quoted(part.name, value, template.dialect))
            continue
        pieces.append(_raw(part.name, value))
        raw.append(f"{part.name} = {value}")
    sql, parameters = _placed(pieces)
    return BoundQuery(sql=sql, parameters=parameters, raw=tuple(raw))


@dataclass(frozen=True, kw_only=True)
class _Bound:
    values: tuple[object, ...]
    listed: bool


def _looked_up(name: str, namespace: Mapping[str, object]) -> object:
    if name not in namespace:
        known = [key for key in namespace if not key.startswith("_")]
        raise DeclarationError(
            f"The query uses {{{{{name}}}}}, but there is no variable "
            f"'{name}'.{nearest(name, known)}",
            hint=f"Assign it in an earlier cell, {name} = ..., or declare it: %etl param {name} "
            "= ...",
        )
    return namespace[name]


def _bound(name: str, value: object) -> _Bound:
    if not isinstance(value, list):
        return _Bound(values=(value,), listed=False)
    if not value:
        raise DeclarationError(
            f"{{{{{name}}}}} is an empty list, which SQL does not support.",
            hint="Omit the condition in Python if the list is empty.",
        )
    return _Bound(values=tuple(value), listed=True)


def _quoted(name: str, value: object, dialect: str) -> str:
    parts = value if isinstance(value, list) else [value]
    if not parts or not all(isinstance(p, str) and p and "\0" not in p for p in parts):
        raise DeclarationError(
            f"{{{{{name}|ident}}}} needs the name of a column or table as text, but got {value!r}.",
            hint=f"Set {name} = 'column', or {name} = ('schema', 'table').",
        )
    return ".".join(quoted(str(part), dialect) for part in parts)


def _raw(name: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise DeclarationError(
        f"{{{{{name}|sqlsafe}}}} needs SQL as text, but got {value!r}.",
        hint=f"For a value write {{{{{name}}}}}.",
    )


def _placed(pieces: list[str | _Bound]) -> tuple[str, dict[str, object]]:
    """Number the values and join all pieces."""
    stem = "p"
    texts = "\n".join(piece for piece in pieces if isinstance(piece, str))
    while re.search(rf":{stem}\d", texts):
        stem += "_"
    parameters: dict[str, object] = {}
    out: list[str] = []
    for piece in pieces:
        if isinstance(piece, str):
            out.append(piece)
            continue
        names = [f"{stem}{len(parameters) + n}" for n in range(len(piece.values))]
        parameters.update(zip(names, piece.values, strict=True))
        joined = ", ".join(f":{name}" for name in names)
        if piece.listed:
            joined = f"ARRAY[{joined}]" if _OF_ARRAY.search("".join(out)) else f"({joined})"
        out.append(joined)
    return _spaced(out), parameters


def _spaced(pieces: list[str]) -> str:
    """Join pieces so that a placeholder does not merge with the next one, such as ``::``."""
    sql = ""
    for piece in pieces:
        glued = sql and piece and (sql[-1].isalnum() or sql[-1] in "_:")
        apart = glued and (piece[0].isalnum() or piece[0] in "_:")
        sql += f" {piece}" if apart else piece
    return sql
