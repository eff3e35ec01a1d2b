"""Tables that a query reads, and the origins of its result columns, from its text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError
from jupyter_etl.sources.sql.statements import Statement, parse_statement

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope

MOST_CHARACTERS = 50_000
"""Longer queries are not analysed."""

_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}

Leaf = tuple[str, str]
"""A table as in the query, without quotes, and one of its columns."""

_Output = tuple[str, frozenset[Leaf] | None]

_ALL = "*"
"""Represents all columns of a table whose columns are not known."""


@dataclass(frozen=True, kw_only=True)
class QueryLineage:
    """The lineage of a query.

    Args:
        tables: Tables that it reads, without quotes, once each.
        origins: The columns that each result column is computed from. A column is absent if
            that is unknown, or if it is computed from none.
    """

    tables: tuple[str, ...] = ()
    origins: Mapping[str, tuple[Leaf, ...]] = field(default_factory=dict)


class _Unknown(Exception):
    """The lineage cannot be determined."""


def lineage_of(
    query: str,
    *,
    dialect: str,
    parameters: Mapping[str, object],
    columns: Sequence[str],
    known: Mapping[str, Sequence[str]] | None = None,
) -> QueryLineage:
    """Analyse a query.

    Args:
        query: One statement with ``:name`` placeholders.
        dialect: Dialect of the database: ``postgresql``, ``sqlite``, ``duckdb`` ...
        parameters: Values of the placeholders.
        columns: Columns of the result, in order.
        known: Known columns of tables, by the table name in the query.

    Returns:
        The lineage; empty if the query cannot be parsed.
    """
    from sqlglot.errors import SqlglotError

    if len(query) > MOST_CHARACTERS:
        return QueryLineage()
    try:
        tables, root = _scoped(parse_statement(query, parameters, dialect), dialect)
    except (SqlglotError, DeclarationError, ValueError, RecursionError):
        # The parser does not know the dialect, or the query is specific to its database.
        return QueryLineage()
    if root is None:
        return QueryLineage(tables=tables)
    try:
        found = _spread(_Reading(known=known or {}).outputs(root), columns)
    except (_Unknown, RecursionError):
        return QueryLineage(tables=tables)
    if len(found) != len(columns) or _ALL in {name for name, _ in found}:
        return QueryLineage(tables=tables)
    pairs = zip(columns, (leaves for _, leaves in found), strict=True)
    origins = {column: tuple(sorted(leaves)) for column, leaves in pairs if leaves}
    return QueryLineage(tables=tables, origins=origins)


def _scoped(statement: Statement, dialect: str) -> tuple[tuple[str, ...], Scope | None]:
    """Return the tables that a statement names, and for a query its outermost scope."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.scope import build_scope, traverse_scope

    plain = statement.render(lambda name: "NULL")
    tree = sqlglot.parse_one(plain, dialect=_DIALECTS.get(dialect, dialect))
    if not isinstance(tree, exp.Query):
        return _named(tree.find_all(exp.Table)), None
    tables = _named(
        source
        for scope in traverse_scope(tree)
        for source in scope.sources.values()
        if isinstance(source, exp.Table)
    )
    return tables, build_scope(tree)


def _named(tables: Iterable[exp.Table]) -> tuple[str, ...]:

    from sqlglot import exp

    names = (_label(table) for table in tables if isinstance(table.this, exp.Identifier))
    return tuple(dict.fromkeys(names))


def _label(table: exp.Table) -> str:
    return ".".join(part.name for part in table.parts)


