"""Compilation of rules to SQL: one aggregate for all rules, and conditions for the failing rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError, first_line
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sql.exact_names import folded, inner_columns, twins
from jupyter_etl.language.sql.lexer import quoted, quoted_text
from jupyter_etl.model import CheckRule

DATA = "data"
"""Registered name of the rows."""

_ROWS_WORDS = re.compile(r"[A-Za-z_]\w*")
_EXPONENT = re.compile(r"\d[eE][+-]?\d")
_COMPARED = re.compile(r"(.+?)\s*(?:[<>=!]|\bbetween\b|\bin\b)", re.IGNORECASE | re.DOTALL)
"""The part of an expression before its comparison, which messages show."""


@dataclass(frozen=True, kw_only=True)
class CompiledRule:
    """A rule as SQL.

    Args:
        rule: The rule.
        aggregate: Returns the number of failing rows; for a rule about all rows, whether it holds.
        breaking: A condition for failing rows; for unique values, for rows that may fail; ""
            for a rule about all rows.
        columns: Columns of the rule, as far as they are known.
        reference: Publication to register as `reference_name`; "" for none.
        detail: Returns additional text for the message.
    """

    rule: CheckRule
    aggregate: str
    breaking: str
    columns: tuple[str, ...] = ()
    reference: str = ""
    detail: str = "NULL"


@dataclass(frozen=True, kw_only=True)
class CompiledChecks:
    """All rules of a check.

    Args:
        rules: In the order given.
        joins: The SQL after ``FROM data``.
        inner: Replacements for columns that differ only in case, see `inner_columns`.
    """

    rules: tuple[CompiledRule, ...]
    joins: str
    inner: Mapping[str, str]

    @property
    def query(self) -> str:
        """A query for one row: the row count, each rule's aggregate, and the message texts."""
        return self.query_of(self.rules)

    def query_of(self, rules: Sequence[CompiledRule]) -> str:
        """Return the aggregate query for some of the rules."""
        aggregates = "".join(f",\n  {one.aggregate}, {one.detail}" for one in rules)
        return f"SELECT count(*){aggregates}\nFROM {DATA}{self.joins}"


def compile_checks(
    rules: Sequence[CheckRule],
    columns: Sequence[str],
    *,
    last_rows: int | None,
    nests: Callable[[str], bool],
) -> CompiledChecks:
    """Compile rules to SQL of DuckDB.

    Args:
        rules: The rules.
        last_rows: Value of ``last`` in a ``rows`` rule.
        nests: Returns whether DuckDB rejects an aggregate because it contains another one.

    Raises:
        DeclarationError: A rule names a column that does not exist, or has an unknown kind.
    """
    compiled = tuple(
        _compile(rule, number, columns, last_rows, nests) for number, rule in enumerate(rules)
    )
    inner = inner_columns(columns)
    joins = "".join(
        f"\nLEFT JOIN {reference_name(number)} ON {cell_of(one.columns[0], inner)} "
        f"= {reference_name(number)}.{reference_name(number)}_key"
        for number, one in enumerate(compiled)
        if one.reference
    )
    return CompiledChecks(rules=compiled, joins=joins, inner=inner)


def reference_name(number: int) -> str:
    """Return the name of the table with the distinct keys that a rule refers to."""
    return f"_etl_ref_{number}"


def split_reference(argument: str) -> tuple[str, str]:
    """Split ``publication.column`` at its last dot."""
    publication, _, column = argument.rpartition(".")
    return publication, column


def cell_of(name: str, inner: Mapping[str, str]) -> str:
    """Return the SQL of a column of the data, by its registered name."""
    return f"{DATA}.{quoted(inner.get(name, name))}"


def missing_column(name: str, columns: Sequence[str], rule: CheckRule) -> DeclarationError:
    """Return the error for a rule about a column that does not exist."""
    return DeclarationError(
        f"The check '{rule.text}' uses the column '{name}', which does not exist; there are "
        f"{listed(columns)}.",
        hint=nearest(name, columns).strip(),
        data={"column": name, "columns": list(columns)},
    )


def _compile_expression(
    rule: CheckRule, columns: Sequence[str], nests: Callable[[str], bool]
) -> CompiledRule:
    """Compile a condition on each row, or on all rows if it consists of aggregates."""
    _refuse_twins(rule, columns)
    of_each = _of_each_row(rule, rule.argument)
    if "(" not in rule.argument or not nests(of_each.aggregate):
        return of_each
    compared = _COMPARED.match(rule.argument)
    detail = "NULL"
    if compared and nests(_of_each_row(rule, compared[1]).aggregate):
        detail = f"{quoted_text(compared[1])} || ' is ' || CAST(({compared[1]}\n) AS VARCHAR)"
    return CompiledRule(
        rule=rule,
        aggregate=f"coalesce(({rule.argument}\n), true)",
        breaking="",
        detail=detail,
    )


def _refuse_twins(rule: CheckRule, columns: Sequence[str]) -> None:
    """Reject a rule about a column if another name differs only in case; it may be a typo."""
    alike = twins(columns)
    if not alike:
        return
    words = (rule.column,) if rule.column else re.findall(r"\w+", rule.argument)
    for word in words:
        spelled = alike.get(folded(word))
        if spelled:
            raise DeclarationError(
                f"The check '{rule.text}' uses '{word}', but the columns {listed(spelled)} "
                "differ only in case.",
                hint="Rename all but one of them in the data, so that the rule is unambiguous.",
                data={"columns": spelled},
            )


