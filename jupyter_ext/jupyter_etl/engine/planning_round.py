"""One look at everything that may have become due."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime

from jupyter_etl.engine.planner import fresh_versions, plan_due, plan_upstream
from jupyter_etl.errors import EtlError, StoreError, user_code_boundary
from jupyter_etl.model import Pipeline, Run
from jupyter_etl.ports import Outlook, Planned, Store

_LOG = logging.getLogger(__name__)
_BATCH = 1000

_Decide = Callable[[Pipeline, Sequence[Run]], Planned]


class PlanningRound:
    """Plans the schedules and the new versions of publications that have come.

    A pipeline that cannot be planned is logged once and stops no other; a pipeline that another
    scheduler has planned meanwhile is left to it.

    Args:
        store: The ledger.
        now: Returns the time to plan by, UTC.
    """

    def __init__(self, store: Store, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now
        self._broken: dict[str, int] = {}
        self.more = False
        """Whether the last `plan` left something that is due."""

    def plan(self, outlook: Outlook) -> int:
        """Plan once, and return how many pipelines got something.

        Args:
            outlook: As just loaded.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        self.more = False
        planned = self._plan_due() if outlook.due else 0
        return planned + (self._plan_upstream() if outlook.subscribers else 0)

    def anything_due(self) -> bool:
        """Tell whether a pipeline is due that can be planned.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        return bool(self._sound(self._store.load_due(self._now(), limit=_BATCH)))

    def _plan_due(self) -> int:
        now = self._now()
        due = self._store.load_due(now, limit=_BATCH)

        def decide(pipeline: Pipeline, active: Sequence[Run]) -> Planned:
            return plan_due(pipeline, now, active=active)

        planned = self._plan(due, decide)
        self.more = self.more or (len(due) == _BATCH and planned > 0)
        return planned

    def _plan_upstream(self) -> int:
        subscribers = self._store.load_subscribers()
        schedules = [one.schedule for one in subscribers if one.schedule is not None]
        names = {name for schedule in schedules for name in schedule.after}
        live = self._store.load_live_versions(sorted(names)) if names else {}

        def decide(pipeline: Pipeline, active: Sequence[Run]) -> Planned:
            return plan_upstream(pipeline, live, active=active, now=self._now())

        return self._plan([one for one in subscribers if fresh_versions(one, live)], decide)

    def _plan(self, pipelines: Sequence[Pipeline], decide: _Decide) -> int:
        """Plan some pipelines in one transaction; return how many got something."""
        sound = self._sound(pipelines)
        if not sound:
            return 0
        active = self._store.load_overlapping([pipeline.name for pipeline in sound])
        decided = (self._guarded(pipeline, active[pipeline.name], decide) for pipeline in sound)
        plans = [plan for plan in decided if plan is not None and _has_news(plan)]
        now = self._now()
        # Where a plan was not written, another scheduler or the owner was first; the next look
        # shows what is left.
        written = self._store.plan(plans, now=now) if plans else []
        self.more = self.more or any(
            plan.next_due is not None and plan.next_due <= now
            for plan, was_written in zip(plans, written, strict=True)
            if was_written
        )
        return sum(written)

    def _guarded(
        self, pipeline: Pipeline, active: Sequence[Run], decide: _Decide
    ) -> Planned | None:
        """Plan one pipeline; return None where that cannot be done."""
        try:
            with user_code_boundary(f"Planning pipeline {pipeline.name!r}"):
                return decide(pipeline, active)
        except StoreError:
            raise
        except EtlError:
            self._broken[pipeline.name] = pipeline.revision
            _LOG.exception("Pipeline %r is not planned until it is changed", pipeline.name)
            return None

    def _sound(self, pipelines: Sequence[Pipeline]) -> list[Pipeline]:
        return [one for one in pipelines if self._broken.get(one.name) != one.revision]


def _has_news(plan: Planned) -> bool:
    return bool(plan.runs) or plan.next_due != plan.pipeline.next_due
