"""``%%etl check``: rules, or a schema, about the rows of a frame."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from jupyter_etl.errors import CheckFailed
from jupyter_etl.model import CheckResult, CheckStatus
from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.display import Card, show
from jupyter_etl_magics.session import Session

_TONES = {CheckStatus.PASS: "ok", CheckStatus.WARN: "warn", CheckStatus.ERROR: "error"}
_MARKS = {CheckStatus.PASS: "✓ pass", CheckStatus.WARN: "! warn", CheckStatus.ERROR: "✗ error"}

_HELD = "The run goes on. After its last cell it is held with all that it publishes."


def execute(session: Session, command: Command) -> None:
    """Show what each rule found; by hand a broken one of severity error stops the cell."""
    name, schema = str(command.args["name"]), command.args["schema"]
    rules = (command.cell or "") if schema is None else session.frame(str(schema))
    try:
        results: Sequence[CheckResult] = session.workbench.check(name, rules, returned=False)
    except CheckFailed as failed:
        _show(name, msgspec.convert(failed.data["results"], list[CheckResult]))
        raise
    held = any(result.status is CheckStatus.ERROR for result in results)
    _show(name, results, note=_HELD if held else "")


def _show(name: str, results: Sequence[CheckResult], note: str = "") -> None:
    rows = [
        {"": _MARKS[r.status], "rule": r.rule.text, "found": r.message, "rows": r.failed_rows}
        for r in results
    ]
    worst = max((r.status for r in results), key=list(CheckStatus).index, default=CheckStatus.PASS)
    total = results[0].total_rows if results else 0
    counts = ", ".join(
        f"{n} {status.value}"
        for status in CheckStatus
        if (n := sum(r.status is status for r in results))
    )
    show(
        Card(
            title=f"{name}: {counts} over {total:,} rows",
            tone=_TONES[worst],
            rows=rows,
            notes=[note],
            below=[_breaking(result) for result in results if result.sample],
        )
    )


def _breaking(result: CheckResult) -> Card:
    """Show the rows that were kept of those that break a rule."""
    kept, failed = len(result.sample), result.failed_rows or len(result.sample)
    which = f"all {kept:,} rows" if kept == failed else f"{kept:,} of {failed:,} rows"
    return Card(
        title=f"{result.rule.text}: {which} that break it",
        tone=_TONES[result.status],
        rows=result.sample,
    )
