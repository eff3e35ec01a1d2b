"""Backfills: run the partitions that are missing or have failed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from math import ceil
from statistics import median
from zoneinfo import ZoneInfo

from jupyter_etl.errors import Conflict
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.notebooks.notebook import parse_notebook
from jupyter_etl.language.numbers import check_numbers
from jupyter_etl.language.parameters.parameter import resolve_parameters
from jupyter_etl.language.schedules.date_ranges import parse_span
from jupyter_etl.model import ACTIVE, TERMINAL, Grain, NewRun, Pipeline, Run, RunState
from jupyter_etl.ports import Clock, Planned, SchedulerInfo, Store
from jupyter_etl.scheduling.backfill import PartitionPlan, Step, plan_backfill
from jupyter_etl.scheduling.health import seconds_of
from jupyter_etl.scheduling.partitions import format_span, partitions_of
from jupyter_etl.services.secrets import refuse_secret_parameters
from jupyter_etl.services.settings import Settings

OnProgress = Callable[[int, int], None]
"""Called with the number of ended runs and the total, whenever it changes."""

_BATCH = 500
_TRIES = 20
_RECENT_RUNS = 20
"""Number of runs that the estimate is based on."""
_POLL_S = 0.5
_RUNS_A_SECOND = 2000
"""Maximum number of runs of a backfill that polling loads per second."""


@dataclass(frozen=True, kw_only=True)
class Backfill:
    """A backfill, planned or started.

    Args:
        pipeline: The deployed pipeline.
        timezone: IANA name of the time zone that days are counted in.
        plans: What happens to each partition, in order.
        parallel: Maximum number of active runs, limited by the policy and the number of workers.
        median_s: Median seconds of the pipeline's last successful runs; None if there are none.
        runs: The queued runs; empty for a plan.
    """

    pipeline: Pipeline
    timezone: str
    plans: tuple[PartitionPlan, ...]
    parallel: int
    median_s: float | None
    runs: tuple[Run, ...] = ()

    @property
    def planned(self) -> int:
        """Number of partitions to run."""
        return self._count(Step.RUN, Step.REQUEUE)

    @property
    def done(self) -> int:
        """Number of partitions that are done."""
        return self._count(Step.DONE)

    @property
    def in_progress(self) -> int:
        """Number of partitions with a queued or running run."""
        return self._count(Step.IN_PROGRESS)

    @property
    def estimate_s(self) -> float | None:
        """Estimated seconds for the planned partitions; None if no run has succeeded yet."""
        if self.median_s is None:
            return None
        return self.median_s * ceil(self.planned / self.parallel)

    @property
    def title(self) -> str:
        """Return the number of partitions of each kind, as text."""
        count = len(self.plans)
        noun = "partition" if count == 1 else "partitions"
        said = f"{self.pipeline.name}: {self.planned:,} of {count:,} {noun} to run"
        said += f", {self.done:,} done" if self.done else ""
        said += f", {self.in_progress:,} active and left alone" if self.in_progress else ""
        return f"{said}."

    @property
    def notes(self) -> tuple[str, ...]:
        """Return the first and last partition to run and the estimate, as text."""
        asked = [p.partition for p in self.plans if p.step in (Step.RUN, Step.REQUEUE)]
        if not asked:
            return ()
        spans = [format_span(asked[0], self.timezone)]
        if len(asked) > 1:
            spans.append(format_span(asked[-1], self.timezone))
        where = f"From {spans[0]} to {spans[-1]}" if len(spans) > 1 else f"That is {spans[0]}"
        return (f"{where} in {self.timezone}.", self._estimate())

    def _count(self, *steps: Step) -> int:
        return sum(plan.step in steps for plan in self.plans)

    def _estimate(self) -> str:
        if self.median_s is None or self.estimate_s is None:
            return f"No run of {self.pipeline.name} has succeeded yet, so there is no estimate."
        whole = format_duration(max(1, round(self.estimate_s)))
        each = format_duration(round(self.median_s, 1))
        return f"Estimate: {whole}, at {each} per run and {self.parallel} at once."


class Backfills:
    """Plan, start and follow backfills.

    Args:
        schedulers: Returns the live schedulers.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: Settings,
        schedulers: Callable[[], list[SchedulerInfo]],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._schedulers = schedulers

    def plan(
        self,
        pipeline: str,
        span: str,
        *,
        by: Grain | None = None,
        parameters: Mapping[str, object] | None = None,
        parallel: int | None = None,
        include_done: bool = False,
    ) -> Backfill:
        """Plan a backfill; nothing is written.

        Args:
            span: ``FROM..TO``: days, both included, or ISO times, of which the last is excluded.
            by: Length of a partition; None uses the interval of the pipeline's schedule, or a
                day if it has no regular one.
            parameters: Parameters of every run; they override the deployed ones.
            parallel: Maximum number of active runs; None uses the policy's.
            include_done: Whether to run partitions that are done again.

        Raises:
            NotFound: No pipeline has that name.
            DeclarationError: The range or a parameter is not valid, or a partition has not
                ended yet.
        """
        deployed = self._store.load_pipeline(pipeline)
        check_numbers(parallel=parallel)
        schedule = deployed.schedule
        zone = schedule.timezone if schedule else self._settings.timezone
        partitions = partitions_of(
            parse_span(span, timezone=zone), schedule=schedule, by=by, timezone=zone
        )
        outline = parse_notebook(self._store.load_snapshot(deployed.content_hash))
        given = {**deployed.parameters, **(parameters or {})}
        at = partitions[0].end.astimezone(ZoneInfo(zone))
        resolve_parameters(outline.parameters, given, at=at)
        refuse_secret_parameters(self._settings.home, given)
        plans = plan_backfill(
            deployed,
            partitions,
            self._store.load_runs_between(pipeline, partitions[0].start, partitions[-1].end),
            now=self._clock.now(),
            timezone=zone,
            parameters=parameters or {},
            parallel=parallel,
            include_done=include_done,
        )
        workers = sum(info.workers for info in self._schedulers()) or self._settings.workers
        return Backfill(
            pipeline=deployed,
            timezone=zone,
            plans=plans,
            parallel=min(parallel or deployed.policy.parallel, workers),
            median_s=self._median_s(pipeline),
        )

    def begin(self, plan: Backfill) -> Backfill:
        """Queue the planned runs; runs that were queued in the meantime are left alone.

        Args:
            plan: The result of `plan`.

        Returns:
            The backfill with its ``runs``.

        Raises:
            Conflict: The pipeline was redeployed in the meantime.
        """
        new = [one.run for one in plan.plans if one.run is not None]
        made: list[Run] = []
        for start in range(0, len(new), _BATCH):
            made += self._insert(plan.pipeline, new[start : start + _BATCH])
        for one in plan.plans:
            if one.step is Step.REQUEUE and one.found is not None:
                with suppress(Conflict):
                    made.append(self._store.requeue(one.found.id, now=self._clock.now()))
        return replace(plan, runs=tuple(sorted(made, key=lambda run: run.id)))

    def wait(self, begun: Backfill, *, on_progress: OnProgress | None = None) -> list[Run]:
        """Wait for the runs of a backfill, including those already active, and return them.

        Args:
            begun: The result of `begin`.
            on_progress: Called while waiting.
        """
        ids = {run.id for run in begun.runs}
        ids |= {
            p.found.id for p in begun.plans if p.step is Step.IN_PROGRESS and p.found is not None
        }
        left = set(ids)
        said = -1
        while left:
            active = self._store.load_runs(
                pipeline=begun.pipeline.name, states=ACTIVE, limit=len(left) + _RUNS_A_SECOND
            )
            left &= {run.id for run in active}
            if on_progress is not None and len(ids) - len(left) != said:
                said = len(ids) - len(left)
                on_progress(said, len(ids))
            if left:
                self._clock.wait(max(_POLL_S, len(left) / _RUNS_A_SECOND))
        first, last = begun.plans[0].partition, begun.plans[-1].partition
        found = self._store.load_runs_between(begun.pipeline.name, first.start, last.end)
        return [run for run in found if run.id in ids]

    def _insert(self, pipeline: Pipeline, new: Sequence[NewRun]) -> list[Run]:
        """Insert runs in one transaction, which cannot interleave with a scheduler's planning."""
        start, end = new[0].interval.start, new[-1].interval.end
        for _ in range(_TRIES):
            current = self._store.load_pipeline(pipeline.name)
            if current.version != pipeline.version:
                break
            there = self._store.load_runs_between(current.name, start, end)
            keys = {run.logical_key for run in new} - {run.new.logical_key for run in there}
            missing = tuple(run for run in new if run.logical_key in keys)
            plan = Planned(pipeline=current, runs=missing, next_due=current.next_due)
            if all(self._store.plan([plan], now=self._clock.now())):
                found = self._store.load_runs_between(current.name, start, end)
                return [run for run in found if run.new.logical_key in keys]
        raise Conflict(
            f"The pipeline {pipeline.name!r} changed while its backfill was being queued.",
            hint="Repeat the command: runs that are already queued are left alone.",
        )

    def _median_s(self, pipeline: str) -> float | None:
        found = self._store.load_runs(
            pipeline=pipeline, states=(RunState.SUCCEEDED,), limit=_RECENT_RUNS
        )
        now = self._clock.now()
        took = [seconds_of(run, now) for run in found if not run.new.draft]
        seconds = [one for one in took if one is not None]
        return median(seconds) if seconds else None


def failed(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that ended without success."""
    return [r for r in runs if r.state in TERMINAL and r.state is not RunState.SUCCEEDED]
