"""The commands that declare, load, query and check data."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import msgspec

from jupyter_etl.errors import CheckFailed
from jupyter_etl.language.commands.data import (
    DescribeRequest,
    LoadRequest,
    PreviewRequest,
    SourceRequest,
    SourcesRequest,
)
from jupyter_etl.language.commands.queries import (
    ApproxRequest,
    CheckRequest,
    ProfileRequest,
    SampleRequest,
    SqlRequest,
)
from jupyter_etl.language.durations import rounded_duration
from jupyter_etl.language.sources import absence
from jupyter_etl.model import CheckResult, CheckStatus
from jupyter_etl.notebook.exploration import Sample, profile_data, sample_data
from jupyter_etl.notebook.frames import as_frame
from jupyter_etl.notebook.notes import rights_note
from jupyter_etl.notebook.queries import Query, answer, remember
from jupyter_etl.services.targets import shadowing
from jupyter_etl_magics.cards import profile_card
from jupyter_etl_magics.display import Card, arrow_rows, counted, of_total, show, shown
from jupyter_etl_magics.session import Session


def source(session: Session, request: SourceRequest) -> None:
    """Declare a source; show its kind and location, and whether a file does not exist yet."""
    named = {"path": request.json_path, "sheet": request.sheet, "delimiter": request.delimiter}
    source = session.data_session.declare(
        request.name,
        request.location,
        kind=request.kind,
        secrets=request.secrets,
        readonly=request.readonly,
        options={**{k: v for k, v in named.items() if v is not None}, **request.options},
        freshness=request.freshness,
        limit=request.limit,
    )
    traits = [source.kind, source.location, "read only" if source.readonly else ""]
    if source.limit is not None:
        traits.append(f"{counted(source.limit, 'run')} at once")
    absent = absence(source)
    rights = rights_note(session.data_session, source)
    notes = [absent, rights, *shadowing(source.name, session.data_session.channel)]
    title = f"{source.name}: {', '.join(filter(None, traits))}"
    show(Card(title=title, tone="warn" if absent or rights else "ok", notes=notes))


def sources(session: Session, _request: SourcesRequest) -> None:
    """Show all sources."""
    rows = [
        {"source": s.name, "kind": s.kind, "location": s.location, "owner": s.owner}
        for s in session.data_session.sources()
    ]
    empty = "There are no sources yet. Declare one: %etl source trips data/trips/*.parquet"
    show(Card(title=counted(len(rows), "source"), rows=rows) if rows else Card(title=empty))


def preview(session: Session, request: PreviewRequest) -> None:
    """Show the first rows and the number of rows."""
    preview = session.data_session.preview(request.target, limit=request.limit)
    rows = arrow_rows(preview.data)
    note = of_total(len(rows), preview.total_rows)
    show(Card(title=request.target, rows=rows, notes=[note, *preview.notes]))


def describe(session: Session, request: DescribeRequest) -> None:
    """Show each table's columns and the reasons for their types, or only a list of many tables."""
    name = request.name
    tables = session.data_session.describe(name)
    if len(tables) != 1:
        rows: list[dict[str, object]] = [
            {"table": t.name, "columns": len(t.columns) or None, "rows": t.rows} for t in tables
        ]
        show(Card(title=f"{name}: {counted(len(tables), 'table')}", rows=rows))
        return
    table = tables[0]
    columns: list[dict[str, object]] = [
        {"column": c.name, "type": c.type, "nulls": c.nullable} for c in table.columns
    ]
    rows_known = "" if table.rows is None else f", {table.rows:,} rows"
    title = f"{name}: {counted(len(columns), 'column')}{rows_known}"
    show(Card(title=title, rows=columns, notes=table.notes))


def load(session: Session, request: LoadRequest) -> object:
    """Return the frame: ``orders = %etl load wh.orders``."""
    return session.data_session.load(
        request.target,
        columns=request.columns or None,
        limit=request.limit,
        as_=request.as_,
        since=request.since,
        lag=request.lag,
        key=request.key,
        anyway=request.anyway,
    )


