"""What the doctor says, and what every check is given."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from jupyter_etl.errors import EtlError
from jupyter_etl.ports import Clock, SchedulerInfo, Store
from jupyter_etl.services.settings import Settings

if TYPE_CHECKING:
    from jupyter_etl.ledger.inspection import LedgerFacts

_FEW = 5


class Status(StrEnum):
    """How well something is."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at.

    Args:
        what: Its name.
        status: The result, after a repair.
        message: What was found.
        hint: The next step; "" if there is no problem.
        repaired: The repairs made; "" for none.
    """

    what: str
    status: Status
    message: str
    hint: str = ""
    repaired: str = ""

    @property
    def ok(self) -> bool:
        """Whether it is no error."""
        return self.status is not Status.ERROR


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the checks look at.

    Args:
        settings: Where everything is.
        clock: The time.
        facts: Of the ledger; None where it cannot be used.
        problem: Why not; None where it can.
        store: The ledger, open; None where it is not there, old or cannot be used.
        schedulers: All that are on record.
        alive: Those of them that are alive.
        repair: Whether checks repair what is safe to repair.
    """

    settings: Settings
    clock: Clock
    facts: LedgerFacts | None
    problem: EtlError | None
    store: Store | None
    schedulers: tuple[SchedulerInfo, ...]
    alive: tuple[SchedulerInfo, ...]
    repair: bool


def well(what: str, message: str, *, repaired: str = "") -> Diagnosis:
    """Return that something is well."""
    return Diagnosis(what=what, status=Status.OK, message=message, repaired=repaired)


def warn(what: str, message: str, hint: str, *, repaired: str = "") -> Diagnosis:
    """Return that something deserves a look."""
    return Diagnosis(what=what, status=Status.WARN, message=message, hint=hint, repaired=repaired)


def wrong(what: str, message: str, hint: str, *, repaired: str = "") -> Diagnosis:
    """Return an error."""
    return Diagnosis(what=what, status=Status.ERROR, message=message, hint=hint, repaired=repaired)


def listed(things: Iterable[object]) -> str:
    """Return a few of many: ``1, 2, 3, 4, 5 and 7 more``."""
    words = [str(thing) for thing in things]
    more = len(words) - _FEW
    return ", ".join(words[:_FEW]) + (f" and {more:,} more" if more > 0 else "")


def existing(path: Path) -> Path:
    """Return a path, or the nearest folder above it that exists."""
    return next(place for place in (path, *path.parents) if place.exists())
