"""Checks by DuckDB: all rules in one aggregate over the Arrow table."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from jupyter_etl.checks.compile import (
    DATA,
    CompiledChecks,
    CompiledRule,
    compile_checks,
    missing_column,
    quoted,
    reference_name,
    split_reference,
)
from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import CheckResult, CheckRule, CheckStatus, Severity
from jupyter_etl.spec.names import listed, nearest

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

SAMPLE_ROWS = 20
SAMPLE_COLUMNS = 30
SAMPLE_CHARACTERS = 200
SAMPLE_BYTES = 16_000
"""How much of the breaking rows is kept for the record."""

_NO_COLUMN = re.compile(r"Referenced (?:column|table) \"(.+?)\" (?:was )?not found", re.DOTALL)


class DuckCheckRunner:
    """Applies rules by one DuckDB query, with no access to files or the network.

    A row for which a condition is NULL does not break the rule; ``not null`` is a rule of its own.
    """

    def run(
        self,
        rules: Sequence[CheckRule],
        data: pa.Table,
        *,
        dataset: str,
        last_rows: int | None,
        reference: Callable[[str], pa.Table],
    ) -> list[CheckResult]:
        """Apply all rules in one pass.

        Args:
            rules: What must hold.
            data: The rows.
            dataset: Name used in messages.
            last_rows: Rows of the last live version, the value of ``last`` in a ``rows`` rule.
            reference: Returns a publication by name, for ``references`` rules.

        Returns:
            One result a rule, in order; rules that are broken bring up to twenty of their rows.

        Raises:
            DeclarationError: A rule names a column that is not there, or is not valid SQL.
        """
        if not rules:
            return []
        import duckdb

        checks = compile_checks(rules, data.column_names, last_rows=last_rows)
        with _sandbox() as connection:
            connection.register(DATA, data)
            for number, compiled in enumerate(checks.rules):
                if compiled.reference:
                    _register_keys(connection, number, compiled.rule, reference)
            connection.execute("SET lock_configuration = true")
            try:
                total, *found = _one(connection, checks.query)
            except duckdb.Error as problem:
                raise _blamed(connection, checks, data.column_names, problem) from problem
            return [
                _result(
                    connection,
                    checks,
                    compiled,
                    value,
                    total=total,
                    dataset=dataset,
                    last=last_rows,
                )
                for compiled, value in zip(checks.rules, found, strict=True)
            ]


def _sandbox() -> duckdb.DuckDBPyConnection:
    """Open a database in memory that sees registered tables only: no files, no network."""
    import duckdb

    return duckdb.connect(
        ":memory:",
        config={
            "python_enable_replacements": False,
            "enable_external_access": False,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    row = connection.execute(query).fetchone()
    return () if row is None else tuple(row)


def _register_keys(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    rule: CheckRule,
    reference: Callable[[str], pa.Table],
) -> None:
    publication, column = split_reference(rule.argument)
    table = reference(publication)
    if column not in table.column_names:
        raise DeclarationError(
            f"The check '{rule.text}' refers to '{column}' of {publication}, which has "
            f"{listed(table.column_names)}.",
            hint=nearest(column, table.column_names).strip(),
        )
    name = reference_name(number)
    keys = table.select([column]).rename_columns([f"{name}_key"])
    connection.register(f"{name}_all", keys)
    connection.execute(
        f"CREATE TABLE {name} AS SELECT DISTINCT {name}_key FROM {name}_all "  # noqa: S608 - our names
        f"WHERE {name}_key IS NOT NULL"
    )
    connection.unregister(f"{name}_all")


def _blamed(
    connection: duckdb.DuckDBPyConnection,
    checks: CompiledChecks,
    columns: Sequence[str],
    problem: duckdb.Error,
) -> DeclarationError:
    """Find the rule that the query failed for, by asking for each alone."""
    import duckdb

    for compiled in checks.rules:
        try:
            connection.execute(checks.query_of([compiled]))
        except duckdb.Error as own:
            text = str(own).splitlines()[0]
            absent = _NO_COLUMN.search(str(own))
            if absent:
                return missing_column(absent[1], columns, compiled.rule)
            return DeclarationError(
                f"The check '{compiled.rule.text}' cannot be asked: {text}",
                hint="Write a condition that is true for every good row, in DuckDB's SQL.",
            )
    return DeclarationError(f"The checks cannot be asked: {str(problem).splitlines()[0]}")


def _result(
    connection: duckdb.DuckDBPyConnection,
    checks: CompiledChecks,
    compiled: CompiledRule,
    value: object,
    *,
    total: int,
    dataset: str,
    last: int | None,
) -> CheckResult:
    rule = compiled.rule
    of_rows = compiled.breaking == ""
    failed = None if of_rows else int(str(value))
    holds = value is not False if of_rows else failed == 0
    sample = () if of_rows or holds else _sample(connection, checks, compiled)
    broken = CheckStatus.WARN if rule.severity is Severity.WARN else CheckStatus.ERROR
    return CheckResult(
        rule=rule,
        status=CheckStatus.PASS if holds else broken,
        dataset=dataset,
        failed_rows=failed,
        total_rows=total,
        message=_age_message(connection, compiled, total, holds=holds)
        if rule.kind == "fresh"
        else _rows_message(rule, holds=holds, total=total, last=last)
        if of_rows
        else _message(compiled, failed or 0, total, sample),
        sample=sample,
    )


def _sample(
    connection: duckdb.DuckDBPyConnection, checks: CompiledChecks, compiled: CompiledRule
) -> tuple[dict[str, str], ...]:
    every = [name for name, *_ in connection.execute(f"DESCRIBE {DATA}").fetchall()]
    said = compiled.columns or _mentioned(compiled.rule, every)
    chosen = [*said, *(name for name in every if name not in said)][:SAMPLE_COLUMNS]
    rows = connection.execute(checks.sample_of(compiled, chosen, SAMPLE_ROWS)).fetchall()
    return bounded(
        {
            name: "NULL" if cell is None else str(cell)[:SAMPLE_CHARACTERS]
            for name, cell in zip(chosen, row, strict=True)
        }
        for row in rows
    )


def bounded(rows: Iterable[dict[str, str]]) -> tuple[dict[str, str], ...]:
    """Keep as many rows as a record holds, the first in any case."""
    kept: list[dict[str, str]] = []
    room = SAMPLE_BYTES
    for row in rows:
        room -= sum(len(name.encode()) + len(cell.encode()) for name, cell in row.items())
        if kept and (room < 0 or len(kept) == SAMPLE_ROWS):
            break
        kept.append(row)
    return tuple(kept)


def _mentioned(rule: CheckRule, columns: Sequence[str]) -> tuple[str, ...]:
    """Return the columns whose names occur in a condition; only the order of the sample hangs on it."""
    words = {word.lower() for word in re.findall(r"\w+", rule.argument)}
    return tuple(name for name in columns if name.lower() in words or quoted(name) in rule.argument)


def _message(
    compiled: CompiledRule, failed: int, total: int, sample: tuple[dict[str, str], ...]
) -> str:
    rule = compiled.rule
    if not failed:
        return f"{total:,} rows: {rule.text} holds"
    wrong = {
        "unique": f"repeat a value of {rule.column}",
        "not_null": f"have no {rule.column}",
        "references": f"have a {rule.column} that is not in {rule.argument}",
    }
    message = f"{failed:,} of {total:,} rows"
    message += f" {wrong[rule.kind]}" if rule.kind in wrong else f": {rule.text} is false"
    shown = compiled.columns or _mentioned(rule, list(sample[0]) if sample else [])
    if sample and shown and rule.kind != "not_null":
        message += "; first: " + ", ".join(f"{name} = {sample[0][name]}" for name in shown[:3])
    return message


def _age_message(
    connection: duckdb.DuckDBPyConnection, compiled: CompiledRule, total: int, *, holds: bool
) -> str:
    column = compiled.columns[0]
    (newest,) = _one(connection, f"SELECT CAST(max({quoted(column)}) AS VARCHAR) FROM {DATA}")  # noqa: S608
    found = "there is no value" if newest is None else f"the greatest {column} is {newest}"
    least = compiled.rule.argument
    return f"{total:,} rows; {found}, {'not ' if holds else ''}before {least}: {_held(compiled, holds)}"


def _held(compiled: CompiledRule, holds: bool) -> str:
    return f"{compiled.rule.text} {'holds' if holds else 'is false'}"


def _rows_message(rule: CheckRule, *, holds: bool, total: int, last: int | None) -> str:
    asks_last = re.search(r"\blast\b", rule.argument, re.IGNORECASE) is not None
    if asks_last and last is None:
        return f"{total:,} rows; there is no last version to compare with"
    before = f", the last version had {last:,}" if asks_last and last is not None else ""
    return f"{total:,} rows{before}: {rule.text} {'holds' if holds else 'is false'}"
