"""Sixteen publishers on one table, some of them killed.

``make chaos ONLY=publishers`` is the full test; the suite makes only a few commits each.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from chaos.publishers import crowd

COMMITS = 2
WORKERS = 16
SEED = int(os.environ.get("CHAOS_SEED", "11"))

pytestmark = [pytest.mark.chaos, pytest.mark.slow]


def test_sixteen_publishers(tmp_path: Path) -> None:
    kills = max(3, COMMITS * WORKERS // 40)
    found = crowd(tmp_path, workers=WORKERS, commits=COMMITS, kills=kills, seed=SEED)
    assert found.kills >= 3, f"CHAOS_SEED={SEED}"
    assert found.versions == tuple(range(1, WORKERS * COMMITS + 1))
    assert found.torn == ()
    assert found.wrong == ()
    assert found.reads > 0
