"""Starts, stops and restarts of the workers of a version."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from fakes.worker_pools import Serving, ask, exists, until
from jupyter_etl.errors import ExecutionError
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import PoolState
from jupyter_etl.serving.workers.restarts import Restarts

NOT_STARTED = {
    "an error": ({"payload": b"1 / 0"}, "Loading it raised ZeroDivisionError: division by zero."),
    "a refusal": (
        {"payload": b"raise ExecutionError('numpy 1.2 is not installed.', hint='Install it.')"},
        "numpy 1.2 is not installed. Install it.",
    ),
    "an exit": (
        {"payload": b"print('no model'); os._exit(3)"},
        "Its process ended before it was ready: it exited with code 3 (no model).",
    ),
    "SystemExit": ({"payload": b"raise SystemExit(3)"}, "Loading it raised SystemExit: 3."),
    "an unknown loader": (
        {"loader": "fakes.endpoints:nothing"},
        "Loading it raised AttributeError: module 'fakes.endpoints' has no attribute 'nothing'.",
    ),
    "an unknown module": ({"loader": "nowhere:load"}, "No module named 'nowhere'."),
    "no file": ({"payload": Path("/nowhere/model")}, "No such file or directory"),
    "no interpreter": (
        {"interpreter": "/nowhere/python"},
        "No such file or directory: '/nowhere/python'",
    ),
    "an interpreter that fails": ({"interpreter": "/bin/false"}, "it exited with code 1"),
}


@pytest.mark.parametrize("what", NOT_STARTED)
def test_a_version_that_cannot_start_is_down(serving: Serving, what: str):
    given, text = NOT_STARTED[what]
    pool = serving.pool(**given)

    async def calls() -> None:
        first, second = await asyncio.gather(ask(pool, "result = 1"), ask(pool, "result = 2"))
        later = await ask(pool, "result = 3")
        for answer in (first, second, later):
            assert answer.status == 503
            assert answer.retry_after == 1
            error = json.loads(answer.body)["error"]
            said = f"{error['message']} {error['hint']}"
            assert said.startswith("score version 2 cannot answer: ")
            assert text in said
        assert pool.state is PoolState.DOWN
        with pytest.raises(ExecutionError, match="score version 2 cannot start: "):
            await pool.start()

    serving.run(calls())
    assert pool.statistics().rejected == 3


def test_a_version_that_is_down_is_tried_again(serving: Serving, tmp_path: Path):
    file = tmp_path / "model"
    pool = serving.pool(payload=file)

    async def calls() -> None:
        with pytest.raises(ExecutionError, match="No such file"):
            await pool.start()
        file.write_bytes(b"")
        await until(lambda: pool.state is PoolState.READY)
        assert pool.reason is None
        assert (await ask(pool, "result = 1")).body == b"1"

    serving.run(calls())


def test_other_workers_answer_while_one_cannot_start(serving: Serving, tmp_path: Path):
    file = tmp_path / "model"
    file.write_bytes(b"")
    pool = serving.pool(payload=file, workers=2)

    async def calls() -> None:
        await pool.start()
        await until(lambda: pool.statistics().workers == 2)
        file.unlink()
        os.kill(pool.pids[0], signal.SIGKILL)
        await until(lambda: pool.reason is not None)
        assert pool.state is PoolState.READY
        assert (await ask(pool, "result = 1")).body == b"1"

    serving.run(calls())


def test_an_interpreter_of_another_environment(serving: Serving):
    pool = serving.pool(interpreter=sys.executable, env={"API_TOKEN": "canary-5d2e"})
    code = "import sys\nresult = [sys.executable, os.getsid(0) == os.getpid(), 'pandas' in sys.modules]"

    async def calls() -> None:
        assert json.loads((await ask(pool, code)).body) == [sys.executable, True, False]
        (pid,) = pool.pids
        os.kill(pid, signal.SIGKILL)
        await until(lambda: pool.pids != [pid])
        assert (await ask(pool, "result = os.environ['API_TOKEN']")).body == b'"canary-5d2e"'

    serving.run(calls())


def test_a_drained_version_finishes_its_calls(serving: Serving):
    pool = serving.pool()

    async def calls() -> None:
        await pool.start()
        (pid,) = pool.pids
        accepted = [
            asyncio.create_task(ask(pool, f"import time; time.sleep(0.1)\nresult = {number}"))
            for number in range(3)
        ]
        await until(lambda: pool.statistics().waiting == 2)
        draining = asyncio.create_task(pool.drain(30))
        await until(lambda: pool.state is PoolState.DRAINING)
        refused = await ask(pool, "result = 4")
        assert (refused.status, refused.retry_after) == (503, 1)
        assert [(await one).body for one in accepted] == [b"0", b"1", b"2"]
        await draining
        assert pool.state is PoolState.CLOSED
        assert not exists(pid)

    serving.run(calls())


def test_a_drained_version_ends_at_its_deadline(serving: Serving):
    pool = serving.pool()

    async def calls() -> None:
        await pool.start()
        hanging = asyncio.create_task(ask(pool, "while True: pass"))
        await until(lambda: pool.statistics().in_flight == 1)
        waiting = asyncio.create_task(ask(pool, "result = 1"))
        await until(lambda: pool.statistics().waiting == 1)
        await pool.drain(0.1)
        assert ((await hanging).status, (await waiting).status) == (502, 503)

    serving.run(calls())


@pytest.mark.parametrize("moment", ["requested", "started"])
def test_a_pool_can_be_closed_while_its_workers_start(serving: Serving, moment: str):
    pool = serving.pool(payload=b"import time; time.sleep(60)", workers=2)

    async def calls() -> None:
        call = asyncio.create_task(ask(pool, "result = 1"))
        await until(lambda: pool.state is PoolState.STARTING)
        if moment == "started":
            await asyncio.sleep(0.1)
        await pool.close()
        assert (await call).status == 503
        assert pool.pids == []

    serving.run(calls())


def test_idle_workers_stop_and_start_with_the_next_call(serving: Serving):
    pool, warm = serving.pool(idle_s=0.2), serving.pool(idle_s=0.1, keep_warm=True)
    assert pool.state is PoolState.IDLE

    async def calls() -> None:
        await warm.start()
        kept = warm.pids
        first = json.loads((await ask(pool, "result = os.getpid()")).body)
        # A call that takes longer is not idle.
        assert (await ask(pool, "import time; time.sleep(0.5)")).status == 200
        await until(lambda: pool.state is PoolState.IDLE and not exists(first))
        second = json.loads((await ask(pool, "result = os.getpid()")).body)
        assert second != first
        assert (warm.state, warm.pids) == (PoolState.READY, kept)

    serving.run(calls())
    assert pool.statistics().restarts == 0


def test_failures_delay_the_next_start():
    one, waits = Restarts(), []
    for _ in range(12):
        one.crashed("it exited", 1000.0, was_ready=True, was_sound=False)
        waits.append(max(0.0, round(one.not_before - 1000.0, 3)))
    assert waits == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0, 10.0]
    assert one.reason is None
    # The next start is immediate if the worker that ended had worked.
    one.crashed("it exited", 2000.0, was_ready=True, was_sound=True)
    assert one.not_before < 2000.0


def test_a_version_that_is_down_is_tried_later_and_later():
    one, waits = Restarts(), []
    for _ in range(11):
        one.cannot_start(ExecutionError("no model"), 1000.0)
        waits.append(one.not_before - 1000.0)
    assert waits == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 300.0, 300.0]
    one.is_ready()
    assert one.reason is None
    one.cannot_start(ExecutionError("no model"), 2000.0)
    assert one.not_before == 2001.0


def test_a_process_may_end_twice_before_it_is_ready():
    one, downs = Restarts(), []
    for _ in range(3):
        one.crashed("it was killed", 0.0, was_ready=False, was_sound=False)
        downs.append(one.reason is not None)
    assert downs == [False, False, True]


@pytest.mark.parametrize(
    ("ends", "waits", "is_down"),
    [
        # All workers of a fork server count once.
        ([(7, False), (7, False), (7, False), (7, False), (7, False), (7, False)], 0.0, False),
        ([(7, False), (8, False)], 0.1, False),
        ([(7, False), (8, False), (9, False), (10, False)], 0.4, False),
        ([(7, False), (8, False), (9, False), (10, False), (11, False)], 1.0, True),
        ([(7, False), (8, False), (9, True), (9, False), (10, False)], 0.1, False),
    ],
)
def test_the_end_of_the_fork_server_is_no_failure_of_a_version(
    ends: list[tuple[int, bool]], waits: float, is_down: bool
):
    one = Restarts()
    for server, was_ready in ends:
        one.server_ended(server, 1000.0, was_ready=was_ready)
    later = round(max(0.0, one.not_before - 1000.0), 3)
    assert (later, one.reason is not None) == (waits, is_down)


def test_a_call_waits_while_fork_servers_end(serving: Serving, tmp_path: Path):
    launcher = Launcher(tmp_path, preload=())
    pool = serving.pool(launcher=launcher, workers=2, payload=b"import time; time.sleep(0.2)")

    async def calls() -> None:
        call, ended = asyncio.create_task(ask(pool, "result = 1")), set()
        for _ in range(3):
            await until(lambda: launcher.pid not in (None, *ended))
            ended.add(launcher.pid)
            os.kill(launcher.pid, signal.SIGKILL)
        assert (await call).body == b"1"
        await launcher.close()

    serving.run(calls())
