"""Real schedulers, runners and kernels, killed at random; `make chaos` does more of it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.harness import Battle, fight
from chaos.world import World

pytestmark = [pytest.mark.chaos, pytest.mark.slow, pytest.mark.kernel]

SEED = int(os.environ.get("CHAOS_SEED", "11"))


@pytest.mark.timeout(1200)
def test_kills_lose_double_and_tear_nothing(tmp_path: Path) -> None:
    world = World(folder=tmp_path, linger_s=0.5)
    # So many kills, or as many as fit into the time that this test may take of the suite's.
    battle = Battle(
        seed=SEED, kills=200, pipelines=3, every_s=10, workers=2, rage_s=60, patience_s=600
    )
    try:
        report = fight(world, battle)
    finally:
        world.destroy()
    told = f"CHAOS_SEED={SEED}, {report.kills}, {report.runs} runs, {report.attempts} attempts"
    assert report.findings.all() == [], told
    assert report.kills["runner"] + report.kills["kernel"] > 0, told
    assert report.attempts > report.runs, told
    assert report.reads > 0, told