def _of_each_row(rule: CheckRule, condition: str) -> CompiledRule:
    # On a line of its own, because the condition may end with a comment.
    return _counted(rule, f"NOT (({condition}\n))", ())


def _compile(
    rule: CheckRule,
    number: int,
    columns: Sequence[str],
    last_rows: int | None,
    nests: Callable[[str], bool],
) -> CompiledRule:
    if rule.kind == "rows":
        return CompiledRule(rule=rule, aggregate=_rows(rule, last_rows), breaking="")
    if rule.kind == "expression":
        return _compile_expression(rule, columns, nests)
    if rule.column is None or rule.column not in columns:
        raise missing_column(rule.column or "", columns, rule)
    _refuse_twins(rule, columns)
    cell = cell_of(rule.column, inner_columns(columns))
    if rule.kind == "fresh":
        return CompiledRule(
            rule=rule,
            aggregate=_reached(cell, rule.argument),
            breaking="",
            columns=(rule.column,),
            detail=f"CAST(max({cell}) AS VARCHAR)",
        )
    if rule.kind == "unique":
        return CompiledRule(
            rule=rule,
            aggregate=f"count({cell}) - count(DISTINCT {cell})",
            breaking=f"{cell} IS NOT NULL",
            columns=(rule.column,),
        )
    if rule.kind == "references":
        publication, _ = split_reference(rule.argument)
        key = f"{reference_name(number)}.{reference_name(number)}_key"
        counted = _counted(rule, f"{cell} IS NOT NULL AND {key} IS NULL", (rule.column,))
        return CompiledRule(
            rule=rule,
            aggregate=counted.aggregate,
            breaking=counted.breaking,
            columns=counted.columns,
            reference=publication,
        )
    breaking = {
        "not_null": f"{cell} IS NULL",
        "in": f"{cell} IS NOT NULL AND NOT coalesce({cell} IN ({rule.argument}\n), false)",
        "matches": f"NOT regexp_matches(CAST({cell} AS VARCHAR), {quoted_text(rule.argument)})",
    }
    if rule.kind not in breaking:
        raise DeclarationError(
            f"The check '{rule.text}' has the unknown kind '{rule.kind}'.",
            hint="Kinds are unique, not_null, rows, expression, in, matches, references and fresh.",
        )
    return _counted(rule, breaking[rule.kind], (rule.column,))


def _counted(rule: CheckRule, breaking: str, columns: tuple[str, ...]) -> CompiledRule:
    return CompiledRule(
        rule=rule,
        aggregate=f"count(*) FILTER ({breaking})",
        breaking=breaking,
        columns=columns,
    )


def _rows(rule: CheckRule, last_rows: int | None) -> str:
    """Compile ``rows > 0.5 * last``; without a last version it holds."""
    words = {"rows": "count(*)", "last": str(last_rows), "between": "BETWEEN", "and": "AND"}
    argument = rule.argument or rule.text
    if "last" in _words(argument) and last_rows is None:
        return "true"
    unknown = [word for word in _words(argument) if word not in words]
    if unknown:
        raise DeclarationError(
            f"The check '{rule.text}' uses '{unknown[0]}', which is not available in a rule "
            "about rows.",
            hint="Compare rows with numbers and last, like 'rows > 0.5 * last'.",
        )
    condition = argument if "rows" in _words(argument) else f"rows {argument}"
    written = _ROWS_WORDS.sub(lambda found: words.get(found[0].lower(), found[0]), condition)
    return f"({written})"


def _reached(cell: str, instant: str) -> str:
    """Compare the greatest value with an instant; a naive value with its local time."""
    wall = instant[:19]
    return (
        f"coalesce(CASE WHEN typeof(max({cell})) IN "
        f"('TIMESTAMP WITH TIME ZONE', 'TIMESTAMPTZ_NS') "
        f"THEN CAST(max({cell}) AS TIMESTAMPTZ) >= TIMESTAMPTZ {quoted_text(instant)} "
        f"ELSE CAST(max({cell}) AS TIMESTAMP) >= TIMESTAMP {quoted_text(wall)} END, false)"
    )


def _words(argument: str) -> list[str]:
    return [word.lower() for word in _ROWS_WORDS.findall(_EXPONENT.sub("0", argument))]


def check_syntax(rule: CheckRule) -> None:
    """Reject a rule that DuckDB cannot parse, independent of the columns.

    Raises:
        DeclarationError: Its condition is not SQL, or its pattern is not a regular expression.
    """
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": False}) as connection:
        try:
            if rule.kind == "expression":
                connection.extract_statements(f"SELECT (\n{rule.argument}\n)")
            elif rule.kind == "matches":
                connection.execute("SELECT regexp_matches('', $1)", [rule.argument])
        except duckdb.Error as problem:
            said = re.sub(r"^\w[\w ]* Error: ", "", first_line(problem))
            raise DeclarationError(
                f"The check '{rule.text}' cannot be evaluated: {said}",
                hint="Write a condition that is true for every good row, in DuckDB's SQL.",
            ) from problem
