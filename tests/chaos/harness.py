"""One experiment: deploy, kill processes, stop killing, wait for idleness, and check."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chaos import record
from chaos.invariants import Expected, Findings, inspect, occurrences
from chaos.killer import SKEWS_S, Killer
from chaos.world import FILE_ONLY, World, wait_until

TESTS = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """Parameters of an experiment.

    Args:
        seed: Seed of all random choices.
        kills: Number of processes to kill.
        pipelines: Number of pipelines, each ``every N s``.
        every_s: Interval of their schedules in seconds.
        file_every_s: Interval of one more pipeline, which publishes only a file; 0 for none. Its
            file has no earlier version that would be missed in an empty lake.
        schedulers, workers: Number of simultaneous schedulers, and of simultaneous runs of each.
        pauses_s: Seconds between two kills.
        blackout, blackout_s, stop, skews_s: See `Killer`.
        kill_s: Time limit of the killing in seconds.
        patience_s: Time limit in seconds until all runs have ended.
        exit_s: Seconds until killed processes must have disappeared.
    """

    seed: int
    kills: int
    pipelines: int = 4
    every_s: int = 10
    file_every_s: int = 0
    schedulers: int = 3
    workers: int = 1
    pauses_s: tuple[float, float] = (0.05, 0.4)
    blackout: float = 0.02
    blackout_s: float = 8.0
    stop: float = 0.06
    skews_s: tuple[float, ...] = SKEWS_S
    kill_s: float = 600.0
    patience_s: float = 120.0
    exit_s: float = 10.0


@dataclass
class Report:
    """Result of an experiment; the counts are those of a table's row."""

    seed: int
    seconds: float = 0.0
    kill_s: float = 0.0
    kills: dict[str, int] = field(default_factory=dict)
    stops: int = 0
    blackouts: int = 0
    runs: int = 0
    attempts: int = 0
    reads: int = 0
    findings: Findings = field(default_factory=Findings)


def run_experiment(
    world: World,
    experiment: Experiment,
    *,
    between: Callable[[Killer], None] = lambda killer: None,
    prepare: Callable[[World], dict[str, Expected]] = lambda world: {},
) -> Report:
    """Deploy pipelines, kill their processes, wait until all runs have ended, and check the result.

    Args:
        world: A new world.
        experiment: The parameters.
        between: Called after each kill.
        prepare: Deploys more pipelines, and returns their expected results.
    """
    began = time.monotonic()
    report = Report(seed=experiment.seed)
    intervals = {f"p{n}": experiment.every_s for n in range(experiment.pipelines)}
    intervals |= {FILE_ONLY: experiment.file_every_s} if experiment.file_every_s else {}
    deployed_at = {name: _deploy(world, name, every_s) for name, every_s in intervals.items()}
    expected = prepare(world)
    killer = Killer(
        world=world,
        draw=random.Random(experiment.seed),
        schedulers=experiment.schedulers,
        workers=experiment.workers,
        pauses_s=experiment.pauses_s,
        blackout=experiment.blackout,
        blackout_s=experiment.blackout_s,
        stop=experiment.stop,
        skews_s=experiment.skews_s,
    )
    reader, said = _start_reader(world)
    try:
        killer.run(experiment.kills, deadline_s=experiment.kill_s, between=lambda: between(killer))
        report.kill_s = time.monotonic() - began
        until = _pause(world, list(intervals), report.findings, experiment.patience_s)
        for name, (before, after) in deployed_at.items():
            expected[name] = _expected(intervals[name], before, after, until)
        _drain(world, report.findings, experiment)
    finally:
        reader.communicate(b"")
    if reader.returncode != 0:
        raise AssertionError((world.folder / "reader.log").read_text())
    found = inspect(world, expected, killer.killed)
    _merge(report.findings, found)
    seen = json.loads(said.read_text())
    report.findings.torn += seen["torn"]
    report.reads = seen["reads"]
    report.kills, report.stops, report.blackouts = killer.kills, killer.stops, killer.blackouts
    report.runs = record.number(world.ledger_url, "SELECT count(*) FROM runs")
    report.attempts = record.number(world.ledger_url, "SELECT count(*) FROM attempts")
    report.seconds = time.monotonic() - began
    return report


def _deploy(world: World, name: str, every_s: int) -> tuple[datetime, datetime]:
    before = datetime.now(UTC)
    world.deploy(name, f"every {every_s}s", rows=name != FILE_ONLY)
    return before, datetime.now(UTC)


def _start_reader(world: World) -> tuple[subprocess.Popen[bytes], Path]:
    said = world.folder / "reader.json"
    env = world.environ(CHAOS_WORLD="", CHAOS_PATCHES="")
    env["PYTHONPATH"] += os.pathsep + str(TESTS)
    with (world.folder / "reader.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "chaos.reader", str(said)],
            env=env,
            stdin=subprocess.PIPE,
            stderr=log,
        )
    return process, said


def _pause(
    world: World, names: list[str], found: Findings, patience_s: float
) -> tuple[datetime, datetime]:
    """Pause all schedules once all due runs are planned.

    Returns:
        The time up to which runs must have been planned, and the time up to which they may have
        been.
    """
    planned_at = [datetime.now(UTC)]

    def caught_up() -> bool:
        planned_at[0] = datetime.now(UTC)
        return record.soonest_due(world.ledger_url) > planned_at[0].timestamp() * 1e6

    if not wait_until(caught_up, patience_s=patience_s, step_s=0.05):
        found.lost.append("what is due is not planned")
    for name in names:
        world.call("pause", name)
    return planned_at[0], datetime.now(UTC) + timedelta(seconds=max(SKEWS_S))


def _expected(
    every_s: int, before: datetime, after: datetime, until: tuple[datetime, datetime]
) -> Expected:
    return Expected(
        required=occurrences(every_s, after, until[0]),
        allowed=occurrences(every_s, before, until[1]),
    )


def _drain(world: World, found: Findings, experiment: Experiment) -> None:
    last = world.start_scheduler("--until-idle", workers=experiment.workers)
    process = world.schedulers[last]

    def drained() -> bool:
        ended = process.poll() is not None
        return ended and record.unfinished(world.ledger_url) == 0

    if not wait_until(drained, patience_s=experiment.patience_s):
        found.lost.append(f"nothing came to rest within {experiment.patience_s:g} s")
    elif process.returncode != 0:
        found.wrong.append(f"the last scheduler ended with {process.returncode}")
    world.stop_schedulers()
    wait_until(lambda: not world.processes(), patience_s=experiment.exit_s)


def _merge(into: Findings, more: Findings) -> None:
    for kind, texts in vars(more).items():
        getattr(into, kind).extend(texts)
