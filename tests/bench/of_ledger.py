"""Cost of a scheduler's polls with a full ledger."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count as count_from
from pathlib import Path

from bench.figures import Figure, against, in_turn
from bench.living import Platform, platform
from bench.many import SIX, deploy_many, next_six, queue_many
from bench.peers import CRON
from bench.postgres import NOT_INSTALLED, postgres
from bench.processes import environment, need, worker
from bench.sizes import Size
from jupyter_etl.model import RunState

_NEVER = 99.999
"""An impossibly large reserve: a scheduler plans and claims nothing."""
_LEDGERS = ("SQLite", "PostgreSQL")
_CRONS = ("*/7 * * * *", "30 6 * * 1-5", "0 0 1 * *", "15 */3 * * *", "0 12 * * 0", "5 4 29 2 *")


@contextmanager
def _ledger(kind: str, folder: Path, *, disk_reserve: float = 0.0) -> Iterator[Platform | None]:
    (folder / kind).mkdir(parents=True)
    if kind == "SQLite":
        with platform(folder / kind, disk_reserve=disk_reserve) as at:
            yield at
        return
    with postgres() as server:
        if server is None:
            yield None
            return
        url = server.create_database()
        with platform(folder / kind, ledger=url, disk_reserve=disk_reserve) as at:
            yield at


def _on_each(
    folder: Path,
    goals: tuple[float | None, float | None],
    what: Callable[[str], str],
    unit: str,
    measure: Callable[[Platform], tuple[float, str]],
    *,
    disk_reserve: float = 0.0,
) -> Iterator[Figure]:
    """Take one measurement on both databases."""
    for kind, goal in zip(_LEDGERS, goals, strict=True):
        with _ledger(kind, folder, disk_reserve=disk_reserve) as at:
            value, detail = (None, NOT_INSTALLED) if at is None else measure(at)
        yield Figure(what=what(kind), value=value, unit=unit, goal=goal, detail=detail)


def idle_tick(folder: Path, size: Size) -> Iterator[Figure]:
    """One poll of a scheduler while nothing is due; it also returns the time of the next poll."""

    def measure(at: Platform) -> tuple[float, str]:
        now = at.etl.clock.now()
        deploy_many(at, size.schedules, cron=SIX, now=now, due=next_six(now))
        scheduler = at.etl.scheduler(workers=2)
        need(scheduler.poll() == 0, "something was due")

        def look() -> None:
            need(scheduler.poll() == 0, "something was due")

        need(len(at.etl.pipelines.list()) == size.schedules, "pipelines are missing")
        times = [_timed(look) * 1000 for _ in range(size.polls)]
        return statistics.median(times), f"the worst of {len(times)} {max(times):.3g} ms"

    what = f"idle poll with {size.schedules:,} schedules"
    yield from _on_each(folder, (1.0, 5.0), lambda kind: f"{what}, {kind}", "ms", measure)


def due(folder: Path, size: Size) -> Iterator[Figure]:
    """Planning of pipelines that are all due at once."""

    def measure(at: Platform) -> tuple[float, str]:
        now = at.etl.clock.now()
        deploy_many(at, size.due, cron="0 6 * * *", now=now, due=now - timedelta(seconds=1))
        cpu = time.process_time()
        seconds = _plan_all(at)
        used = time.process_time() - cpu
        need(at.etl.runs.count(states=[RunState.QUEUED]) == size.due, "runs are missing")
        return seconds, f"{used:.3g} CPU s of the scheduler, {size.due:,} runs"

    yield from _on_each(
        folder,
        (3.0, 3.0),
        lambda kind: f"{size.due:,} due at once planned, {kind}",
        "s",
        measure,
        disk_reserve=_NEVER,
    )


def outage(folder: Path, size: Size) -> Iterator[Figure]:
    """A scheduler's catch-up of pipelines that are due every minute, after an outage of 30 days."""

    def measure(at: Platform) -> tuple[float, str]:
        now = at.etl.clock.now()
        deploy_many(at, size.outage, cron="* * * * *", now=now, due=now - timedelta(days=30))
        seconds = _plan_all(at)
        queued = at.etl.runs.count(states=[RunState.QUEUED])
        skipped = at.etl.runs.count(states=[RunState.SKIPPED])
        # Each has its latest time as a run, and the others on record, regardless of the number of
        # rows.
        need(queued == size.outage, f"{queued} runs are queued")
        need(skipped >= size.outage, f"{skipped} are recorded as skipped")
        return seconds, f"{queued:,} runs, {skipped:,} records of what is skipped"

    yield from _on_each(
        folder,
        (60.0, 60.0),
        lambda kind: f"30 days down, {size.outage:,} schedules a minute, {kind}",
        "s",
        measure,
        disk_reserve=_NEVER,
    )


