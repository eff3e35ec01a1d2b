"""Checks by DuckDB: all rules in one aggregate query over the rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from jupyter_etl.checks.failing_rows import Sample, failing_rows, mentioned
from jupyter_etl.checks.rules_sql import (
    DATA,
    CompiledChecks,
    CompiledRule,
    compile_checks,
    missing_column,
    reference_name,
    split_reference,
)
from jupyter_etl.checks.scan import Rows, nan_as_null, opened, sandbox, scanned
from jupyter_etl.errors import DeclarationError, first_line
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.sql.exact_names import shown
from jupyter_etl.model import CheckResult, CheckRule, CheckStatus, Severity

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_NO_COLUMN = re.compile(r"Referenced (?:column|table) \"(.+?)\" (?:was )?not found", re.DOTALL)


class DuckCheckRunner:
    """Applies rules by one DuckDB query, with no access to files or the network.

    A row for which a condition is NULL does not violate the rule; ``not null`` is a separate rule.
    """

    def run(
        self,
        rules: Sequence[CheckRule],
        data: pa.Table | Callable[[], pa.RecordBatchReader],
        *,
        dataset: str,
        last_rows: int | None,
        reference: Callable[[str], pa.Table | pa.RecordBatchReader],
        timezone: str = "UTC",
    ) -> list[CheckResult]:
        """Apply all rules in one pass.

        Returns:
            One result per rule, in order; failed rules include up to twenty failing rows.

        Raises:
            DeclarationError: A rule names a column that does not exist, or is not valid SQL.
            SourceError: A stream cannot be read.
        """
        if not rules:
            return []
        with sandbox(streams=callable(data), timezone=timezone) as connection:
            checks, (total, *found) = _first_pass(
                connection, rules, data, last_rows=last_rows, reference=reference
            )
            values, detail = found[::2], found[1::2]
            broken = [
                number
                for number, (compiled, value) in enumerate(zip(checks.rules, values, strict=True))
                if compiled.breaking and value
            ]
            samples = failing_rows(connection, data, checks, broken)
        return [
            _result(
                _Found(compiled=compiled, value=value, detail=more, sample=samples.get(number, ())),
                total=total,
                dataset=dataset,
                last=last_rows,
            )
            for number, (compiled, value, more) in enumerate(
                zip(checks.rules, values, detail, strict=True)
            )
        ]


@dataclass(frozen=True, kw_only=True)
class _Found:
    """The findings about one rule."""

    compiled: CompiledRule
    value: object
    detail: str | None
    sample: Sample


def _first_pass(
    connection: duckdb.DuckDBPyConnection,
    rules: Sequence[CheckRule],
    data: Rows,
    *,
    last_rows: int | None,
    reference: Callable[[str], pa.Table | pa.RecordBatchReader],
) -> tuple[CompiledChecks, tuple[Any, ...]]:
    import duckdb

    with opened(data) as rows:
        schema = rows.schema
        # Before any rule's own SQL is executed.
        connection.execute("SET lock_configuration = true")
        checks = compile_checks(
            rules,
            schema.names,
            last_rows=last_rows,
            nests=partial(_nests, connection, schema.empty_table()),
        )
        for number, compiled in enumerate(checks.rules):
            if compiled.reference:
                _register_keys(connection, number, compiled.rule, reference)
        try:
            with scanned(connection, rows):
                return checks, _one(connection, checks.query)
        except duckdb.Error as problem:
            failed = problem
    # The stream is closed before it is reopened.
    raise _blamed(connection, checks, data, schema, failed) from failed


def _nests(connection: duckdb.DuckDBPyConnection, nothing: pa.Table, aggregate: str) -> bool:
    """Ask DuckDB whether an aggregate contains another one.

    Args:
        nothing: An empty table with the columns.
        aggregate: An aggregate expression, valid or not.
    """
    import duckdb

    with scanned(connection, nothing):
        try:
            connection.execute(f"EXPLAIN SELECT {aggregate} FROM {DATA}")  # noqa: S608 - a rule is SQL
        except duckdb.Error as problem:
            return "aggregate functions are not allowed" in str(problem)
    return False


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[Any, ...]:
    (row,) = connection.execute(query).fetchall()
    return tuple(row)


def _register_keys(
    connection: duckdb.DuckDBPyConnection,
    number: int,
    rule: CheckRule,
    reference: Callable[[str], pa.Table | pa.RecordBatchReader],
) -> None:
    import pyarrow as pa

    publication, column = split_reference(rule.argument)
    rows = reference(publication)
    names = rows.schema.names
    if column not in names:
        raise DeclarationError(
            f"The check '{rule.text}' refers to '{column}' of {publication}, which has "
            f"{listed(names)}.",
            hint=nearest(column, names).strip(),
        )
    name = reference_name(number)
    batches = rows.to_batches() if isinstance(rows, pa.Table) else rows
    field = rows.schema.field(column)
    keys = pa.Table.from_batches((batch.select([column]) for batch in batches), pa.schema([field]))
    keys = keys.rename_columns([f"{name}_key"])
    connection.register(f"{name}_all", nan_as_null(keys))
    connection.execute(
        f"CREATE TABLE {name} AS SELECT DISTINCT {name}_key FROM {name}_all "  # noqa: S608 - our names
        f"WHERE {name}_key IS NOT NULL"
    )
    connection.unregister(f"{name}_all")


def _blamed(
    connection: duckdb.DuckDBPyConnection,
    checks: CompiledChecks,
    data: Rows,
    schema: pa.Schema,
    problem: duckdb.Error,
) -> DeclarationError:
    """Find the rule that made the query fail, by running each alone, first without any rows."""
    for rows in (schema.empty_table(), data):
        for compiled in checks.rules:
            own = _problem_of(connection, checks, compiled, rows)
            if own is None:
                continue
            details = shown(str(own))
            text = first_line(details)
            absent = _NO_COLUMN.search(details)
            if absent:
                return missing_column(absent[1], schema.names, compiled.rule)
            return DeclarationError(
                f"The check '{compiled.rule.text}' cannot be evaluated: {text}",
                hint="Write a condition in DuckDB's SQL that is true for every valid row, or one "
                "of aggregates only, such as sum(amount) > 0.",
            )
    return DeclarationError(f"The checks cannot be evaluated: {first_line(problem)}")


def _problem_of(
    connection: duckdb.DuckDBPyConnection,
    checks: CompiledChecks,
    compiled: CompiledRule,
    data: Rows,
) -> duckdb.Error | None:
    import duckdb

    with opened(data) as rows:
        try:
            with scanned(connection, rows):
                _one(connection, checks.query_of([compiled]))
        except duckdb.Error as problem:
            return problem
    return None


def _result(found: _Found, *, total: int, dataset: str, last: int | None) -> CheckResult:
    rule = found.compiled.rule
    of_rows = found.compiled.breaking == ""
    failed = None if of_rows else int(str(found.value))
    holds = found.value is not False if of_rows else failed == 0
    broken = CheckStatus.WARN if rule.severity is Severity.WARN else CheckStatus.ERROR
    return CheckResult(
        rule=rule,
        status=CheckStatus.PASS if holds else broken,
        dataset=dataset,
        failed_rows=failed,
        total_rows=total,
        message=_message(found.compiled, failed, total, found.sample)
        if failed is not None
        else _message_of_all(found, holds=holds, total=total, last=last),
        sample=found.sample,
    )


def _message_of_all(found: _Found, *, holds: bool, total: int, last: int | None) -> str:
    """Return the message of a rule about all rows together."""
    rule = found.compiled.rule
    if rule.kind == "fresh":
        return _age_message(found, total, holds=holds)
    if rule.kind == "rows":
        return _rows_message(rule, holds=holds, total=total, last=last)
    details = f"; {found.detail}" if found.detail else ""
    return f"{total:,} rows{details}: {_held(found.compiled, holds)}"


def _message(compiled: CompiledRule, failed: int, total: int, sample: Sample) -> str:
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
    shown = compiled.columns or mentioned(rule, list(sample[0]) if sample else [])
    if sample and shown and rule.kind != "not_null":
        message += "; first: " + ", ".join(f"{name} = {sample[0][name]}" for name in shown[:3])
    return message


def _age_message(found: _Found, total: int, *, holds: bool) -> str:
    compiled, newest = found.compiled, found.detail
    column, least = compiled.columns[0], compiled.rule.argument
    details = "no row has a value" if newest is None else f"the greatest {column} is {newest}"
    return f"{total:,} rows; {details}, {'not ' if holds else ''}before {least}: {_held(compiled, holds)}"


def _held(compiled: CompiledRule, holds: bool) -> str:
    return f"{compiled.rule.text} {'holds' if holds else 'is false'}"


def _rows_message(rule: CheckRule, *, holds: bool, total: int, last: int | None) -> str:
    asks_last = re.search(r"\blast\b", rule.argument, re.IGNORECASE) is not None
    if asks_last and last is None:
        return f"{total:,} rows; there is no last version to compare with"
    before = f", the last version had {last:,}" if asks_last and last is not None else ""
    return f"{total:,} rows{before}: {rule.text} {'holds' if holds else 'is false'}"
