"""The health of pipelines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthState(StrEnum):
    """Health of a pipeline, the most severe first."""

    AUTO_PAUSED = "auto_paused"
    """Paused by the platform after repeated failures: nothing runs until it is resumed."""
    FAILING = "failing"
    HELD = "held"
    BACKFILL_FAILED = "backfill_failed"
    LATE = "late"
    RUNNING = "running"
    PAUSED = "paused"
    NEVER = "never"
    OK = "ok"


FAILING_STATES = (HealthState.AUTO_PAUSED, HealthState.FAILING)
"""The states of a pipeline that fails to produce its outputs."""

ATTENTION = (*FAILING_STATES, HealthState.HELD, HealthState.BACKFILL_FAILED, HealthState.LATE)
"""The states that need attention, the most severe first."""


class PausedBy(StrEnum):
    """Who paused a pipeline."""

    PERSON = "person"
    PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class PipelineHealth:
    """The health of a pipeline, with its reason.

    Args:
        state: The state.
        why: One sentence; "" if there is nothing to add.
        paused_by: Who paused it; None if it is not paused. A pipeline can be paused and failing.
        running: Whether it has an active run.
        run_id: The run that ``why`` refers to; None if it refers to none.
        last_success_at: When the last run of a deployed version succeeded, UTC; None if none has.
    """

    state: HealthState
    why: str = ""
    paused_by: PausedBy | None = None
    running: bool = False
    run_id: int | None = None
    last_success_at: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether it fails to produce its outputs, paused or not."""
        return self.state in FAILING_STATES

    @property
    def severity(self) -> int:
        """0 if no action is needed; higher is more urgent."""
        if self.state not in ATTENTION:
            return 0
        return len(ATTENTION) - ATTENTION.index(self.state)


class FreshnessState(StrEnum):
    """State of a publication's age relative to its freshness promise."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    NONE = "none"
    """There is no promise, or no version."""