@dataclass(frozen=True, kw_only=True)
class _Reading:
    """The analysis of one query.

    Args:
        known: Columns of tables, by name.
        done: Analysed scopes; None while one is being analysed.
    """

    known: Mapping[str, Sequence[str]]
    done: dict[int, list[_Output] | None] = field(default_factory=dict)

    def outputs(self, scope: Scope) -> list[_Output]:
        """Return the columns of a scope with their origins, None if unknown."""
        key = id(scope)
        if key not in self.done:
            self.done[key] = None
            self.done[key] = self._read(scope)
        found = self.done[key]
        if found is None:
            # A recursive query refers to itself.
            raise _Unknown
        return found

    def _read(self, scope: Scope) -> list[_Output]:
        from sqlglot import exp

        if isinstance(scope.expression, exp.SetOperation):
            left, right = (self.outputs(part) for part in scope.set_operation_scopes)
            if len(left) != len(right) or _ALL in {name for name, _ in (*left, *right)}:
                raise _Unknown
            return [(name, _both(a, b)) for (name, a), (_, b) in zip(left, right, strict=True)]
        if not isinstance(scope.expression, exp.Select) or scope.pivots:
            raise _Unknown
        found: list[_Output] = []
        for one in scope.expression.selects:
            if one.is_star:
                found += self._star(scope, one)
            else:
                found.append((one.alias_or_name, self._leaves(scope, one)))
        return found

    def _star(self, scope: Scope, star: exp.Expr) -> list[_Output]:
        from sqlglot import exp

        inner = star if isinstance(star, exp.Star) else star.find(exp.Star)
        if not isinstance(star, exp.Star | exp.Column) or inner is None or any(inner.args.values()):
            raise _Unknown
        if isinstance(star, exp.Column) and star.table:
            names = [star.table]
        elif any(join.args.get("using") for join in scope.expression.args.get("joins") or ()):
            raise _Unknown
        else:
            names = list(scope.selected_sources)
        found: list[_Output] = []
        for name in names:
            source = scope.sources.get(name)
            if source is None:
                raise _Unknown
            found += self._columns(source)
        return found

    def _columns(self, source: exp.Table | Scope) -> list[_Output]:
        from sqlglot import exp

        if not isinstance(source, exp.Table):
            return self.outputs(source)
        label = _label(source)
        names = self._names(label) or (_ALL,)
        return [(name, frozenset({(label, name)})) for name in names]

    def _leaves(self, scope: Scope, one: exp.Expr) -> frozenset[Leaf] | None:
        from sqlglot import exp

        if one.find(exp.Query) is not None:
            return None
        found: frozenset[Leaf] = frozenset()
        for column in one.find_all(exp.Column):
            leaves = self._of_column(scope, column)
            if leaves is None:
                return None
            found |= leaves
        return found

    def _of_column(self, scope: Scope, column: exp.Column) -> frozenset[Leaf] | None:
        from sqlglot import exp

        name = column.name
        table = column.table
        sources = [scope.sources.get(table)] if table else self._holding(scope, name)
        if len(sources) != 1 or sources[0] is None:
            return None
        source = sources[0]
        if isinstance(source, exp.Table):
            if not isinstance(source.this, exp.Identifier):
                return None
            label = _label(source)
            known = self._names(label) or ()
            return frozenset({(label, _spelled(name, known) or name)})
        outputs = self.outputs(source)
        output = _spelled(name, [one for one, _ in outputs])
        if output is not None:
            return dict(outputs)[output]
        alls = [leaves for output, leaves in outputs if output == _ALL]
        if len(alls) != 1 or alls[0] is None:
            return None
        return frozenset((label, column.name) for label, _ in alls[0])

    def _holding(self, scope: Scope, name: str) -> list[exp.Table | Scope | None]:
        """Return the sources that may contain an unqualified column."""
        from sqlglot import exp

        sources = [source for _, source in scope.selected_sources.values()]
        if len(sources) == 1:
            return list(sources)
        found: list[exp.Table | Scope | None] = []
        for source in sources:
            if isinstance(source, exp.Table):
                names = self._names(_label(source))
                if names is None:
                    return []
            else:
                names = [output for output, _ in self.outputs(source)]
                if _ALL in names:
                    return []
            if _spelled(name, names) is not None:
                found.append(source)
        return found

    def _names(self, label: str) -> Sequence[str] | None:
        """Return the columns of a table if they are known."""
        spelled = _spelled(label, self.known)
        return None if spelled is None else self.known[spelled]


def _spelled(name: str, known: Collection[str]) -> str | None:
    """Find a name as written, or else one that differs only in case."""
    if name in known:
        return name
    alike = [one for one in known if one.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _both(one: frozenset[Leaf] | None, other: frozenset[Leaf] | None) -> frozenset[Leaf] | None:
    return None if one is None or other is None else one | other


def _spread(outputs: list[_Output], columns: Sequence[str]) -> list[_Output]:
    """Assign all result columns to the table of ``SELECT *`` if it is the only output."""
    if [name for name, _ in outputs] != [_ALL]:
        return outputs
    return [
        (column, frozenset((label, column) for label, _ in outputs[0][1] or ()))
        for column in columns
    ]
