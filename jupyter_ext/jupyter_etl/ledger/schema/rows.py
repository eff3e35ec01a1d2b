"""Rows of the ledger <-> values of the model."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    HeldBy,
    NewRun,
    Partition,
    Pipeline,
    PipelineVersion,
    Publication,
    PublicationVersion,
    Run,
)


def pipeline_of(row: Row[Any]) -> Pipeline:
    """Return the pipeline in a row of ``pipelines``."""
    return Pipeline(
        name=row.name,
        notebook=row.notebook,
        content_hash=row.content_hash,
        owner=row.owner,
        version=row.version,
        schedule=row.schedule,
        parameters=row.parameters,
        policy=row.policy,
        paused=row.paused,
        pause_note=row.pause_note,
        next_due=row.next_due,
        revision=row.revision,
        created_at=row.created_at,
        updated_at=row.updated_at,
        sources=row.sources,
        seen=row.seen,
    )


def pipeline_version_of(row: Row[Any]) -> PipelineVersion:
    """Return the version in a row of ``pipeline_versions``."""
    return PipelineVersion(
        pipeline=row.pipeline,
        number=row.number,
        content_hash=row.content_hash,
        notebook=row.notebook,
        schedule=row.schedule,
        parameters=row.parameters,
        policy=row.policy,
        deployed_by=row.deployed_by,
        deployed_at=row.deployed_at,
    )


def new_run_row(new: NewRun, now: datetime) -> dict[str, object]:
    """Return the row of ``runs`` for a run that is planned at ``now``."""
    return {
        "pipeline": new.pipeline,
        "logical_key": new.logical_key,
        "version": new.version,
        "content_hash": new.content_hash,
        "notebook": new.notebook,
        "logical_at": new.logical_at,
        "interval_start": new.interval.start,
        "interval_end": new.interval.end,
        "due_at": new.due_at,
        "owner": new.owner,
        "cause": new.cause,
        "parameters": new.parameters,
        "policy": new.policy,
        "draft": new.draft,
        "rank": -new.priority,
        "note": new.note,
        "upstream": new.upstream,
        "timezone": new.timezone,
        "sources": new.sources,
        "state": new.state,
        "attempts": 0,
        "unstarted": 0,
        "not_before": max(new.due_at, now),
        "cancel_requested": False,
        "created_at": now,
        "finished_at": now if new.state in TERMINAL else None,
        "error": "",
        "output": "",
        "checks": (),
        "reads": (),
    }


def new_run_of(row: Row[Any]) -> NewRun:
    """Return what the run in a row of ``runs`` was made of."""
    return NewRun(
        pipeline=row.pipeline,
        content_hash=row.content_hash,
        notebook=row.notebook,
        logical_key=row.logical_key,
        logical_at=row.logical_at,
        interval=Partition(start=row.interval_start, end=row.interval_end),
        due_at=row.due_at,
        owner=row.owner,
        cause=row.cause,
        version=row.version,
        parameters=row.parameters,
        policy=row.policy,
        draft=row.draft,
        priority=-row.rank,
        note=row.note,
        upstream=row.upstream,
        timezone=row.timezone,
        sources=row.sources,
    )


def run_of(
    row: Row[Any],
    published: tuple[PublicationVersion, ...] = (),
    held_by: tuple[HeldBy, ...] = (),
) -> Run:
    """Return the run in a row of ``runs``, with the versions it made visible and what holds it."""
    return Run(
        id=row.id,
        new=new_run_of(row),
        state=row.state,
        outcome=row.outcome,
        attempts=row.attempts,
        not_before=row.not_before,
        cancel_requested=row.cancel_requested,
        created_at=row.created_at,
        cell=row.cell,
        cells=row.cells,
        started_at=row.started_at,
        finished_at=row.finished_at,
        error=row.error,
        failed_cell=row.failed_cell,
        verdict=row.verdict,
        output=row.output,
        published=published,
        checks=row.checks,
        reads=row.reads,
        resume_from=row.resume_from,
        held_by=held_by,
        unstarted=row.unstarted,
    )


def attempt_row(attempt: Attempt) -> dict[str, object]:
    """Return the row of ``attempts`` for an attempt that was just claimed."""
    return {
        "run_id": attempt.run_id,
        "number": attempt.number,
        "token": attempt.token,
        "claimed_by": attempt.claimed_by,
        "claimed_at": attempt.claimed_at,
        "beat": attempt.beat,
        "host": attempt.host,
        "error": attempt.error,
        "output": attempt.output,
    }


def attempt_of(row: Row[Any]) -> Attempt:
    """Return the attempt in a row of ``attempts``."""
    return Attempt(
        run_id=row.run_id,
        number=row.number,
        token=row.token,
        claimed_by=row.claimed_by,
        claimed_at=row.claimed_at,
        beat=row.beat,
        host=row.host,
        pid=row.pid,
        started_at=row.started_at,
        finished_at=row.finished_at,
        outcome=row.outcome,
        error=row.error,
        failed_cell=row.failed_cell,
        verdict=row.verdict,
        output=row.output,
        peak_rss_bytes=row.peak_rss_bytes,
        timeout_s=row.timeout_s,
    )


def publication_version_of(row: Row[Any]) -> PublicationVersion:
    """Return the version in a row of ``publication_versions``."""
    return PublicationVersion(
        name=row.name,
        number=row.number,
        draft=row.draft,
        what=row.what,
        owner=row.owner,
        pipeline=row.pipeline,
        run_id=row.run_id,
        notebook=row.notebook,
        published_at=row.published_at,
        pruned_at=row.pruned_at,
        note=row.note,
        watermarks=row.watermarks,
    )


def publication_of(
    row: Row[Any], live: PublicationVersion | None, draft: PublicationVersion | None
) -> Publication:
    """Return the publication in a row of ``publications``, with its newest versions."""
    return Publication(
        name=row.name,
        kind=row.kind,
        owner=row.owner,
        pipeline=row.pipeline,
        live=live,
        draft=draft,
        freshness=row.freshness,
        created_at=row.created_at,
    )
