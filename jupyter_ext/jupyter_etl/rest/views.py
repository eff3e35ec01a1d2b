"""What the panel sees of the model: pure functions from values to JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.schedules.presets import preset_of
from jupyter_etl.model import (
    Attempt,
    Breaker,
    Hold,
    Outcome,
    Pipeline,
    PipelineHealth,
    Publication,
    PublicationVersion,
    Retried,
    Run,
    RunState,
    RunSummary,
    Schedule,
    Source,
    TableInfo,
    TimeLimit,
    Watermark,
)
from jupyter_etl.rest.lines import (
    hold_lines,
    pipeline_lines,
    publication_lines,
    run_lines,
    table_lines,
    version_lines,
    watermark_lines,
)
from jupyter_etl.services.health import age_of, publication_freshness, seconds_of, working_since
from jupyter_etl.services.publications.differences import hold_view
from jupyter_etl.services.runs.resume import retried_words
from jupyter_etl.services.secrets import SecretUse
from jupyter_etl.services.watermarks import said

JSON = dict[str, Any]

STRIP = 14
"""How many of its last runs a pipeline shows."""

_TAIL = 20_000
"""Characters of a log that come with its run."""


def pipeline_view(
    pipeline: Pipeline,
    runs: Sequence[RunSummary],
    health: PipelineHealth,
    *,
    now: datetime,
    words: Callable[[Schedule], str],
    locate: Callable[[str], str | None],
    cold_start: str = "",
    missing: bool = False,
    time_limit: TimeLimit | None = None,
) -> JSON:
    """Make a PipelineView.

    Args:
        runs: Its last runs, oldest first.
        health: How it stands.
        locate: Returns the contents path of a file on disk, None where it is outside.
        cold_start: Why its runs start cold; "" where they are warm.
        missing: Whether the notebook's file is gone.
        time_limit: How long its next run may take.
    """
    view: JSON = to_builtins(pipeline)
    view["words"] = words(pipeline.schedule) if pipeline.schedule else "on demand"
    view["last_runs"] = to_builtins(
        [
            {
                "id": run.id,
                "state": run.state,
                "outcome": run.outcome,
                "seconds": seconds_of(run, now),
                "due_at": run.due_at,
            }
            for run in runs[-STRIP:]
        ]
    )
    view |= health_view(health)
    view["notebook_path"] = locate(pipeline.notebook)
    view["cold_start"] = cold_start
    view["missing"] = missing
    view["time_limit"] = to_builtins(time_limit)
    limit_s = pipeline.policy.timeout_s
    view["timeout"] = "" if limit_s is None else format_duration(limit_s)
    view["preset"] = preset_view(pipeline.schedule)
    view["lines"] = pipeline_lines(pipeline)
    return view


def preset_view(schedule: Schedule | None) -> JSON | None:
    """Make the JSON of the preset that a schedule is; None where it is none."""
    preset: JSON | None = to_builtins(preset_of(schedule) if schedule else None)
    return preset


def health_view(health: PipelineHealth) -> JSON:
    """Make the part of a PipelineView that says how the pipeline stands."""
    view: JSON = to_builtins(
        {
            "health": health.state,
            "health_note": health.why,
            "health_run": health.run_id,
            "severity": health.severity,
            "paused_by": health.paused_by,
            "running": health.running,
            "last_success_at": health.last_success_at,
        }
    )
    return view


def run_view(run: Run, *, now: datetime) -> JSON:
    """Make a RunView; the reason why a run was skipped stands in ``error``."""
    view: JSON = to_builtins(
        {
            "id": run.id,
            "pipeline": run.new.pipeline,
            "version": run.new.version,
            "state": run.state,
            "outcome": run.outcome,
            "cause": run.new.cause,
            "logical_key": run.new.logical_key,
            "due_at": run.new.due_at,
            "started_at": run.started_at,
            "finished_at": run.finished_at,
            "seconds": seconds_of(run, now),
            "working_since": working_since(run, now),
            "cell": run.cell,
            "cells": run.cells,
            "error": run.error or (run.new.note if run.state is RunState.SKIPPED else ""),
            "failed_cell": run.failed_cell,
            "verdict": run.verdict,
            "owner": run.new.owner,
            "draft": run.new.draft,
            "attempts": run.attempts,
            "published": [
                {"name": v.name, "version": v.number, "rows": v.what.rows, "draft": v.draft}
                for v in run.published
            ],
            "held_by": run.held_by,
            "has_notebook": bool(run.output),
            "resumable": (
                run.new.policy.checkpoint
                and run.state is RunState.FAILED
                and run.outcome is Outcome.FAILED
                and run.failed_cell is not None
            ),
            "lines": run_lines(run.id),
        }
    )
    return view


def retried_view(retried: Retried, *, now: datetime) -> JSON:
    """Make a RunView that says where the run goes on, or why it does not, and with what."""
    return {
        **run_view(retried.run, now=now),
        "resumes_at": retried.cell,
        "why_not": retried.why_not,
        "deployed": retried.deployed,
        "note": retried.note,
        "words": retried_words(retried),
    }


def run_detail_view(
    run: Run, attempts: Sequence[Attempt], log: str, held: Hold | None = None, *, now: datetime
) -> JSON:
    """Make a RunView with its checks, reads, parameters, attempts and the end of its log.

    Args:
        attempts: Its attempts, oldest first; their tokens stay here.
        log: What happened in it.
        held: What of it waits for a decision.
    """
    view = run_view(run, now=now)
    view["checks"] = to_builtins(run.checks)
    view["reads"] = to_builtins(run.reads)
    view["parameters"] = to_builtins(dict(run.new.parameters))
    view["attempts_list"] = [attempt_view(attempt) for attempt in attempts]
    view["log_tail"] = tail_of(log)
    view["note"] = run.new.note
    view["hold"] = held_view(held) if held else None
    return view


def held_view(hold: Hold) -> JSON:
    """Make the JSON of a hold, with the lines of its buttons."""
    view: JSON = to_builtins(hold_view(hold))
    view["lines"] = hold_lines(hold.run_id)
    return view


def attempt_view(attempt: Attempt) -> JSON:
    """Make the JSON of an attempt without its token, which is the right to write as its owner."""
    view: JSON = to_builtins(attempt)
    del view["token"]
    return view


def tail_of(log: str) -> str:
    """Return the last 20,000 characters of a log, from the beginning of a line."""
    if len(log) <= _TAIL:
        return log
    cut = log[-_TAIL:]
    return cut.partition("\n")[2] or cut


def source_view(source: Source, breaker: Breaker | None, uses: Sequence[SecretUse] = ()) -> JSON:
    """Make the JSON of a source in a list; its breaker is None while it answers."""
    view: JSON = to_builtins(source)
    view["secret_uses"] = to_builtins(uses)
    view["next_try_at"] = to_builtins(breaker.retry_at) if breaker else None
    view["lines"] = table_lines(source.name)
    return view


def source_detail_view(source: Source, tables: Sequence[TableInfo]) -> JSON:
    """Make the JSON of a source and its tables, with the lines of their buttons."""
    return {
        "source": to_builtins(source),
        "tables": [
            {**to_builtins(table), "lines": table_lines(source.name, table.name)}
            for table in tables
        ],
    }


def publication_view(publication: Publication, *, now: datetime) -> JSON:
    """Make a PublicationView; its age is the age of the live version."""
    view: JSON = to_builtins(publication)
    for key in ("live", "draft"):
        view[key] = version_view(getattr(publication, key))
    view["age_s"] = age_of(publication, now)
    view["fresh"] = to_builtins(publication_freshness(publication, now))
    view["lines"] = publication_lines(publication)
    return view


def version_view(version: PublicationVersion | None) -> JSON | None:
    """Make the JSON of a version, without what the ledger keeps to compare the lake with."""
    if version is None:
        return None
    view: JSON = to_builtins(version)
    for key in ("token", "files_hash", "log"):
        del view["what"][key]
    return view


def publication_detail_view(
    publication: Publication,
    history: Sequence[PublicationVersion],
    ways: Sequence[tuple[str, str]],
    *,
    now: datetime,
) -> JSON:
    """Make a PublicationView with its live versions.

    Args:
        history: Newest first.
        ways: How other engines read the newest: engine and code.
    """
    return {
        **publication_view(publication, now=now),
        "history": [
            {**(version_view(version) or {}), "lines": version_lines(version, before)}
            for version, before in zip(history, [*history[1:], None], strict=True)
        ],
        "ways_in": [{"engine": engine, "code": code} for engine, code in ways],
    }


def watermark_view(watermark: Watermark) -> JSON:
    """Make the JSON of a watermark, with the line of its button."""
    view: JSON = to_builtins(said(watermark))
    view["lines"] = watermark_lines(view["pipeline"], view["table"], view["since"])
    return view


def schedule_view(
    schedule: Schedule, words: str, occurrences: Sequence[datetime], note: str
) -> JSON:
    """Make the JSON of a schedule that is not deployed yet; each time in UTC and local."""
    zone = ZoneInfo(schedule.timezone)
    return {
        "words": words,
        "next": [
            {"utc": to_builtins(tick), "local": tick.astimezone(zone).isoformat()}
            for tick in occurrences
        ],
        "note": note,
        "cron": schedule.cron,
        "preset": preset_view(schedule),
    }
