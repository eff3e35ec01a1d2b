"""Health of pipelines, publications and schedulers, as all surfaces show it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import psutil

from jupyter_etl.model import (
    ATTENTION,
    Breaker,
    FreshnessState,
    HealthState,
    Pipeline,
    PipelineHealth,
    Publication,
)
from jupyter_etl.ports import Clock, SchedulerInfo, Store
from jupyter_etl.scheduling.health import freshness_of, load_health, seconds_of, working_since
from jupyter_etl.services.settings import host_name

__all__ = [
    "STATE_WORDS", "Health", "Overview", "age_of", "by_severity", "publication_freshness",
    "seconds_of", "working_since",
]  # fmt: skip

STATE_WORDS = {
    HealthState.AUTO_PAUSED: "paused after failures",
    HealthState.FAILING: "failing",
    HealthState.HELD: "held",
    HealthState.BACKFILL_FAILED: "backfill failed",
    HealthState.LATE: "late",
    HealthState.RUNNING: "running",
    HealthState.PAUSED: "paused",
    HealthState.NEVER: "never run",
    HealthState.OK: "ok",
}
"""Displayed names of the states."""

_SILENT_AFTER = timedelta(seconds=45)
"""Time without a heartbeat, which schedulers send every 10 s, after which one counts as dead."""


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The state of all pipelines, runs, schedulers and sources.

    Args:
        pipelines: Health of each deployed pipeline, by name.
        held_runs: Ids of the runs with a pending approval, of deployed pipelines or not.
        schedulers: The live schedulers.
        silent_sources: The open circuit breakers, by source.
        full_disk: The disk of this machine that is too full to start runs; "" for none.
        stale: Names of the publications that are older than promised.
        unserved: Owners whose pipelines no live scheduler runs, although other schedulers are
            alive.
    """

    pipelines: Mapping[str, PipelineHealth]
    held_runs: frozenset[int]
    schedulers: Sequence[SchedulerInfo]
    silent_sources: Mapping[str, Breaker]
    full_disk: str
    stale: Sequence[str]
    unserved: Sequence[str] = ()

    @property
    def waiting(self) -> dict[str, str]:
        """Why schedulers plan or start nothing, by ``host:pid``."""
        return {f"{one.host}:{one.pid}": one.note for one in self.schedulers if one.note}

    @property
    def attention(self) -> dict[str, PipelineHealth]:
        """The pipelines that need attention, the most severe first."""
        return by_severity(self.pipelines)

    @property
    def well(self) -> bool:
        """Whether nothing needs attention."""
        return not self.problems

    @property
    def problems(self) -> list[str]:
        """Counts of what needs attention: ``1 paused after failures``, ``2 held``."""
        counted = {
            STATE_WORDS[state]: len(self.names(state))
            for state in ATTENTION
            if state is not HealthState.HELD
        }
        counted |= {
            "held": len(self.held_runs),
            "too old": len(self.stale),
            "sources that do not answer": len(self.silent_sources),
        }
        found = [f"{count} {words}" for words, count in counted.items() if count]
        if self.full_disk:
            found.append("disk full")
        elif self.waiting:
            found.append(f"{len(self.waiting)} schedulers that start no runs")
        if self.unserved:
            found.append(f"no scheduler for {', '.join(self.unserved)}")
        return found if self.schedulers else [*found, "no scheduler"]

    def names(self, *states: HealthState) -> list[str]:
        """Return the names of the pipelines in one of these states."""
        return [name for name, health in self.pipelines.items() if health.state in states]


def by_severity(found: Mapping[str, PipelineHealth]) -> dict[str, PipelineHealth]:
    """Return the pipelines that need attention, by severity, then by name."""
    needy = [(name, health) for name, health in found.items() if health.severity]
    return dict(sorted(needy, key=lambda item: (-item[1].severity, item[0])))


class Health:
    """Health of pipelines, publications and the platform."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        alive: Callable[[], Sequence[SchedulerInfo]],
        disk: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._alive = alive
        self._disk = disk

    def of(self, pipelines: Sequence[Pipeline]) -> dict[str, PipelineHealth]:
        """Return the health of deployed pipelines, by name."""
        return load_health(self._store, pipelines, self._clock.now())

    def overview(self) -> Overview:
        """Return the state of everything."""
        deployed = self._store.load_pipelines()
        found, alive = self.of(deployed), self._alive()
        owners = sorted({one.owner for one in deployed if not one.paused}) if alive else []
        held = {hold.run_id for hold in self._store.load_holds()}
        held |= {
            health.run_id
            for health in found.values()
            if health.state is HealthState.HELD and health.run_id is not None
        }
        now = self._clock.now()
        breakers = self._store.load_breakers()
        return Overview(
            pipelines=found,
            held_runs=frozenset(held),
            schedulers=alive,
            unserved=[o for o in owners if not any(info.runs_for(o) for info in alive)],
            silent_sources={b.source: b for b in breakers if b.retry_at is not None},
            full_disk=self._disk(),
            stale=[
                publication.name
                for publication in self._store.load_publications()
                if publication_freshness(publication, now) is FreshnessState.ERROR
            ],
        )


def age_of(publication: Publication, now: datetime) -> float | None:
    """Return the age of the live version in seconds; None if there is none."""
    if publication.live is None:
        return None
    return max(0.0, (now - publication.live.published_at).total_seconds())


def publication_freshness(publication: Publication, now: datetime) -> FreshnessState:
    """Compare the age of the live version with its freshness promise."""
    return freshness_of(publication.freshness, age_of(publication, now))


def may_be_running(info: SchedulerInfo) -> bool:
    """Return whether a scheduler's process exists or cannot be checked from this machine."""
    return info.host != host_name() or psutil.pid_exists(info.pid)


def alive_among(schedulers: Sequence[SchedulerInfo], now: datetime) -> list[SchedulerInfo]:
    """Return the live schedulers, as far as this machine can determine."""
    return [
        info for info in schedulers if info.seen_at >= now - _SILENT_AFTER and may_be_running(info)
    ]
