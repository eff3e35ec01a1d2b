"""Checks of failures: paused pipelines, failing pipelines and unresponsive sources."""

from __future__ import annotations

from jupyter_etl.model import HealthState, PipelineHealth
from jupyter_etl.ports import Store
from jupyter_etl.scheduling.health import load_health
from jupyter_etl.services.doctor.diagnosis import Diagnosis, Setup, listed, warn


def paused(setup: Setup) -> Diagnosis | None:
    """Check that no pipeline has been paused after failures."""
    if setup.store is None:
        return None
    found = _in_state(setup, setup.store, HealthState.AUTO_PAUSED)
    if not found:
        return None
    notes = listed(f"{name} ({health.why})" for name, health in found.items())
    return warn(
        "paused",
        f"the platform paused: {notes}",
        f"Fix the failure, then: jupyter etl resume {next(iter(found))}",
    )


def failing(setup: Setup) -> Diagnosis | None:
    """Check that no pipeline is failing."""
    if setup.store is None:
        return None
    found = _in_state(setup, setup.store, HealthState.FAILING, HealthState.BACKFILL_FAILED)
    if not found:
        return None
    notes = listed(f"{name} ({health.why})" for name, health in found.items())
    return warn("failing", notes, f"jupyter etl runs --pipeline {next(iter(found))}")


def silent(setup: Setup) -> Diagnosis | None:
    """Check that every source responds."""
    if setup.store is None:
        return None
    found = [b for b in setup.store.load_breakers() if b.retry_at is not None]
    if not found:
        return None
    told = listed(f"{b.source} ({b.failures} failures in a row)" for b in found)
    return warn(
        "silent sources",
        f"these sources did not answer, and runs wait for them: {told}",
        "One run tries again every 30 s. Check that they run and can be reached.",
    )


def _in_state(setup: Setup, store: Store, *states: HealthState) -> dict[str, PipelineHealth]:
    found = load_health(store, store.load_pipelines(), setup.clock.now())
    return {name: health for name, health in found.items() if health.state in states}


CHECKS = (paused, failing, silent)
