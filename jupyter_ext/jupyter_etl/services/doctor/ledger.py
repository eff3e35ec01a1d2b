"""Checks of the ledger: access, schema, integrity and location."""

from __future__ import annotations

from datetime import timedelta

from jupyter_etl.errors import StoreError
from jupyter_etl.ledger import repair_journal
from jupyter_etl.scheduling.clock_skew import APART
from jupyter_etl.scheduling.due_times import correct_due_times, unexplained_due_times
from jupyter_etl.services.doctor.diagnosis import Diagnosis, Setup, listed, warn, well, wrong
from jupyter_etl.services.health import may_be_running

_APART = timedelta(seconds=5)


def ledger(setup: Setup) -> Diagnosis:
    """Check that the ledger can be reached."""
    if setup.problem is not None:
        return wrong("ledger", setup.problem.message, setup.problem.hint)
    if setup.store is None:
        return well("ledger", "is created, or migrated, on first use")
    return well("ledger", f"readable, {setup.store.count_runs():,} runs recorded")


def schema(setup: Setup) -> Diagnosis | None:
    """Check that the schema has this version's revision."""
    facts = setup.facts
    if facts is None or facts.revision is None:
        return None
    if facts.revision == facts.newest:
        return well("schema", f"{facts.revision}, as this version requires")
    if facts.revision > facts.newest:
        return wrong(
            "schema",
            f"{facts.revision} is newer than this version's, {facts.newest}",
            "Upgrade: pip install --upgrade jupyter-etl",
        )
    return warn(
        "schema",
        f"{facts.revision} is older than this version's, {facts.newest}",
        "It is backed up and migrated by the next command that uses it: jupyter etl status",
    )


def integrity(setup: Setup) -> Diagnosis | None:
    """Check that the ledger is not damaged."""
    facts = setup.facts
    if facts is None or facts.revision is None:
        return None
    if facts.damages:
        return wrong(
            "integrity",
            f"the ledger is damaged: {listed(facts.damages)}",
            "Stop all processes that use it and restore the last backup: jupyter etl restore FILE",
        )
    text = "it can be written" if facts.path is None else "every page and reference is intact"
    return well("integrity", text)


def journal(setup: Setup) -> Diagnosis | None:
    """Check that the journal mode is safe with this version of SQLite."""
    facts = setup.facts
    if facts is None or facts.journal in ("", facts.safe_journal):
        return None
    if facts.safe_journal != "DELETE":
        return well("journal", f"{facts.journal}, which is safe but slower than WAL")
    message = (
        f"{facts.journal} can corrupt the ledger when several processes use this version of SQLite"
    )
    if not setup.repair:
        return wrong(
            "journal",
            message,
            "Stop all processes that use the ledger, then: jupyter etl doctor --repair",
        )
    try:
        repair_journal(facts)
    except StoreError as problem:
        return wrong("journal", message, problem.hint)
    return well("journal", "DELETE", repaired="the journal mode was set to DELETE")


def filesystem(setup: Setup) -> Diagnosis | None:
    """Check that an SQLite file is on a file system where its locks work."""
    facts = setup.facts
    if facts is None or not facts.network:
        return None
    return wrong(
        "filesystem",
        f"the ledger is on a network file system ({facts.network}), where locks of SQLite are "
        "unreliable",
        "Set JUPYTER_ETL_LEDGER to a local path or to PostgreSQL.",
    )


def clock(setup: Setup) -> Diagnosis:
    """Check that the clocks of this machine, the database and the schedulers agree."""
    now, facts = setup.clock.now(), setup.facts
    waiting = [info for info in setup.schedulers if info.note and may_be_running(info)]
    wrong_clocks = [info for info in waiting if "clock" in info.note]
    if wrong_clocks:
        notes = listed(f"{info.host}:{info.pid} ({info.note})" for info in wrong_clocks)
        return wrong(
            "clock", f"schedulers plan nothing: {notes}", "Synchronise the clocks with NTP."
        )
    ahead = [info for info in setup.schedulers if info.seen_at > now + _APART]
    if ahead:
        names = listed(f"{info.host}:{info.pid}" for info in ahead)
        return warn(
            "clock",
            f"heartbeats of these schedulers are in the future: {names}",
            "Synchronise the clocks of their machine and of this one with NTP.",
        )
    if facts is None or facts.now is None or facts.asked_at is None or facts.answered_at is None:
        return well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC")
    if facts.asked_at - _APART <= facts.now <= facts.answered_at + _APART:
        return well("clock", f"{now:%Y-%m-%d %H:%M:%S} UTC, as on the database's server")
    apart_s = (facts.now - facts.answered_at).total_seconds()
    return (wrong if abs(apart_s) > APART.total_seconds() else warn)(
        "clock",
        f"the database's server is {abs(apart_s):,.0f} s {'ahead' if apart_s > 0 else 'behind'}",
        "Synchronise both clocks with NTP: a scheduler more than a minute off plans nothing.",
    )


def due_times(setup: Setup) -> Diagnosis | None:
    """Check that each pipeline's due time matches its schedule."""
    if setup.store is None:
        return None
    now = (setup.facts.now if setup.facts else None) or setup.clock.now()
    found = unexplained_due_times(setup.store, now)
    if not found:
        return well("due times", "each is the next time of its schedule")
    text = listed(f"{one.name} ({one.next_due:%Y-%m-%d %H:%M} UTC)" for one in found)
    message = f"the due times of these pipelines do not match their schedules: {text}"
    doubtful = any(abs(info.seen_at - setup.clock.now()) > APART for info in setup.alive)
    if doubtful or not setup.repair:
        hint = (
            "Check the clock. Schedulers correct the due times; to correct them now: jupyter "
            "etl doctor --repair"
        )
        return wrong("due times", message, hint)
    done = listed(correct_due_times(setup.store, now, deployed_later=True)) or "none"
    return well("due times", "each is the next time of its schedule", repaired=f"corrected {done}")


CHECKS = (ledger, schema, integrity, journal, filesystem, clock, due_times)
