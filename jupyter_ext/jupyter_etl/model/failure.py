"""What ended an attempt without success."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from jupyter_etl.model.run import Outcome


class FailureKind(StrEnum):
    """What ended an attempt without success.

    ``error`` is an exception, whose class `Failure.error_type` names. ``unguarded`` means that the
    watchdog of the attempt's time and cancellation failed; ``lost`` that the attempt no longer owns
    its run, or that its runner stopped without a report.
    """

    ERROR = "error"
    OUT_OF_MEMORY = "out_of_memory"
    KERNEL_EXITED = "kernel_exited"
    KERNEL_DIED = "kernel_died"
    NOT_STARTED = "not_started"
    UNGUARDED = "unguarded"
    TIMED_OUT = "timed_out"
    CANCELLED = "cancelled"
    HELD = "held"
    LOST = "lost"


_OUTCOMES = {
    FailureKind.TIMED_OUT: Outcome.TIMED_OUT,
    FailureKind.CANCELLED: Outcome.CANCELLED,
    FailureKind.HELD: Outcome.HELD,
    FailureKind.LOST: Outcome.LOST,
}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """What ended an attempt without success.

    Args:
        kind: What happened.
        message: One line for people.
        error_type: Name of the exception's class, with or without its module; "" for every kind
            but ``error``.
        source: Name of the source that failed; "" where none is known.
        retryable: Whether a further attempt may succeed; None where only the text is known.
    """

    kind: FailureKind
    message: str = ""
    error_type: str = ""
    source: str = ""
    retryable: bool | None = None

    @property
    def outcome(self) -> Outcome:
        """The outcome of the attempt."""
        return _OUTCOMES.get(self.kind, Outcome.FAILED)
