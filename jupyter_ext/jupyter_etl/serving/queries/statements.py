"""What a query reads and calls, according to DuckDB's own parser, and a stable order of its rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import DeclarationError, first_line
from jupyter_etl.language.sql.lexer import code_of, quoted
from jupyter_etl.language.sql.templates import BoundQuery

if TYPE_CHECKING:
    import duckdb

_TABLE_FUNCTIONS = frozenset(
    {"generate_series", "json_each", "json_tree", "range", "repeat", "unnest"}
)
"""Those that read neither files nor the network nor settings."""

_SESSION_FUNCTIONS = frozenset(
    {
        "current_catalog", "current_database", "current_role", "current_schema", "current_schemas",
        "current_setting", "current_user", "getenv", "getvariable", "in_search_path",
        "session_user", "user", "version",
    }
)  # fmt: skip
_ENGINE_SCHEMAS = frozenset(
    {"information_schema", "main", "memory", "pg_catalog", "system", "temp"}
)
_PATH = re.compile(r"""(?:"(?:[^"]|"")*"|[\w$]+)(?:\s*\.\s*(?:"(?:[^"]|"")*"|[\w$]+))*""")
_QUERIES = frozenset(
    {"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE", "STATEMENT_NODE"}
)
_BOUND = re.compile(
    r"(?<!\.)(?<!\bas )\b(?:order\s+by|limit|offset|fetch)\b|[()\[\]{};]", re.IGNORECASE
)
_ONE = "A query that is served is one SELECT, WITH or VALUES"


@dataclass(frozen=True, kw_only=True)
class _Reference:
    """A table in a query.

    Args:
        path: Its name, in parts.
        start: Index of the first character.
        alias: As written; "" if there is none.
    """

    path: tuple[str, ...]
    start: int
    alias: str


@dataclass(frozen=True, kw_only=True)
class Select:
    """One query.

    Args:
        sql: Without a final semicolon.
        tables: Names of the tables that it reads, once each, parts joined by dots.
    """

    sql: str
    tables: tuple[str, ...]
    _references: tuple[_Reference, ...] = ()
    _ordered: bool = False
    _limited: bool = False
    _total: bool = False

    def with_whole_names(self) -> str:
        """Return the query with quoted whole names for tables whose parts are no schema and table.

        These are names of three or more parts, and names that begin like a schema of DuckDB.
        """
        sql = self.sql
        for one in sorted(self._references, key=lambda one: -one.start):
            if len(one.path) < 2 or in_schema(".".join(one.path)):
                continue
            found = _PATH.match(sql, one.start)
            if found is None:
                continue
            alias = "" if one.alias else f" AS {quoted(one.path[-1])}"
            sql = f"{sql[: one.start]}{quoted('.'.join(one.path))}{alias}{sql[found.end() :]}"
        return sql

    def stable(self, columns: int) -> str:
        """Return the query with an order that never depends on how it is executed.

        Args:
            columns: Number of columns of its result; all of them decide about equal rows.

        Raises:
            DeclarationError: Its ``ORDER BY`` or ``LIMIT`` is in parentheses around the query.
        """
        code = code_of(self.sql)
        order, end = _places(code)
        if not self._limited:
            end = None
        if (order is None and self._ordered) or (end is None and self._limited):
            raise DeclarationError(
                "The query is in parentheses, with its ORDER BY or LIMIT inside.",
                hint="Remove the parentheses.",
            )
        if self._total:
            return self.sql
        end = len(self.sql) if end is None else end
        numbers = ", ".join(map(str, range(1, columns + 1)))
        more = f", {numbers}" if self._ordered else "ORDER BY ALL"
        return f"{self.sql[:end]}\n{more}\n{self.sql[end:]}"


def parse_select(sql: str) -> Select:
    """Parse a query.

    Args:
        sql: In DuckDB's SQL; placeholders are ``$name``.

    Raises:
        DeclarationError: It is not one query, or it reads a file, the network or settings, or is
            different each time it is executed.
    """
    statements = _serialized(sql)
    if len(statements) != 1:
        raise DeclarationError(
            f"{_ONE}, but there are {len(statements) or 'no'} statements.",
            hint="Publish each query under a name of its own.",
        )
    node = statements[0]["node"]
    references = tuple(_tables(node, frozenset(), sql))
    tables = tuple(dict.fromkeys(".".join(one.path) for one in references))
    _refuse_functions(node)
    kinds = {one["type"]: one for one in node.get("modifiers", [])}
    orders = kinds.get("ORDER_MODIFIER", {}).get("orders", [])
    return Select(
        sql=_without_end(sql),
        tables=tables,
        _references=references,
        _ordered=bool(orders),
        _limited=any("LIMIT" in kind for kind in kinds),
        _total=any(one["expression"].get("type") == "STAR" for one in orders),
    )


def _serialized(sql: str) -> list[dict[str, Any]]:
    found = _parser().cursor().execute("SELECT json_serialize_sql($1)", [sql]).fetchone()
    tree = json.loads(found[0]) if found else {}
    if not tree.get("error"):
        statements: list[dict[str, Any]] = tree["statements"]
        return statements
    said = first_line(tree.get("error_message", ""))
    if "Only SELECT" in said:
        raise DeclarationError(
            f"{_ONE}; other statements and PIVOT are not served.",
            hint="Do the rest in a notebook, publish its result as a table, and select from it.",
        )
    raise DeclarationError(f"The query is wrong: {said}.")


def in_schema(name: str) -> bool:
    """Return whether a publication is visible as a schema and a table, not only as a whole name."""
    parts = name.split(".")
    return len(parts) == 2 and parts[0].lower() not in _ENGINE_SCHEMAS


@cache
def _parser() -> duckdb.DuckDBPyConnection:
    import duckdb

    return duckdb.connect(":memory:", config={"enable_external_access": False, "threads": 1})


def _tables(node: object, defined: frozenset[str], sql: str) -> Iterator[_Reference]:
    """Yield the tables that a query reads, without the names that it defines itself."""
    if isinstance(node, list):
        for one in node:
            yield from _tables(one, defined, sql)
        return
    if not isinstance(node, dict):
        return
    kind = str(node.get("type", ""))
    if kind.endswith("_NODE") and kind not in _QUERIES:
        raise DeclarationError(f"{_ONE}, and changes nothing.", hint="Remove the change.")
    _refuse_reference(node, kind)
    for entry in node.get("cte_map", {}).get("map", []):
        name, query = entry["key"].lower(), entry["value"]["query_node"]
        recursive = query["type"] == "RECURSIVE_CTE_NODE"
        yield from _tables(query, defined | {name} if recursive else defined, sql)
        defined |= {name}
    if kind == "BASE_TABLE":
        path = tuple(node["qualified_name"]["path"])
        if len(path) > 1 or path[0].lower() not in defined:
            # DuckDB counts bytes.
            start = len(sql.encode()[: node["query_location"]].decode(errors="ignore"))
            yield _Reference(path=path, start=start, alias=node["alias"])
    for key, part in node.items():
        if key != "cte_map":
            yield from _tables(part, defined, sql)


def _refuse_reference(node: dict[str, Any], kind: str) -> None:
    if kind == "SHOW_REF":
        raise DeclarationError(
            f"{_ONE}; DESCRIBE, SHOW and SUMMARIZE are not served.",
            hint="GET /tables/NAME has the columns of a table.",
        )
    if node.get("sample"):
        raise DeclarationError(
            "A sample has other rows in each answer, so its pages do not fit together.",
            hint="Publish the sample as a table, and select from it.",
        )
    if node.get("at_clause"):
        raise DeclarationError(
            "AT (VERSION ...) is not supported: each call reads the live versions.",
            hint="Read an older version in a notebook: etl.read(NAME, version=N).",
        )
    if kind != "TABLE_FUNCTION":
        return
    name = str(node["function"].get("function_name", "")).lower()
    if name not in _TABLE_FUNCTIONS:
        raise DeclarationError(
            f"The query reads '{name}(...)', but only publications can be read.",
            hint="Publish what it reads as a table, and select from its name.",
        )


def _refuse_functions(node: object) -> None:
    for name in _functions(node):
        if name in _SESSION_FUNCTIONS or name.startswith(("pg_", "duckdb_", "pragma_")):
            raise DeclarationError(
                f"The query calls '{name}', but settings are not available to callers.",
                hint="Write the value itself, or declare a parameter.",
            )
        if name in _volatile():
            raise DeclarationError(
                f"The query calls '{name}', whose value differs in each call, so its pages do "
                "not fit together.",
                hint="Compute the value in a notebook, and publish it as a column.",
            )


def _functions(node: object) -> Iterator[str]:
    if isinstance(node, list):
        for one in node:
            yield from _functions(one)
    elif isinstance(node, dict):
        if isinstance(name := node.get("function_name"), str):
            yield name.lower()
        for part in node.values():
            yield from _functions(part)


@cache
def _volatile() -> frozenset[str]:
    rows = (
        _parser()
        .cursor()
        .execute("SELECT function_name FROM duckdb_functions() WHERE stability = 'VOLATILE'")
    )
    return frozenset(name for (name,) in rows.fetchall()) - {"error"}


def _outermost(code: str) -> Iterator[tuple[str, int]]:
    """Yield the words that end a query, and its semicolon, outside brackets."""
    depth = 0
    for found in _BOUND.finditer(code):
        word = found[0].lower()
        depth += (word in "([{") - (word in ")]}")
        if depth == 0 and word not in "()[]{}":
            yield " ".join(word.split()), found.start()


def _places(code: str) -> tuple[int | None, int | None]:
    """Return where the order of a query begins, and where its limit or offset does."""
    order = end = None
    for word, place in _outermost(code):
        if word == "order by":
            order, end = place, None
        elif end is None:
            end = place
    return order, end


def _without_end(sql: str) -> str:
    ends = [place for word, place in _outermost(code_of(sql)) if word == ";"]
    return sql[: ends[0]] if ends else sql


def placeholders(bound: BoundQuery) -> tuple[str, dict[str, object]]:
    """Return a bound query with the placeholders of DuckDB, ``$p0``, and their values."""
    values = dict(bound.parameters)
    sql = re.sub(
        r":(p_*\d+)\b", lambda one: f"${one[1]}" if one[1] in values else one[0], bound.sql
    )
    return sql, values
