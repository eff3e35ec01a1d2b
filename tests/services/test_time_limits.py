"""Time limits from past runs, and warnings about schedules that are too tight."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from contracts.store_values import claim_one, finish, start
from fakes.notebooks import code, write_notebook
from jupyter_etl.model import Cause, NewRun, Pipeline, TimeLimit
from jupyter_etl.scheduling.time_limits import limit_of_run
from jupyter_etl.services.etl import Etl


def run_of(pipeline: Pipeline, key: str) -> NewRun:
    from contracts.store_values import a_run

    return replace(
        a_run(key),
        pipeline=pipeline.name,
        version=pipeline.version,
        cause=Cause.SCHEDULE,
        policy=pipeline.policy,
        content_hash=pipeline.content_hash,
    )


@pytest.fixture
def deployed(etl: Etl, here: Path) -> Pipeline:
    """A pipeline with ten runs of 10 minutes."""
    path = write_notebook(here / "p.ipynb", code("1"))
    pipeline = etl.pipelines.schedule(path, "every 1 hour").pipeline
    at = etl.clock.now()
    for number in range(10):
        run = etl.store.add_run(run_of(pipeline, f"k{number}"), now=at)
        claim = claim_one(etl.store, now=at, run_id=run.id)
        start(etl.store, claim, now=at)
        finish(etl.store, claim, now=at + timedelta(minutes=10))
    return pipeline


def test_ten_runs_make_a_limit(etl: Etl, deployed: Pipeline) -> None:
    said = "3 times the 95th percentile of the last 10 successful runs"
    derived = TimeLimit(seconds=1800.0, why=said)
    assert etl.pipelines.time_limits([deployed]) == {"p": derived}
    new = run_of(deployed, "next")
    assert limit_of_run(etl.store, new) == derived
    default = TimeLimit(seconds=3600.0, why="the default")
    for other in (
        replace(new, version=None),
        replace(new, draft=True),
        replace(new, cause=Cause.BACKFILL),
    ):
        assert limit_of_run(etl.store, other) == default
    given = etl.pipelines.schedule(Path(deployed.notebook), timeout_s=90).pipeline
    assert etl.pipelines.time_limits([given]) == {"p": TimeLimit(seconds=90.0)}
    assert limit_of_run(etl.store, run_of(given, "next")) == TimeLimit(seconds=90.0)
    back = etl.pipelines.schedule(Path(deployed.notebook), reset=["timeout"])
    assert back.changes == ("timeout: 1 min 30 s -> the platform's",)
    assert etl.pipelines.time_limits([back.pipeline]) == {"p": derived}


def test_a_tight_schedule_is_reported_when_it_is_deployed_and_afterwards(
    etl: Etl, deployed: Pipeline
) -> None:
    path = Path(deployed.notebook)
    assert not [one for one in etl.pipelines.preflight(path) if one.kind == "schedule"]
    done = etl.pipelines.schedule(path, "every 5 minutes")
    (found,) = (one for one in done.findings if one.kind == "schedule")
    assert found.severity == "warning"
    assert "fires 5 min apart, and half of the runs of 'p' take 10 min or more" in found.message
    assert found in etl.pipelines.preflight(path)
