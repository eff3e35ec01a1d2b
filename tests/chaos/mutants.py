"""Changes to the product for the processes of a chaos world, and for simulations.

Each mutant breaks one guarantee, and the harness must detect it:

- ``no_catch_up``: times that passed without a poll are not run.
- ``no_reaping``: an attempt without heartbeats, or whose runner has ended, is never ended.
- ``no_token``: the ledger accepts reports of a stale attempt.
- ``no_unique``: the ledger accepts a time twice, and plans that are out of date.
- ``stage_is_publish``: outputs of a cell are visible at once.
- ``no_marker_check``: a run writes to any folder at the lake's path.
- ``counts_unstarted``: attempts that never began use up retries; in simulations only.
- ``trusts_its_clock``: a scheduler plans by any clock, and no due time is corrected; the same.

"Watermark before commit" is not among them: ``test_watermarks.py`` has a simulation of its own.

``inject/sitecustomize.py`` loads this file before the product is imported; therefore it imports
nothing of the product at the top.
"""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Change:
    """A replacement of one object of the product.

    Args:
        module: Its module.
        path: Its name, or ``Class.name``.
        make: Makes the new value from the old one.
    """

    module: str
    path: str
    make: Callable[[Any], Any]

    def target(self, module: Any) -> tuple[Any, str]:
        """Return the owner of the name, and the name. Raises AttributeError if it is missing."""
        holder, _, name = self.path.rpartition(".")
        owner = getattr(module, holder) if holder else module
        getattr(owner, name)
        return owner, name

    def apply(self, module: Any) -> None:
        """Change a module that has just been imported."""
        owner, name = self.target(module)
        setattr(owner, name, self.make(getattr(owner, name)))


def skewed_clock(skew_s: float) -> Change:
    """Shift the wall clock of a process, in seconds; the monotonic clock is not changed."""
    skew = timedelta(seconds=skew_s)
    return Change(
        module="jupyter_etl.services.clock",
        path="SystemClock.now",
        make=lambda right: lambda clock: right(clock) + skew,
    )


def _only_just_now(plan_due: Any) -> Any:
    def plan(pipeline: Any, now: Any, **named: Any) -> Any:
        latest = type(pipeline.policy.catchup)("latest")
        return plan_due(
            replace(pipeline, policy=replace(pipeline.policy, catchup=latest)), now, **named
        )

    return plan


def _without_token(owned: Any) -> Any:
    """Write to an attempt regardless of the token, even after it has ended."""
    from sqlalchemy import bindparam, update

    from jupyter_etl.ledger.schema.tables import attempts

    return update(attempts).where(
        attempts.c.run_id == bindparam("of_run"),
        attempts.c.number == bindparam("of_number"),
        bindparam("of_token").is_not(None),
    )


def _begun_without_token(begun: Any) -> Any:
    from jupyter_etl.ledger.schema.tables import attempts

    return _without_token(begun).where(attempts.c.started_at.is_(None))


def _heartbeat_without_token(beaten: Any) -> Any:
    from jupyter_etl.ledger.schema.tables import attempts

    return _without_token(beaten).values(heartbeat=attempts.c.heartbeat + 1)


def _lock_without_token(begin: Any) -> Any:
    from jupyter_etl.errors import Conflict

    def begin_commits(store: Any, *names: Any, **publication_lock: Any) -> Any:
        try:
            return begin(store, *names, **publication_lock)
        except Conflict:
            return ()

    return begin_commits


def _at_once(publish: Any) -> Any:
    def publish_now(record: Any, staged: Any, live: bool = False) -> None:
        from jupyter_etl.runner.commit import newest_version
        from jupyter_etl.services.reading import publisher_for

        publish(record, staged)
        store, claim = record._store, record._claim
        committed = publisher_for(staged.kind).commit(
            staged,
            lake=os.environ["JUPYTER_ETL_LAKE"],
            draft=False,
            number=store.next_publication_number(staged.name, draft=False),
            token=f"eager-{claim.run.id}.{claim.attempt.number}/{staged.name}",
            previous=newest_version(store, staged.name, draft=False),
        )
        new = claim.run.new
        said = {"owner": new.owner, "pipeline": new.pipeline, "notebook": new.notebook}
        store.publish(committed, **said, draft=False, now=record._clock.now())
        del record._staged[staged.name]

    return publish_now


def _as_if_begun(plan_next: Any) -> Any:
    def plan(run: Any, report: Any, now: Any, *, draw: Any) -> Any:
        run, report = replace(run, unstarted=0), replace(report, began=True)
        return plan_next(run, report, now, draw=draw)

    return plan


_ATTEMPTS, _RECOVERY = "jupyter_etl.scheduling.retries", "jupyter_etl.scheduling.lost_attempts"
_LEDGER, _LAKES = "jupyter_etl.ledger.attempts", "jupyter_etl.services.lakes"

