"""The platform's decisions about an attempt."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from jupyter_etl.model import (
    AttemptReport,
    Checkpoint,
    Difference,
    Failure,
    NewRun,
    Resumption,
    Run,
    RunState,
    Staged,
    TimeLimit,
    Verdict,
)
from jupyter_etl.ports import RunStore
from jupyter_etl.scheduling.publish_gate import judge_difference
from jupyter_etl.scheduling.resume import plan_resumption
from jupyter_etl.scheduling.retries import plan_next
from jupyter_etl.scheduling.time_limits import limit_of_run
from jupyter_etl.scheduling.verdicts import judge


@dataclass(frozen=True, kw_only=True)
class StandardAttemptPolicy:
    """Implements `jupyter_etl.ports.AttemptPolicy`.

    Args:
        store: The ledger, for the durations of past runs.
        draw: Returns a number in ``[0, 1)``, for the wait before a retry.
    """

    store: RunStore
    draw: Callable[[], float] = random.random

    def time_limit(self, new: NewRun) -> TimeLimit:
        return limit_of_run(self.store, new)

    def resumption(
        self, checkpoint: Checkpoint, snapshot: str, parameters: Mapping[str, object]
    ) -> Resumption:
        return plan_resumption(checkpoint, snapshot, parameters)

    def gate(self, difference: Difference, staged: Staged) -> Difference:
        return judge_difference(difference, staged)

    def verdict(self, failure: Failure) -> Verdict:
        return judge(failure)

    def next_state(
        self, run: Run, report: AttemptReport, now: datetime
    ) -> tuple[RunState, datetime | None]:
        return plan_next(run, report, now, draw=self.draw)
