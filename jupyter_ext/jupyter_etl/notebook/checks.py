"""Checks of what a notebook sees: by rules, or by a pandera schema."""

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
from jupyter_etl.notebook.passes import Stream, passes, rows_of
from jupyter_etl.notebook.read_limit import SETTING, ReadLimit
from jupyter_etl.ports import Channel, CheckRunner
from jupyter_etl.services.plugins import load_block

if TYPE_CHECKING:
    import pyarrow as pa


class Harness(Protocol):
    """What a check needs of the notebook: a `DataSession`.

    Args:
        channel: Hears what was found.
    """

    channel: Channel

    @property
    def context(self) -> RunContext:
        """The run this notebook is executed by."""
        ...

    def rows(self, name: str) -> pa.Table | Stream:
        """Return the rows of a variable, source or publication, unread where not in memory."""
        ...

    def read_limit(self, what: str, *, anyway: bool = False, hint: str = "") -> ReadLimit:
        """Return the limit of one read; in a run there is none."""
        ...

    def reference(self, name: str) -> pa.RecordBatchReader:
        """Open what a rule refers to: a source or a publication."""
        ...

    def last_rows(self, name: str) -> int | None:
        """Return the rows of a publication's live version; None where there is none."""
        ...


def check_data(
    session: Harness, name: str, rules: object, data: object = None, *, returned: bool = True
) -> list[CheckResult]:
    """Check data, and report the results.

    Args:
        name: A variable, source or publication; the name shown where ``data`` is given.
        rules: One a line, see docs; or a pandera ``DataFrameSchema`` or ``DataFrameModel``.
        data: What to check instead of what ``name`` stands for.
        returned: Whether the notebook gets the results as values. A run that publishes nothing is
            held only by those that it does not get.

    Returns:
        A result a rule, in order.

    Raises:
        CheckFailed: By hand: a rule of severity error was broken. A run goes on to its end, and is
            held then.
        DeclarationError: A rule is not understood.
        MissingDependency: There is a schema, and pandera is not installed.
        LimitExceeded: There is a schema, and interactively the rows take more memory than the limit.
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
    with passes(rows) as data:
        return runner.run(
            rules,
            data,
            dataset=name,
            last_rows=session.last_rows(session.context.outputs.get(name, name)),
            reference=session.reference,
            timezone=session.context.timezone,
        )


def _dated(rules: Sequence[CheckRule], context: RunContext) -> list[CheckRule]:
    """Give rules about freshness the time that the greatest value must have reached.

    It is counted from the instant that the run stands for, so that a late run judges alike.
    """
    local = context.logical_at.astimezone(ZoneInfo(context.timezone))
    return [
        replace(rule, argument=_before(local, rule.argument)) if rule.kind == "fresh" else rule
        for rule in rules
    ]


def _before(local: datetime, age: str) -> str:
    # Elapsed time, also over a change of the clock.
    reached = local.timestamp() - parse_duration(age)
    at = datetime.fromtimestamp(reached, tz=local.tzinfo)
    return at.replace(microsecond=0).isoformat(sep=" ")
