"""Checks of a notebook's data: by rules, or by a pandera schema."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Protocol, cast
from zoneinfo import ZoneInfo

import msgspec

from jupyter_etl.errors import CheckFailed
from jupyter_etl.language.checks import parse_checks
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.model import CheckResult, CheckRule, RunContext, broken_checks
from jupyter_etl.notebook.frames import to_pandas
from jupyter_etl.notebook.read_limit import SETTING, ReadLimit
from jupyter_etl.notebook.streams import Stream, rereadable, rows_of
from jupyter_etl.ports import Channel, CheckRunner
from jupyter_etl.services.plugins import load_block

if TYPE_CHECKING:
    import pyarrow as pa


class Harness(Protocol):
    """What a check needs of the notebook: a `DataSession`.

    Args:
        channel: Receives the results.
    """

    channel: Channel

    @property
    def context(self) -> RunContext:
        """The run that executes this notebook."""
        ...

    def rows(self, name: str) -> pa.Table | Stream:
        """Return the rows of a variable, source or publication, as a stream unless in memory."""
        ...

    def read_limit(self, what: str, *, anyway: bool = False, hint: str = "") -> ReadLimit:
        """Return the limit of one read; in a run there is none."""
        ...

    def reference(self, name: str) -> pa.RecordBatchReader:
        """Open a source or publication that a rule refers to."""
        ...

    def last_rows(self, name: str) -> int | None:
        """Return the row count of a publication's live version; None if there is none."""
        ...


def check_data(
    session: Harness, name: str, rules: object, data: object = None, *, returned: bool = True
) -> list[CheckResult]:
    """Check data, and report the results.

    Args:
        name: A variable, source or publication; only a label if ``data`` is given.
        rules: One rule per line, see docs; or a pandera ``DataFrameSchema`` or ``DataFrameModel``.
        data: Data to check instead of the object called ``name``.
        returned: Whether the notebook receives the results as values. A run that publishes
            nothing is held only because of results that it does not receive.

    Returns:
        One result per rule, in order.

    Raises:
        CheckFailed: Interactively: a rule of severity error failed. A run continues to its end
            and is then held.
        DeclarationError: A rule is not valid.
        MissingDependency: There is a schema, and pandera is not installed.
        LimitExceeded: There is a schema, and interactively the rows take more memory than the
            limit.
    """
    parsed = _dated(parse_checks(rules), session.context) if isinstance(rules, str) else ()
    rows = rows_of(data, what=name) if data is not None else session.rows(name)
    if isinstance(rules, str):
        results = _by_rules(session, name, parsed, rows)
    else:
        from jupyter_etl.checks.pandera_schema import check_schema

        most = session.read_limit(repr(name), hint=f"Load and check a part or a sample. {SETTING}")
        table = most.collect(rows.first) if isinstance(rows, Stream) else rows
        results = check_schema(rules, to_pandas(table), dataset=name)
    session.channel.report_checks(results, returned=returned)
    broken = broken_checks(tuple(results))
    if broken and session.context.id is None:
        raise CheckFailed(
            f"{len(broken)} of {len(results)} checks of {name} failed: {broken[0].message}.",
            hint="Fix the data, or end a rule with ': warn' to make it a warning.",
            data={"results": msgspec.to_builtins(results)},
        )
    return results


def _by_rules(
    session: Harness, name: str, rules: Sequence[CheckRule], rows: pa.Table | Stream
) -> list[CheckResult]:
    runner = cast("CheckRunner", load_block("check_runner", "duckdb")())
    with rereadable(rows) as data:
        return runner.run(
            rules,
            data,
            dataset=name,
            last_rows=session.last_rows(session.context.outputs.get(name, name)),
            reference=session.reference,
            timezone=session.context.timezone,
        )


def _dated(rules: Sequence[CheckRule], context: RunContext) -> list[CheckRule]:
    """Add the required instant to rules about freshness.

    It is relative to the logical time of the run, so that a late run gets the same result.
    """
    local = context.logical_at.astimezone(ZoneInfo(context.timezone))
    return [
        replace(rule, argument=_before(local, rule.argument)) if rule.kind == "fresh" else rule
        for rule in rules
    ]


def _before(local: datetime, age: str) -> str:
    # Elapsed time, also across a clock change.
    reached = local.timestamp() - parse_duration(age)
    at = datetime.fromtimestamp(reached, tz=local.tzinfo)
    return at.replace(microsecond=0).isoformat(sep=" ")
