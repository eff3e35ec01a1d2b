"""Two gateways and their workers, some of which are killed while versions are promoted.

``make chaos ONLY=serving`` is the full test; the suite kills only a few.
"""

from __future__ import annotations

import json
import os
import tempfile
from pathlib import Path

import pytest

from chaos.battle import Battle, Call, Change, Kill, judge
from chaos.gateways import battle
from fakes.http_load import Reply, free_port

SEED = int(os.environ.get("CHAOS_SEED", "11"))


def a_call(
    version: int, sent: float, received: float, *, asked: int | None = None, status: int = 200
) -> Call:
    headers = {"x-version": str(version)}
    body = json.dumps({"result": version}).encode()
    reply = Reply(status=status, headers=headers, body=body, sent=sent, received=received)
    return Call(gateway=0, asked=asked, reply=reply)


def change(at: float, version: int) -> Change:
    return Change(begun=at, done=at + 0.1, versions=frozenset({version}))


@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (a_call(1, 19, 19.1), ""),
        (a_call(1, 21, 21.1), ""),
        (a_call(2, 19.9, 20.1), ""),
        (a_call(2, 19, 19.1), "wrong"),
        (a_call(1, 25, 25.1), "wrong"),
        (a_call(1, 25, 25.1, asked=1), ""),
        (a_call(2, 25, 25.1, asked=1), "wrong"),
        (a_call(2, 29.9, 30.2, status=502), ""),
        (a_call(2, 28, 28.1, status=502), "failed"),
        (a_call(2, 29.9, 30.2, status=503), "failed"),
        (a_call(2, 29.9, 30.2, status=0), "failed"),
        (a_call(2, 40.1, 40.2, status=0), ""),
        (a_call(2, 45, 45.1, status=0), "failed"),
    ],
)
def test_a_battle_is_judged(call: Call, kind: str) -> None:
    found = Battle(
        kills=[
            Kill(gateway=0, role="worker", at=30.0, done=30.1),
            Kill(gateway=0, role="gateway", at=40.0, done=40.1),
        ],
        calls=[a_call(1, 11, 11.1), a_call(2, 32, 32.1), a_call(2, 44, 44.1), call],
        changes=[change(10.0, 1), change(20.0, 2)],
    )
    judge(found)
    assert [name for name in ("wrong", "failed", "silent") if getattr(found, name)] == (
        [kind] if kind else []
    )


def test_silence_after_a_kill_is_noticed() -> None:
    kills = [Kill(gateway=0, role="worker", at=30.0, done=30.1)]
    found = Battle(kills=kills, calls=[a_call(1, 29, 29.1)], changes=[change(10.0, 1)])
    judge(found)
    assert len(found.silent) == 1


@pytest.mark.chaos
@pytest.mark.slow
def test_no_version_answers_that_is_not_live_or_asked_for() -> None:
    # Short: the path of a Unix socket is limited to 107 bytes.
    with tempfile.TemporaryDirectory(prefix="chaos-", dir="/tmp") as home:
        ports = [free_port(), free_port()]
        found = battle(Path(home), ports, kills=4, seed=SEED, pauses_s=(0.1, 0.5))
    assert found.findings() == [], f"CHAOS_SEED={SEED}"
    assert len(found.kills) == 4
    assert len(found.changes) > 1
    assert sum(one.reply.status == 200 for one in found.calls) > 100
