"""Real schedulers, runners and kernels, killed at random; `make chaos` does this at scale."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.harness import Experiment, run_experiment
from chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.kernel]

SEED = int(os.environ.get("CHAOS_SEED", "11"))
KILLS = 40


@pytest.mark.timeout(1200)
def test_kills_lose_double_and_tear_nothing(tmp_path: Path) -> None:
    world = World(folder=tmp_path, lease_s=4.0)
    experiment = Experiment(
        seed=SEED,
        kills=KILLS,
        pipelines=8,
        every_s=15,
        workers=3,
        pauses_s=(0.02, 0.2),
        blackout=0.03,
        blackout_s=4.0,
        stop=0.1,
        kill_s=600,
        patience_s=400,
        exit_s=100,
    )
    try:
        report = run_experiment(world, experiment)
    finally:
        world.destroy()
    reported = (
        f"CHAOS_SEED={SEED}, {report.kills}, {report.stops} stopped, "
        f"{report.runs} runs, {report.attempts} attempts, {report.seconds:.0f} s"
    )
    assert report.findings.all() == [], reported
    assert sum(report.kills.values()) >= KILLS, reported
    assert report.kills["scheduler"] >= 4, reported
    assert report.kills["fork_server"] >= 1, reported
    assert min(report.kills["runner"], report.kills["kernel"]) >= 10, reported
    assert report.stops > 0, reported
    assert report.attempts > report.runs, reported
    assert report.reads > 0, reported