def sql(session: Session, request: SqlRequest) -> object:
    """Return the result, or store it under the name before ``<<`` and show one line.

    A query with a name but without a target is stored, not executed.
    """
    begun = time.perf_counter()
    query = Query(
        source=request.source,
        text=request.text,
        parameters=request.parameters,
        name=request.name or "",
        anyway=request.anyway,
    )
    target = request.target
    if target is not None:
        session.refuse_of_function(target)
    if query.name and target is None and not request.show:
        remember(session.data_session, query)
        _show_remembered(query)
        return None
    result: Any = answer(session.data_session, query, request.as_)
    if target is None:
        return result
    session.store(target, result)
    rows, columns = result.shape
    took = time.perf_counter() - begun
    show(
        Card(
            title=f"{target}: {rows:,} rows, {columns} columns from {request.source} "
            f"in {rounded_duration(took)}",
            tone="ok",
        )
    )
    return result if request.show else None


def _show_remembered(query: Query) -> None:
    show(
        Card(
            title=f"{query.name}: a query of {query.source}, not run yet.",
            tone="ok",
            notes=[f"Use it as a table in a later query: from {{{{ ref('{query.name}') }}}}"],
        )
    )


_TONES = {CheckStatus.PASS: "ok", CheckStatus.WARN: "warn", CheckStatus.ERROR: "error"}
_MARKS = {CheckStatus.PASS: "✓ pass", CheckStatus.WARN: "! warn", CheckStatus.ERROR: "✗ error"}

_HELD = "The run continues. After its last cell, it is held with all of its outputs."


def check(session: Session, request: CheckRequest) -> None:
    """Show the result of each rule; interactively, failed rules of severity error stop the cell."""
    name, schema = request.name, request.schema
    rules = (request.cell or "") if schema is None else session.frame(str(schema))
    try:
        results: Sequence[CheckResult] = session.data_session.check(name, rules, returned=False)
    except CheckFailed as failed:
        _show_results(name, msgspec.convert(failed.data["results"], list[CheckResult]))
        raise
    held = any(result.status is CheckStatus.ERROR for result in results)
    _show_results(name, results, note=_HELD if held else "")


def _show_results(name: str, results: Sequence[CheckResult], note: str = "") -> None:
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
            below=[_failing_rows(result) for result in results if result.sample],
        )
    )


def _failing_rows(result: CheckResult) -> Card:
    """Show the sample of rows that break a rule."""
    kept, failed = len(result.sample), result.failed_rows or len(result.sample)
    which = f"all {kept:,} rows" if kept == failed else f"{kept:,} of {failed:,} rows"
    return Card(
        title=f"{result.rule.text}: {which} that fail",
        tone=_TONES[result.status],
        rows=result.sample,
    )


def sample(session: Session, request: SampleRequest) -> object:
    """Show how many rows of how many were drawn, and return them."""
    drawn = sample_data(
        session.data_session, request.target, request.amount, seed=request.seed, by=request.by
    )
    show(_sample_card(drawn, means=request.means))
    return as_frame(drawn.data, request.as_)


def _sample_card(drawn: Sample, *, means: bool) -> Card:
    count, total = drawn.data.num_rows, drawn.total_rows
    share = f" ({count / total:.2%})" if total else ""
    by = f" by {drawn.by}" if drawn.by is not None else ""
    rows: list[dict[str, object]] = []
    if means:
        rows = [
            {
                "column": one.column,
                "mean": one.mean,
                "95 % from": one.low,
                "to": one.high,
                "values": one.values,
            }
            for one in drawn.means()
        ]
    return Card(
        title=f"{drawn.name}: {count:,} of {total:,} rows{share}{by}, drawn {drawn.drawn_by}, "
        f"seed {drawn.seed}",
        tone="ok",
        rows=rows,
        notes=["The intervals are for the mean of all rows." if rows else ""],
    )


def approx(session: Session, request: ApproxRequest) -> None:
    """Show the estimate and its interval."""
    question, error = request.question, request.error
    from jupyter_etl.notebook.estimates import approx_data

    found = approx_data(session.data_session, question, error=error)
    about = "=" if found.exact else "≈"
    between = "" if found.exact else f", 95 % between {shown(found.low)} and {shown(found.high)}"
    total = "" if found.total_rows is None else f" of {found.total_rows:,}"
    show(
        Card(
            title=f"{found.text} {about} {shown(found.value)}{between}",
            tone="ok",
            notes=[f"From {found.rows:,}{total} rows. {found.note}"],
        )
    )


def profile(session: Session, request: ProfileRequest) -> None:
    """Show a line and a histogram per column."""
    show(profile_card(profile_data(session.data_session, request.target)))
