"""What the panel sees of the model: pure functions from values to JSON."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from msgspec import to_builtins

from jupyter_etl.app.differences import hold_view
from jupyter_etl.model import (
    BAD,
    IN_HAND,
    TERMINAL,
    Attempt,
    Breaker,
    Freshness,
    Hold,
    Outcome,
    Pipeline,
    Publication,
    PublicationVersion,
    Retried,
    Run,
    RunState,
    RunSummary,
    Schedule,
    Source,
)

JSON = dict[str, Any]

STRIP = 14
"""How many of its last runs a pipeline shows."""

_GRACE = timedelta(seconds=60)
"""A scheduler that is alive starts what is due well within it."""

_TAIL = 20_000
"""Characters of a log that come with its run."""


def health_of(
    pipeline: Pipeline, runs: Sequence[RunSummary], now: datetime, waiting: Set[int] = frozenset()
) -> str:
    """Sum a pipeline up in one word.

    Args:
        pipeline: As in the ledger.
        runs: Its last runs, oldest first.
        now: Aware.
        waiting: Numbers of the runs that a gate holds until a person decides.

    Returns:
        ``running`` while a run is in hand, ``paused``, ``held`` where the last run that came to a
        result waits for a person, ``failing`` where it failed or a check held it, ``late`` where something is due and nobody starts it,
        ``never`` where no run came to a result, else ``ok``.
    """
    if any(run.state in IN_HAND for run in runs):
        return "running"
    if pipeline.paused:
        return "paused"
    results = [run for run in runs if run.state in {*BAD, RunState.SUCCEEDED}]
    if results and results[-1].state in BAD:
        return "held" if results[-1].id in waiting else "failing"
    due = [run.not_before for run in runs if run.state is RunState.QUEUED]
    if pipeline.next_due is not None:
        due.append(pipeline.next_due)
    if any(is_late(instant, now) for instant in due):
        return "late"
    return "ok" if results else "never"


def is_late(due: datetime | None, now: datetime) -> bool:
    """Return whether a scheduler that is alive would have started this; False for nothing due."""
    return due is not None and due < now - _GRACE


def pipeline_view(
    pipeline: Pipeline,
    runs: Sequence[RunSummary],
    *,
    now: datetime,
    waiting: Set[int] = frozenset(),
    words: Callable[[Schedule], str],
    locate: Callable[[str], str | None],
    missing: bool = False,
) -> JSON:
    """Make a PipelineView.

    Args:
        pipeline: As in the ledger.
        runs: Its last runs, oldest first.
        now: Aware.
        waiting: Numbers of the runs that a gate holds until a person decides.
        words: Says a schedule in words.
        locate: Returns the contents path of a file on disk, None where it is outside.
        missing: Whether the notebook's file is gone.
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
    view["health"] = health_of(pipeline, runs, now, waiting)
    view["notebook_path"] = locate(pipeline.notebook)
    view["missing"] = missing
    return view


def seconds_of(run: Run | RunSummary, now: datetime) -> float | None:
    """Return how long a run took, or takes so far; None for one that is not at work."""
    if run.started_at is None:
        return None
    if run.finished_at is not None and run.state in TERMINAL:
        return max(0.0, (run.finished_at - run.started_at).total_seconds())
    return max(0.0, (now - run.started_at).total_seconds()) if run.state in IN_HAND else None


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
            "has_notebook": bool(run.output),
            "resumable": (
                run.new.policy.checkpoint
                and run.state in BAD
                and run.outcome in (Outcome.FAILED, Outcome.HELD)
                and run.failed_cell is not None
            ),
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
    }


def run_detail_view(
    run: Run, attempts: Sequence[Attempt], log: str, held: Hold | None = None, *, now: datetime
) -> JSON:
    """Make a RunView with its checks, reads, parameters, attempts and the end of its log.

    Args:
        run: As in the ledger.
        attempts: Its attempts, oldest first; their tokens stay here.
        log: What its runners wrote.
        held: What of it waits for a decision.
        now: Aware.
    """
    view = run_view(run, now=now)
    view["checks"] = to_builtins(run.checks)
    view["reads"] = to_builtins(run.reads)
    view["parameters"] = to_builtins(dict(run.new.parameters))
    view["attempts_list"] = [attempt_view(attempt) for attempt in attempts]
    view["log_tail"] = tail_of(log)
    view["note"] = run.new.note
    view["hold"] = to_builtins(hold_view(held)) if held else None
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


def freshness_of(freshness: Freshness | None, age_s: float | None) -> str:
    """Judge an age in seconds: ``ok``, ``warn`` or ``error``; ``none`` without promise or age."""
    if freshness is None or age_s is None:
        return "none"
    if freshness.error_s is not None and age_s >= freshness.error_s:
        return "error"
    if freshness.warn_s is not None and age_s >= freshness.warn_s:
        return "warn"
    return "ok"


def source_view(source: Source, breaker: Breaker | None) -> JSON:
    """Make the JSON of a source in a list; its breaker is None while it answers."""
    view: JSON = to_builtins(source)
    view["next_try_at"] = to_builtins(breaker.retry_at) if breaker else None
    return view


def publication_view(publication: Publication, *, now: datetime) -> JSON:
    """Make a PublicationView; its age is the age of the live version."""
    age_s = None
    if publication.live is not None:
        age_s = max(0.0, (now - publication.live.published_at).total_seconds())
    view: JSON = to_builtins(publication)
    view["age_s"] = age_s
    view["fresh"] = freshness_of(publication.freshness, age_s)
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
        publication: As in the ledger.
        history: Newest first.
        ways: How other engines read the newest: engine and code.
        now: Aware.
    """
    return {
        **publication_view(publication, now=now),
        "history": to_builtins(list(history)),
        "ways_in": [{"engine": engine, "code": code} for engine, code in ways],
    }


def schedule_view(schedule: Schedule, words: str, ticks: Sequence[datetime], note: str) -> JSON:
    """Make the JSON of a schedule that is not deployed yet; each time in UTC and local."""
    zone = ZoneInfo(schedule.timezone)
    return {
        "words": words,
        "next": [
            {"utc": to_builtins(tick), "local": tick.astimezone(zone).isoformat()} for tick in ticks
        ],
        "note": note,
        "cron": schedule.cron,
    }
