"""``{{ ref('recent') }}``: a named query inside another one, as a common table expression."""

from __future__ import annotations

import re
from collections.abc import Mapping

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.names import nearest
from jupyter_etl.language.sql.lexer import Span, spans_of

_REF = re.compile(r"\{\{\s*ref\(\s*(['\"])(?P<name>[^'\"]*)\1\s*\)\s*\}\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}")
_HEAD = re.compile(r"(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
_WITH = re.compile(r"with\b(?P<recursive>\s+recursive\b)?", re.IGNORECASE)


def parse_query_name(text: str) -> str:
    """Validate the name of a query, which is used in SQL without quotes.

    Raises:
        DeclarationError: It is not valid.
    """
    if _NAME.fullmatch(text):
        return text
    raise DeclarationError(
        f"{text!r} is not a valid name for a query.",
        hint="Use letters, digits and '_', starting with a letter, like recent_orders.",
    )


def references_of(sql: str, dialect: str = "") -> tuple[str, ...]:
    """Return the queries that a query refers to, once each, in order; comments are ignored."""
    return tuple(dict.fromkeys(name for _, _, name in _found(sql, dialect)))


def expand(sql: str, queries: Mapping[str, str], *, name: str = "", dialect: str = "") -> str:
    """Prepend the queries that a query refers to.

    Args:
        sql: SQL with ``{{ ref('name') }}`` in place of tables.
        queries: Queries of the same source, by name; each may refer to others.
        name: Name of the query itself; "" if it has none.
        dialect: Dialect of all queries, see `spans_of`.

    Returns:
        SQL with one ``WITH name AS (...)`` per query, in dependency order.

    Raises:
        DeclarationError: A name is unknown, or a query depends on itself.
    """
    order: dict[str, str] = {}
    plain = _resolve(sql, queries, order, path=(name,) if name else (), dialect=dialect)
    if not order:
        return plain
    tables = ", ".join(f"{one} AS (\n{body}\n)" for one, body in order.items())
    start = (_HEAD.match(plain) or re.match("", plain)).end()  # type: ignore[union-attr]  # "" matches
    found = _WITH.match(plain, start)
    if found is None:
        return f"{plain[:start]}WITH {tables}\n{plain[start:]}"
    head = "WITH RECURSIVE" if found["recursive"] else "WITH"
    return f"{plain[:start]}{head} {tables},{plain[found.end() :]}"


def _resolve(
    sql: str,
    queries: Mapping[str, str],
    order: dict[str, str],
    *,
    path: tuple[str, ...],
    dialect: str,
) -> str:
    """Return the SQL with names for its references, and add those queries to ``order`` first."""
    for name in references_of(sql, dialect):
        if name in path:
            around = " -> ".join((*path[path.index(name) :], name))
            raise DeclarationError(
                f"The query {name!r} refers to itself: {around}.",
                hint="Remove one of these references, and run its cell again.",
            )
        if name in order:
            continue
        if name not in queries:
            raise DeclarationError(
                f"There is no query named {name!r}.{nearest(name, queries)}",
                hint=f"Run the cell that defines it: %%etl sql SOURCE --name {name}",
                data={"name": name, "queries": list(queries)},
            )
        body = _resolve(queries[name], queries, order, path=(*path, name), dialect=dialect)
        order[name] = body.strip().rstrip(";").rstrip()
    pieces, position = [], 0
    for start, end, name in _found(sql, dialect):
        pieces += [sql[position:start], name]
        position = end
    return "".join([*pieces, sql[position:]])


def _found(sql: str, dialect: str) -> list[tuple[int, int, str]]:
    # As names, so that quotes in a reference start no literal.
    masked = _REF.sub(lambda found: "x" * len(found[0]), sql)
    spans = spans_of(masked, dialect)
    code = [(start, end) for start, end, span in spans if span is Span.CODE]
    return [
        (found.start(), found.end(), parse_query_name(found["name"]))
        for found in _REF.finditer(sql)
        if any(start <= found.start() < end for start, end in code)
    ]
