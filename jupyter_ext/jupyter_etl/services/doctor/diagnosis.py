"""The results and inputs of the doctor's checks."""

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
    """Result of a check."""

    OK = "ok"
    WARN = "warn"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """The result of one check.

    Args:
        what: Name of the check.
        status: The status, after a repair.
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
        """Whether this is not an error."""
        return self.status is not Status.ERROR


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What the checks examine.

    Args:
        settings: The settings.
        clock: The time.
        facts: Facts about the ledger; None if it cannot be used.
        problem: Why the ledger cannot be used; None if it can.
        store: The open ledger; None if it is missing, outdated or unusable.
        schedulers: All recorded schedulers.
        alive: The live ones among them.
        repair: Whether checks make safe repairs.
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
    """Return a diagnosis without a problem."""
    return Diagnosis(what=what, status=Status.OK, message=message, repaired=repaired)


def warn(what: str, message: str, hint: str, *, repaired: str = "") -> Diagnosis:
    """Return a diagnosis with a warning."""
    return Diagnosis(what=what, status=Status.WARN, message=message, hint=hint, repaired=repaired)


def wrong(what: str, message: str, hint: str, *, repaired: str = "") -> Diagnosis:
    """Return a diagnosis with an error."""
    return Diagnosis(what=what, status=Status.ERROR, message=message, hint=hint, repaired=repaired)


def listed(things: Iterable[object]) -> str:
    """Return the first few of many things: ``1, 2, 3, 4, 5 and 7 more``."""
    words = [str(thing) for thing in things]
    more = len(words) - _FEW
    return ", ".join(words[:_FEW]) + (f" and {more:,} more" if more > 0 else "")


def existing(path: Path) -> Path:
    """Return a path, or its nearest existing parent."""
    return next(place for place in (path, *path.parents) if place.exists())
