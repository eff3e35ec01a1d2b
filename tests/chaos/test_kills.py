"""Real schedulers, runners and kernels, killed at random; `make chaos` does this at scale."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.harness import Battle, fight
from chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.kernel]

SEED = int(os.environ.get("CHAOS_SEED", "11"))
KILLS = 60


@pytest.mark.timeout(1200)
def test_kills_lose_double_and_tear_nothing(tmp_path: Path) -> None:
    world = World(folder=tmp_path, lease_s=4.0)
    battle = Battle(
        seed=SEED,
        kills=KILLS,
        pipelines=8,
        every_s=15,
        workers=3,
        pauses_s=(0.02, 0.2),
        blackout=0.03,
        blackout_s=4.0,
        stop=0.1,
        rage_s=600,
        patience_s=400,
        calm_s=100,
    )
    try:
        report = fight(world, battle)
    finally:
        world.destroy()
    told = (
        f"CHAOS_SEED={SEED}, {report.kills}, {report.stops} stopped, "
        f"{report.runs} runs, {report.attempts} attempts, {report.seconds:.0f} s"
    )
    assert report.findings.all() == [], told
    assert sum(report.kills.values()) >= KILLS, told
    assert report.kills["scheduler"] >= 4, told
    assert report.kills["template"] >= 2, told
    assert min(report.kills["runner"], report.kills["kernel"]) >= 15, told
    assert report.stops > 0, told
    assert report.attempts > report.runs, told
    assert report.reads > 0, told
