"""Detection and repair of problems of the installation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from jupyter_etl.errors import EtlError
from jupyter_etl.ledger import inspect_ledger, open_store
from jupyter_etl.ports import Clock, SchedulerInfo, Store
from jupyter_etl.services.doctor import ledger, machine, running, storage
from jupyter_etl.services.doctor.diagnosis import Diagnosis, Setup, Status, wrong
from jupyter_etl.services.health import alive_among
from jupyter_etl.services.home import refuse_lost_ledger
from jupyter_etl.services.settings import Settings

if TYPE_CHECKING:
    from jupyter_etl.ledger.inspection import LedgerFacts

__all__ = ["Diagnosis", "Status", "diagnose"]

_CHECKS = (*ledger.CHECKS, *machine.CHECKS, *storage.CHECKS, *running.CHECKS)


def diagnose(settings: Settings, clock: Clock, *, repair: bool = False) -> list[Diagnosis]:
    """Check ledger, folders, disks, permissions, schedulers, runs, kernels and packages.

    Args:
        repair: Whether to make safe repairs. Otherwise nothing is changed, and a ledger is
            neither created nor migrated.

    Returns:
        One diagnosis per check; checks that do not apply are omitted.
    """
    setup = _set_up(settings, clock, repair=repair)
    try:
        found = [_examine(check, setup) for check in _CHECKS]
    finally:
        if setup.store is not None:
            setup.store.close()
    return [one for one in found if one is not None]


def _set_up(settings: Settings, clock: Clock, *, repair: bool) -> Setup:
    facts: LedgerFacts | None = None
    problem: EtlError | None = None
    store: Store | None = None
    schedulers: list[SchedulerInfo] = []
    try:
        refuse_lost_ledger(settings)
        facts = inspect_ledger(settings.ledger)
        if facts.revision == facts.newest:
            store = open_store(settings.ledger)
            schedulers = store.load_schedulers()
    except EtlError as found:
        problem = found
    return Setup(
        settings=settings,
        clock=clock,
        facts=facts,
        problem=problem,
        store=store if problem is None else None,
        schedulers=tuple(schedulers),
        alive=tuple(alive_among(schedulers, clock.now())),
        repair=repair,
    )


def _examine(check: Callable[[Setup], Diagnosis | None], setup: Setup) -> Diagnosis | None:
    try:
        return check(setup)
    except EtlError as problem:
        return wrong(check.__name__, problem.message, problem.hint)
    except OSError as problem:
        return wrong(check.__name__, f"it cannot be checked: {problem}", "")