CHANGES: Mapping[str, tuple[Change, ...]] = {
    # Not a mutant: it only saves the harness the ten minutes between two attempts.
    "impatient": (
        Change(module=_ATTEMPTS, path="BASE_S", make=lambda seconds: 0.05),
        Change(module=_ATTEMPTS, path="CAP_S", make=lambda seconds: 1.0),
        Change(module=_ATTEMPTS, path="UNSTARTED_CAP_S", make=lambda seconds: 1.0),
    ),
    "no_catch_up": (
        Change(
            module="jupyter_etl.scheduling.planner",
            path="plan_due",
            make=_only_just_now,
        ),
    ),
    "no_reaping": (
        Change(
            module="jupyter_etl.scheduling.lost_attempts",
            path="Observer.lost",
            make=lambda lost: lambda observer, claims: [],
        ),
        Change(
            module=_RECOVERY,
            path="LostAttemptRecovery.notice",
            make=lambda notice: lambda recovery: False,
        ),
    ),
    "no_token": (
        Change(module=_LEDGER, path="_OWNED", make=_without_token),
        Change(module=_LEDGER, path="_BEGUN", make=_begun_without_token),
        Change(module=_LEDGER, path="_HEARTBEAT", make=_heartbeat_without_token),
        # The publication lock requires the token as well.
        Change(
            module="jupyter_etl.ledger.store",
            path="SqlStore.begin_commits",
            make=_lock_without_token,
        ),
        # Lost-attempt recovery ends stale runners on its own machine, so this simulates another
        # one.
        Change(
            module="jupyter_etl.runner.local_executor",
            path="LocalExecutor.clean_up",
            make=lambda clean_up: lambda executor, claim: None,
        ),
    ),
    "no_unique": (),
    "stage_is_publish": (
        Change(module="jupyter_etl.runner.channel.record", path="RunRecord.publish", make=_at_once),
    ),
    "no_marker_check": (
        Change(module=_LAKES, path="LedgerLake.check", make=lambda check: lambda lake: None),
        Change(module=_LAKES, path="LedgerLake.claim", make=lambda claim: lambda lake: None),
    ),
    "counts_unstarted": (
        Change(module="jupyter_etl.scheduling.lost_attempts", path="plan_next", make=_as_if_begun),
    ),
    "trusts_its_clock": (
        Change(
            module="jupyter_etl.scheduling.clock_skew",
            path="ClockGuard.why_not",
            make=lambda why_not: lambda guard, *, busy: "",
        ),
        Change(
            module="jupyter_etl.scheduling.scheduler",
            path="correct_due_times",
            make=lambda correct: lambda store, now: [],
        ),
    ),
}
"""All changes by name."""

RED: Mapping[str, tuple[tuple[str, str], ...]] = {
    "no_catch_up": (("lost", "was skipped"),),
    "no_reaping": (("lost", "has no outcome"),),
    "no_token": (("doubled", "published"), ("doubled", "succeeded"), ("torn", "rows")),
    "no_unique": (("doubled", "was planned"),),
    "stage_is_publish": (("doubled", "versions of"), ("torn", "rows too many")),
    "no_marker_check": (("lost", "written to the mount point"),),
}
"""The findings that must detect each mutant: a kind, and a part of its text; one is enough."""

MUTANTS = tuple(RED)


def forget_unique(ledger: str) -> None:
    """Remove the constraint and the compare-and-swap from an empty SQLite ledger: ``no_unique``.

    Each of the two alone prevents a time from being planned twice.
    """
    constraint = re.compile(r",\s*CONSTRAINT uq_runs_pipeline_logical_key UNIQUE \([^)]*\)")
    with sqlite3.connect(ledger) as connection:
        made = connection.execute(
            "SELECT type, sql FROM sqlite_master WHERE tbl_name = 'runs' AND sql IS NOT NULL"
        ).fetchall()
        [table] = [sql for kind, sql in made if kind == "table"]
        changed, count = constraint.subn("", table)
        if count != 1:
            raise AssertionError(f"the constraint was not found in: {table}")
        connection.execute("DROP TABLE runs")
        connection.execute(changed)
        for kind, sql in made:
            if kind == "index":
                connection.execute(sql)
        connection.execute(
            "CREATE TRIGGER unswapped AFTER UPDATE OF next_due ON pipelines "
            "WHEN NEW.next_due IS NOT NULL BEGIN "
            "UPDATE pipelines SET revision = OLD.revision WHERE name = NEW.name; END"
        )


def caught(name: str, findings: Any) -> list[str]:
    """Return the findings that detect a mutant."""
    return [one for kind, text in RED[name] for one in getattr(findings, kind) if text in one]
