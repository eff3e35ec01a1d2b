"""Names that differ only in case, for SQL engines that are case-insensitive."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

_ENGINE_SCHEMAS = frozenset(
    {"main", "temp", "system", "memory", "information_schema", "pg_catalog"}
)
"""Existing schemas and catalogs of DuckDB: a source with one of these names is renamed."""


_INNER = re.compile(r"_etl_((?:[0-9a-f]{2})*)_")
"""The format of `inner_name`."""


@dataclass(frozen=True, kw_only=True)
class ExactNames:
    """A query in which no two names differ only in case.

    Args:
        sql: The query, with replacements for such names.
        tables: Replacements of tables, or of a part of their dotted names, by spelling.
        columns: Replacements of columns, by spelling.
    """

    sql: str
    tables: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


def folded(name: str) -> str:
    """Return the case-folded form of a name."""
    return unicodedata.normalize("NFC", name).casefold()


def exact_names(
    sql: str,
    tree: exp.Expr | None,
    tables: Mapping[str, Sequence[str]],
) -> ExactNames:
    """Replace names of a query that differ only in case.

    Args:
        sql: One query in DuckDB's SQL.
        tree: sqlglot's parse tree of exactly this text.
        tables: Columns of the tables, by the table names in the query.

    Returns:
        The query, unchanged if there are no such names.

    Raises:
        DeclarationError: The query names columns in a way that cannot be disambiguated.
    """
    from sqlglot import exp

    scopes = _scopes(tree)
    defined = {cte.alias for cte in tree.find_all(exp.CTE)} if tree is not None else set()
    parts = _table_parts(tables, defined)
    folds = _column_folds(tree, tables, scopes)
    spellings = {one for columns in tables.values() for one in columns if folded(one) in folds}
    if tree is not None and folds:
        spellings |= {
            one.name for one in tree.find_all(exp.Identifier) if folded(one.name) in folds
        }
    inner = {name: inner_name(name) for name in parts}
    columns = {name: inner_name(name) for name in spellings}
    if tree is None or not (inner or columns):
        return ExactNames(sql=sql, tables=inner, columns=columns)
    if columns:
        _refuse_names_as_values(tree, tables)
    places = [*_table_places(tree, inner), *_column_places(tree, scopes, tables, columns)]
    return ExactNames(sql=_replaced(sql, places), tables=inner, columns=columns)


def inner_name(name: str) -> str:
    """Return a unique replacement for a name, of letters and digits."""
    return f"_etl_{name.encode(errors='surrogatepass').hex()}_"


def shown(text: str) -> str:
    """Restore the original names in a text: a result column or a message."""
    return _INNER.sub(lambda found: bytes.fromhex(found[1]).decode(errors="replace"), text)


def inner_columns(columns: Sequence[str]) -> dict[str, str]:
    """Return the replacements of columns that differ only in case, or have no name."""
    alike = {name for spelled in twins(columns).values() for name in spelled}
    return {name: inner_name(name) for name in columns if name in alike or not name}


def twins(names: Iterable[str]) -> dict[str, list[str]]:
    """Return the spellings that differ only in case, by their folded form."""
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(folded(name), []).append(name)
    return {fold: spelled for fold, spelled in found.items() if len(spelled) > 1}


def _scopes(tree: exp.Expr | None) -> list[Scope]:
    from sqlglot import exp
    from sqlglot.optimizer.scope import traverse_scope

    return list(traverse_scope(tree)) if isinstance(tree, exp.Query) else []


def _table_parts(tables: Mapping[str, Sequence[str]], defined: set[str]) -> set[str]:
    """Return the table names, and parts of dotted ones, that need a replacement."""
    every = {part for name in tables for part in (name, *name.split("."))} | defined
    found = {name for spelled in twins(every).values() for name in spelled}
    heads = {name.split(".")[0] for name in tables if "." in name}
    return found | {head for head in heads if folded(head) in _ENGINE_SCHEMAS}


def _column_folds(
    tree: exp.Expr | None, tables: Mapping[str, Sequence[str]], scopes: Sequence[Scope]
) -> set[str]:
    """Return the folded forms of columns that need replacements."""
    from sqlglot import exp

    found = {fold for columns in tables.values() for fold in twins(columns)}
    if any("" in columns for columns in tables.values()):
        # A column without a name, which DuckDB would name itself.
        found.add("")
    for alias in tree.find_all(exp.TableAlias) if tree is not None else ():
        found |= set(twins(column.name for column in alias.columns))
    for scope in scopes:
        if not isinstance(scope.expression, exp.Select):
            continue
        names = [one.alias_or_name for one in scope.expression.selects if not one.is_star]
        if scope.expression.is_star and (not scope.is_root or scope.expression.args.get("order")):
            names += [
                column
                for source in scope.sources.values()
                if isinstance(source, exp.Table)
                for column in tables.get(_label(source), ())
            ]
        found |= set(twins(filter(None, names)))
    return found


def _label(table: exp.Table) -> str:
    return ".".join(part.name for part in table.parts)


def _refuse_names_as_values(tree: exp.Expr, tables: Mapping[str, Sequence[str]]) -> None:
    """Reject queries that return column names as values, or select columns by a pattern."""
    from sqlglot import exp

    named = {folded(name) for name in _relations(tree)}
    known = {folded(column) for columns in tables.values() for column in columns}
    rows = any(
        not column.table and folded(column.name) in named - known
        for column in tree.find_all(exp.Column)
    )
    pivots = (pivot for pivot in tree.find_all(exp.Pivot) if pivot.args.get("unpivot"))
    stars = (star for star in tree.find_all(exp.Star) if isinstance(star.parent, exp.Binary))
    others = tree.find(exp.Columns, exp.Describe, exp.Summarize) or next(stars, None)
    if not rows and others is None and next(pivots, None) is None:
        return
    pairs = [pair for columns in tables.values() for pair in twins(columns).values()]
    subject = " and ".join(f"'{name}'" for name in pairs[0]) if pairs else "Names"
    raise DeclarationError(
        f"{subject} differ only in case, and the query uses whole rows or a column pattern.",
        hint="List the columns, or rename one of them in Python first.",
    )


def _relations(tree: exp.Expr) -> Iterator[str]:
    """Yield the possible qualifiers of a column: names and aliases of tables."""
    from sqlglot import exp

    for table in tree.find_all(exp.Table):
        yield table.name
        yield _label(table)
    for alias in tree.find_all(exp.TableAlias):
        yield alias.name


_Place = tuple["exp.Identifier", str]
"""An identifier and its replacement."""


def _table_places(tree: exp.Expr, inner: Mapping[str, str]) -> Iterator[_Place]:
    from sqlglot import exp

    for one in tree.find_all(exp.Identifier) if inner else ():
        of_table = isinstance(one.parent, exp.Table) or (
            isinstance(one.parent, exp.TableAlias) and one.arg_key == "this"
        )
        before = isinstance(one.parent, exp.Column) and one.arg_key != "this"
        if (of_table or before) and one.name in inner:
            yield one, inner[one.name]


def _column_places(
    tree: exp.Expr,
    scopes: Sequence[Scope],
    tables: Mapping[str, Sequence[str]],
    inner: Mapping[str, str],
) -> Iterator[_Place]:
    from sqlglot import exp

    if not inner:
        return
    # The innermost scope comes first; a column that is not found there may belong to an outer one.
    around = {id(column): scope for scope in reversed(scopes) for column in scope.columns}
    relations = {folded(name) for name in _relations(tree)}
    for one in tree.find_all(exp.Identifier):
        parent = one.parent
        if isinstance(parent, exp.Column):
            place = _column_of(parent, relations)
            if place is one and one.name in inner:
                near = _near(parent, around.get(id(parent)), tables)
                yield one, inner[_spelling(one.name, near)]
        elif isinstance(parent, exp.Table | exp.PropertyEQ) or (
            isinstance(parent, exp.TableAlias | exp.Dot) and one.arg_key in {"this", "expression"}
        ):
            # A table, a key of a struct, or a field of one.
            continue
        elif one.name in inner:
            yield one, inner[one.name]


def _column_of(column: exp.Column, relations: set[str]) -> exp.Expr:
    """Return the part of a reference that is the column: ``table.column`` or ``column.field``."""
    parts = column.parts
    for cut in range(len(parts) - 1, 0, -1):
        whole = folded(".".join(part.name for part in parts[:cut]))
        if whole in relations or (cut > 1 and folded(parts[cut - 1].name) in relations):
            return parts[cut]
    return parts[0]


def _near(
    column: exp.Column, scope: Scope | None, tables: Mapping[str, Sequence[str]]
) -> list[str]:
    """Return the known columns of the tables that a column may belong to."""
    from sqlglot import exp

    if scope is None:
        return []
    selected = {name: source for name, (_, source) in scope.selected_sources.items()}
    found: list[str] = []
    # The innermost query in which a table has such a column, as SQL resolves it.
    for sources in (selected, scope.sources):
        wanted = [sources[column.table]] if column.table in sources else list(sources.values())
        found = [
            name
            for table in wanted
            if isinstance(table, exp.Table)
            for name in tables.get(_label(table), ())
        ]
        if folded(column.name) in map(folded, found):
            break
    return found


def _spelling(name: str, known: Sequence[str]) -> str:
    """Return a name as the tables spell it, if it is unambiguous."""
    alike = {one for one in known if folded(one) == folded(name)}
    return alike.pop() if name not in alike and len(alike) == 1 else name


def _replaced(sql: str, places: Iterable[_Place]) -> str:
    """Replace names in a text, at the positions that sqlglot reports."""
    spans: dict[int, tuple[int, str]] = {}
    for one, name in places:
        # A name without a position does not occur in the text, and is rejected below.
        start, end = int(one.meta.get("start", 0)), int(one.meta.get("end", -1))
        written = sql[start : end + 1]
        plain = re.sub(r'""', '"', written[1:-1]) if written[:1] == '"' else written
        if plain != one.name:
            raise DeclarationError(
                f"'{one.name}' differs from another name only in case, and they cannot be distinguished "
                "in this query.",
                hint="Rename one of them in Python first.",
            )
        spans[start] = (end + 1, name)
    for start in sorted(spans, reverse=True):
        end, name = spans[start]
        sql = f"{sql[:start]}{name}{sql[end:]}"
    return sql
