"""Runs, pipelines and schedules as the ledger returns them, for tests that need no ledger."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from jupyter_etl.model import (
    Cause,
    NewRun,
    Outcome,
    Partition,
    Pipeline,
    Run,
    RunState,
    RunSummary,
    Schedule,
    ScheduleKind,
)

HASH = "a" * 64
TOKEN = "f" * 32


def a_schedule() -> Schedule:
    return Schedule(
        kind=ScheduleKind.CRON, text="daily at 07:00", timezone="Europe/Paris", cron="0 7 * * *"
    )


def a_pipeline(name: str, notebook: Path, **fields: Any) -> Pipeline:
    given = {"content_hash": HASH, "owner": "sam", "schedule": a_schedule(), "version": 3}
    return Pipeline(name=name, notebook=str(notebook), **{**given, **fields})


def a_run(run_id: int, pipeline: str, at: datetime, **fields: Any) -> Run:
    """Return a run, by default a successful one."""
    started = fields.get("state", RunState.SUCCEEDED) is not RunState.QUEUED
    given: dict[str, Any] = {
        "state": RunState.SUCCEEDED,
        "outcome": Outcome.SUCCEEDED,
        "attempts": 1,
        "not_before": at,
        "cancel_requested": False,
        "created_at": at,
        "started_at": at if started else None,
        "finished_at": at + timedelta(seconds=12) if started else None,
        "cell": 4,
        "cells": 4,
        "output": f"/runs/{run_id}/executed.ipynb",
    }
    new = NewRun(
        pipeline=pipeline,
        content_hash=HASH,
        notebook=f"/books/{pipeline}.ipynb",
        logical_key=f"{at:%Y-%m-%dT%H:%M:%SZ}",
        logical_at=at,
        interval=Partition(start=at - timedelta(days=1), end=at),
        due_at=at,
        owner="sam",
        cause=Cause.SCHEDULE,
        version=3,
        parameters={"day": "2025-03-02"},
    )
    return Run(id=run_id, new=new, **{**given, **fields})


def summary_of(run: Run) -> RunSummary:
    """Return the summary of a run in a list of last runs."""
    return RunSummary(
        id=run.id,
        pipeline=run.new.pipeline,
        version=run.new.version,
        cause=run.new.cause,
        draft=run.new.draft,
        state=run.state,
        outcome=run.outcome,
        attempts=run.attempts,
        due_at=run.new.due_at,
        not_before=run.not_before,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        error=run.error,
        worked_s=run.worked_s,
        attempt_started_at=run.attempt_started_at,
    )