def claim(folder: Path, size: Size) -> Iterator[Figure]:
    """Claiming of two of very many queued runs."""

    def measure(at: Platform) -> tuple[float, str]:
        now = at.etl.clock.now()
        names = deploy_many(at, max(2, size.queued // 100), cron=SIX, now=now, due=next_six(now))
        queue_many(at, names, size.queued, state=RunState.QUEUED)
        need(at.etl.runs.count(states=[RunState.QUEUED]) == size.queued, "runs are missing")
        taken: set[int] = set()

        def take() -> None:
            claims = at.etl.store.claim("bench", now=at.etl.clock.now(), limit=2)
            need(len(claims) == 2, f"{len(claims)} runs were claimed")
            taken.update(one.run.id for one in claims)

        times = [_timed(take) * 1000 for _ in range(size.polls)]
        need(len(taken) == 2 * len(times), "a run was claimed twice")
        return statistics.median(times), f"the worst of {len(times)} {max(times):.3g} ms"

    what = f"claim of 2 with {size.queued:,} queued"
    yield from _on_each(folder, (None, None), lambda kind: f"{what}, {kind}", "ms", measure)


def cron(folder: Path, size: Size) -> Iterator[Figure]:
    """The next times of cron expressions, compared with croniter and APScheduler."""
    count = max(10, size.due // 20)
    given = (
        f"from datetime import datetime, timedelta, timezone\nexprs, count = {_CRONS!r}, {count}\n"
        + ("begin = datetime(2026, 1, 1, tzinfo=timezone.utc)\n")
    )
    with (
        worker(folder, env=environment()) as ours,
        worker(folder, python=CRON.python, env=environment()) as theirs,
    ):
        ours.do(given + _OURS)
        # Each call begins on another day, so that no library can use a cache.
        days = count_from(1)
        for peer, code in (("croniter", _CRONITER), ("APScheduler", _APSCHEDULER)):
            theirs.do(given + code)
            asked = [
                ours.do("value = occurrences(0)").value,
                theirs.do("value = occurrences(0)").value,
            ]
            need(asked[0] == asked[1], f"the times differ from those of {peer}")
            found = in_turn(
                lambda: ours.do(f"occurrences({next(days)})"),
                lambda: theirs.do(f"occurrences({next(days)})"),
                size.data_pairs,
            )
            yield against(f"{count} next times of cron, to {peer}", found, peer, None)


_OURS = """
from jupyter_etl.scheduling.occurrences import next_occurrence
from jupyter_etl.model import Schedule, ScheduleKind
def occurrences(day):
    made, start = [], begin + timedelta(days=day)
    for text in exprs:
        schedule, at = Schedule(kind=ScheduleKind.CRON, text=text, cron=text), start
        for _ in range(count // len(exprs)):
            at = next_occurrence(schedule, at)
            made.append(at.isoformat())
    return made
"""
_CRONITER = """
from croniter import croniter
def occurrences(day):
    made, start = [], begin + timedelta(days=day)
    for text in exprs:
        source = croniter(text, start)
        for _ in range(count // len(exprs)):
            made.append(source.get_next(datetime).isoformat())
    return made
"""
_APSCHEDULER = """
from apscheduler.triggers.cron import CronTrigger
def occurrences(day):
    made, start = [], begin + timedelta(days=day)
    for text in exprs:
        # Its own numbers of weekdays begin with Monday.
        named = text.replace(" 1-5", " mon-fri").replace(" * * 0", " * * sun")
        source, at = CronTrigger.from_crontab(named, timezone=timezone.utc), start
        for _ in range(count // len(exprs)):
            at = source.get_next_fire_time(None, at + timedelta(seconds=1))
            made.append(at.isoformat())
    return made
"""


def _plan_all(at: Platform) -> float:
    scheduler = at.etl.scheduler(workers=2)

    def plan() -> None:
        while at.etl.store.load_due(at.etl.clock.now(), limit=1):
            scheduler.poll()

    return _timed(plan)


def _timed(call: Callable[[], object]) -> float:
    begun = time.perf_counter()
    call()
    return time.perf_counter() - begun


MEASURES = {"idle_tick": idle_tick, "due": due, "outage": outage, "claim": claim, "cron": cron}
