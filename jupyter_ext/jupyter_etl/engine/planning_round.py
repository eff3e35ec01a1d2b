"""One look at everything that may have become due."""

from __future__ import annotations

import logging
from collections.abc import Callable

from jupyter_etl.engine.planner import Plan, plan_due, plan_upstream
from jupyter_etl.errors import Conflict, EtlError, NotFound, StoreError, user_code_boundary
from jupyter_etl.model import Pipeline, PublicationVersion, Run, RunState
from jupyter_etl.ports import Clock, Store

ACTIVE = (RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING)
"""The states of runs that are not finished."""

_LOG = logging.getLogger(__name__)
_BATCH = 1000
_RUNS_LOOKED_AT = 100


class PlanningRound:
    """Plans the schedules and the new versions of publications that have come.

    A pipeline that cannot be planned is logged once and stops no other; a pipeline that another
    scheduler has planned meanwhile is left to it.

    Args:
        store: The ledger.
        clock: Of this process.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._broken: dict[str, int] = {}
        self._seen: dict[str, dict[str, int]] = {}
        self.more = False
        """Whether the last `plan` left something that is due."""

    def plan(self) -> int:
        """Plan once, and return how many pipelines got something.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        self.more = False
        return self._plan_due() + self._plan_upstream()

    def anything_due(self) -> bool:
        """Tell whether a pipeline is due that can be planned.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        due = self._store.load_due(self._clock.now(), limit=_BATCH)
        return any(not self._is_broken(pipeline) for pipeline in due)

    def _plan_due(self) -> int:
        due = self._store.load_due(self._clock.now(), limit=_BATCH)
        planned = sum(self._guarded(pipeline, self._due_plan) for pipeline in due)
        self.more = self.more or (len(due) == _BATCH and planned > 0)
        return planned

    def _due_plan(self, pipeline: Pipeline) -> Plan:
        return plan_due(pipeline, self._clock.now(), active=self._active(pipeline))

    def _plan_upstream(self) -> int:
        subscribers = self._store.load_subscribers()
        live = self._load_live({name for one in subscribers for name in _after(one)})
        fresh = [one for one in subscribers if self._may_be_fresh(one, live)]

        def upstream_plan(pipeline: Pipeline) -> Plan:
            seen = self._load_seen(pipeline)
            active = self._active(pipeline)
            return plan_upstream(pipeline, live, last=seen, active=active, now=self._clock.now())

        return sum(self._guarded(pipeline, upstream_plan) for pipeline in fresh)

    def _load_live(self, names: set[str]) -> dict[str, PublicationVersion]:
        live = {}
        for name in sorted(names):
            try:
                version = self._store.load_publication(name).live
            except NotFound:
                continue
            if version is not None:
                live[name] = version
        return live

    def _may_be_fresh(self, pipeline: Pipeline, live: dict[str, PublicationVersion]) -> bool:
        """Compare with what is remembered, which saves a look at the runs at every tick."""
        seen = self._seen.get(pipeline.name, {})
        return any(
            name in live and live[name].number > seen.get(name, 0) for name in _after(pipeline)
        )

    def _load_seen(self, pipeline: Pipeline) -> dict[str, int]:
        seen = dict(self._seen.get(pipeline.name, {}))
        for run in self._store.load_runs(pipeline=pipeline.name, limit=_RUNS_LOOKED_AT):
            for name, number in run.new.upstream.items():
                seen[name] = max(number, seen.get(name, 0))
        self._seen[pipeline.name] = seen
        return seen

    def _active(self, pipeline: Pipeline) -> list[Run]:
        return self._store.load_runs(pipeline=pipeline.name, states=ACTIVE, limit=_BATCH)

    def _guarded(self, pipeline: Pipeline, decide: Callable[[Pipeline], Plan]) -> bool:
        """Plan one pipeline; return whether anything was written."""
        if self._is_broken(pipeline):
            return False
        try:
            with user_code_boundary(f"Planning pipeline {pipeline.name!r}"):
                return self._write(pipeline, decide(pipeline))
        except StoreError:
            raise
        except (Conflict, NotFound):
            # Another scheduler or its owner was first; the next look shows what is left.
            return False
        except EtlError:
            self._broken[pipeline.name] = pipeline.revision
            _LOG.exception("Pipeline %r is not planned until it is changed", pipeline.name)
            return False

    def _write(self, pipeline: Pipeline, plan: Plan) -> bool:
        if not plan.runs and plan.next_due == pipeline.next_due:
            return False
        now = self._clock.now()
        self._store.plan(pipeline, plan.runs, next_due=plan.next_due, now=now, cancel=plan.cancel)
        for run in plan.runs:
            if run.upstream:
                self._seen.setdefault(pipeline.name, {}).update(run.upstream)
        self.more = self.more or (plan.next_due is not None and plan.next_due <= now)
        return True

    def _is_broken(self, pipeline: Pipeline) -> bool:
        return self._broken.get(pipeline.name) == pipeline.revision


def _after(pipeline: Pipeline) -> tuple[str, ...]:
    return pipeline.schedule.after if pipeline.schedule is not None else ()
