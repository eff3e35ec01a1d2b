"""How pipelines stand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class HealthState(StrEnum):
    """How a pipeline stands, the most severe first."""

    AUTO_PAUSED = "auto_paused"
    """The platform paused it because it failed too often in a row: nothing runs until a resume."""
    FAILING = "failing"
    HELD = "held"
    BACKFILL_FAILED = "backfill_failed"
    LATE = "late"
    RUNNING = "running"
    PAUSED = "paused"
    NEVER = "never"
    OK = "ok"


FAILING_STATES = (HealthState.AUTO_PAUSED, HealthState.FAILING)
"""The states of a pipeline that does not produce what it should."""

ATTENTION = (*FAILING_STATES, HealthState.HELD, HealthState.BACKFILL_FAILED, HealthState.LATE)
"""The states that need a person, the most severe first."""


class PausedBy(StrEnum):
    """Who paused a pipeline."""

    PERSON = "person"
    PLATFORM = "platform"


@dataclass(frozen=True, kw_only=True)
class PipelineHealth:
    """How a pipeline stands, and why.

    Args:
        state: In a word.
        why: One sentence; "" where there is nothing to add.
        paused_by: Who paused it; None where it is not paused. A pipeline that is paused while it
            fails has both.
        running: Whether a run of it is in hand.
        run_id: The run that ``why`` is about; None where it is about none.
        last_success_at: When the last run of a deployed version succeeded, UTC; None before any.
    """

    state: HealthState
    why: str = ""
    paused_by: PausedBy | None = None
    running: bool = False
    run_id: int | None = None
    last_success_at: datetime | None = None

    @property
    def failing(self) -> bool:
        """Whether it does not produce what it should, paused or not."""
        return self.state in FAILING_STATES

    @property
    def severity(self) -> int:
        """0 where nobody has to act; the greater, the more urgent."""
        if self.state not in ATTENTION:
            return 0
        return len(ATTENTION) - ATTENTION.index(self.state)


class FreshnessState(StrEnum):
    """How the age of a publication compares with its freshness promise."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"
    NONE = "none"
    """There is no promise, or no version."""
