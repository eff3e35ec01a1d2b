"""Which version answers a call."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from jupyter_etl.model import Arm, CallRole, Traffic, TrafficMode
from jupyter_etl.serving.traffic import Route, choose_version

LIVE = Traffic(name="score", live=1, changed_at=datetime(2026, 1, 1, tzinfo=UTC), changed_by="sam")
CANARY = replace(LIVE, mode=TrafficMode.CANARY, arms=(Arm(version=2, share=0.1),))
SPLIT = replace(
    LIVE,
    mode=TrafficMode.SPLIT,
    arms=(Arm(version=2, share=0.5), Arm(version=3, share=0.3), Arm(version=4, share=0.2)),
)


@pytest.mark.parametrize(
    ("traffic", "draw", "version", "role"),
    [
        (LIVE, 0.0, 1, CallRole.LIVE),
        (replace(LIVE, shadow=2), 0.0, 1, CallRole.LIVE),
        (CANARY, 0.0, 2, CallRole.CANARY),
        (CANARY, 0.0999, 2, CallRole.CANARY),
        (CANARY, 0.1, 1, CallRole.LIVE),
        (SPLIT, 0.49, 2, CallRole.SPLIT),
        (SPLIT, 0.5, 3, CallRole.SPLIT),
        (SPLIT, 0.8, 4, CallRole.SPLIT),
        (SPLIT, 0.9999999999999999, 4, CallRole.SPLIT),
    ],
)
def test_a_random_call(traffic: Traffic, draw: float, version: int, role: CallRole) -> None:
    assert choose_version(traffic, draw=draw) == Route(version=version, role=role)


@pytest.mark.parametrize("traffic", [CANARY, SPLIT])
def test_shares_over_many_values(traffic: Traffic) -> None:
    sticky = replace(traffic, by="customer")
    calls = Counter(choose_version(sticky, draw=0.0, value=n).version for n in range(10_000))
    for version, share in sticky.shares.items():
        assert calls[version] / 10_000 == pytest.approx(share, abs=0.02)


def test_equal_values_get_the_same_version() -> None:
    sticky = replace(SPLIT, by="customer")
    draws = random.Random(1)
    for value in (7, "seven", 7.5, True, ["a", 1], {"b": 1, "a": 2}):
        found = {choose_version(sticky, draw=draws.random(), value=value) for _ in range(20)}
        assert len(found) == 1
    by_text = choose_version(sticky, draw=0.0, value="7")
    assert choose_version(sticky, draw=0.0, value=7) == by_text


def test_a_growing_canary_keeps_its_callers() -> None:
    reached: set[int] = set()
    for share in (0.1, 0.3, 0.6):
        canary = replace(CANARY, by="customer", arms=(Arm(version=2, share=share),))
        now = {n for n in range(500) if choose_version(canary, draw=0.0, value=n).version == 2}
        assert reached < now
        reached = now


def test_a_call_without_the_field_is_decided_at_random() -> None:
    sticky = replace(CANARY, by="customer")
    assert choose_version(sticky, draw=0.05, value=None).version == 2
    assert choose_version(sticky, draw=0.5, value=None).version == 1
