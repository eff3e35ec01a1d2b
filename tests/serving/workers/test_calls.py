"""Every call gets one answer, whatever the function does; the next call is answered as well."""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
from contextlib import suppress
from pathlib import Path

import pytest

from fakes.worker_pools import ASYNC, Serving, ask, exists, until
from jupyter_etl.serving.workers.pool import WorkerPool
from jupyter_etl.serving.workers.protocol import MAX_BODY_BYTES

PID = "result = os.getpid()"

CALLS = {
    "a value": ("result = [1, content_type]", 200, '[1, "text/x-python"]'),
    "an exception": ("1 / 0", 500, "The function raised ZeroDivisionError: division by zero."),
    "SystemExit": ("raise SystemExit(4)", 500, "The function raised SystemExit: 4."),
    "KeyboardInterrupt": ("raise KeyboardInterrupt", 500, "The function raised KeyboardInterrupt."),
    "BaseException": ("raise BaseException('so')", 500, "The function raised BaseException: so."),
    "no text": (
        "class Bad(Exception):\n def __str__(self): return 1 / 0\nraise Bad",
        500,
        "The function raised Bad.",
    ),
    "recursion": ("def f(): f()\nf()", 500, "RecursionError"),
    "an impossible allocation": ("bytearray(1 << 45)", 500, "MemoryError"),
    "a large answer": (
        "from jupyter_etl.serving.workers.protocol import Answer\n"
        "result = Answer(200, bytes(70_000_000))",
        500,
        "The answer has 70 MB; at most 67.1 MB are allowed.",
    ),
    "exit": ("os._exit(3)", 502, "ended during the call: it exited with code 3."),
    "kill": ("os.kill(os.getpid(), 9)", 502, "it was killed by SIGKILL."),
    "a crash": ("import ctypes; ctypes.string_at(0)", 502, "it was killed by SIGSEGV."),
    "closed outputs": ("os.close(1); os.close(2)", 200, "null"),
    "closed descriptors": ("os.closerange(0, 100)", 502, "ended during the call"),
    "bytes in its socket": ("os.write(3, b'x' * 9); os.abort", 502, "it sent an invalid message."),
    "a child that returns": ("os.fork()\nresult = 7", 200, "7"),
    "an end of the connection": (
        "import socket, time; socket.socket(fileno=3).shutdown(2); time.sleep(9)",
        502,
        "it closed its connection.",
    ),
    "threads": (
        "import threading, time\n"
        "for _ in range(9): threading.Thread(target=time.sleep, args=(99,)).start()\nresult = 7",
        200,
        "7",
    ),
}


@pytest.mark.parametrize("what", CALLS)
def test_a_call_is_answered(serving: Serving, what: str):
    code, status, text = CALLS[what]
    pool = serving.pool()

    async def calls() -> None:
        answer = await ask(pool, code)
        assert answer.status == status
        assert text in answer.body.decode()
        if status >= 500:
            error = json.loads(answer.body)["error"]
            assert set(error) == {"kind", "message", "hint", "fields"}
        assert answer.retry_after == (1 if status == 502 else None)
        later = await ask(pool, "result = 'still here'")
        assert (later.status, later.body) == (200, b'"still here"')

    serving.run(calls())
    counts = pool.statistics()
    assert (counts.calls, counts.errors, counts.in_flight, counts.waiting) == (
        2,
        status >= 500,
        0,
        0,
    )


def test_bodies_of_many_sizes(serving: Serving):
    pool = serving.pool()

    async def calls() -> None:
        for size in (0, 1, 300_000, 20_000_000):
            comment = b"#" * size
            code = b"result = open('/proc/self/cmdline').read() and 1\n" + comment
            assert (await pool.call(code, "")).body == b"1"
        large = await pool.call(bytes(MAX_BODY_BYTES + 1), "")
        assert large.status == 413
        batch = await pool.call(json.dumps(["result = 1", "result = 2"]).encode(), "", batch=True)
        assert batch.body == b"[1, 2]"

    serving.run(calls())


def test_the_payload_is_given_or_read_from_a_file(serving: Serving, tmp_path: Path):
    file = tmp_path / "payload"
    file.write_bytes(b"os.made = options['value']")

    async def calls() -> None:
        for payload in (file, file.read_bytes()):
            pool = serving.pool(payload=payload, options={"value": 41})
            assert (await ask(pool, "result = os.made")).body == b"41"

    serving.run(calls())


def test_a_call_over_its_time_is_504_and_its_worker_is_killed(serving: Serving):
    pool = serving.pool(timeout_s=0.2)

    async def calls() -> None:
        first = json.loads((await ask(pool, PID, timeout_s=30)).body)
        hanging, waiting = await asyncio.gather(
            ask(pool, "while True: pass"), ask(pool, PID, timeout_s=30)
        )
        assert hanging.status == 504
        assert b"score version 2 did not answer within 0.2 s." in hanging.body
        assert json.loads(waiting.body) != first
        await until(lambda: not exists(first))
        longer = await ask(pool, "import time; time.sleep(0.4)\nresult = 1", timeout_s=30)
        assert longer.body == b"1"

    serving.run(calls())


def test_the_least_busy_worker_answers(serving: Serving):
    pool = serving.pool(workers=3)

    async def calls() -> None:
        await pool.start()
        await until(lambda: pool.statistics().workers == 3)
        slow = [ask(pool, f"import time; time.sleep(0.3)\n{PID}") for _ in range(3)]
        pids = {json.loads(one.body) for one in await asyncio.gather(*slow)}
        assert pids == set(pool.pids)

    serving.run(calls())


def test_a_full_queue_refuses_calls(serving: Serving):
    pool = serving.pool(queue=2, queue_s=0.3)

    async def calls() -> None:
        await pool.start()
        slow = asyncio.create_task(ask(pool, "import time; time.sleep(0.8)\nresult = 1"))
        await until(lambda: pool.statistics().in_flight == 1)
        waiting = [asyncio.create_task(ask(pool, "result = 2")) for _ in range(2)]
        await until(lambda: pool.statistics().waiting == 2)
        full = await ask(pool, "result = 3")
        assert (full.status, full.retry_after) == (503, 1)
        assert b"score version 2 has 2 calls waiting; no more are taken." in full.body
        for one in await asyncio.gather(*waiting):
            assert (one.status, one.retry_after) == (503, 1)
            assert b"No process of score version 2 was free within 0.3 s." in one.body
        assert (await slow).body == b"1"

    serving.run(calls())
    assert pool.statistics().rejected == 3


def test_large_bodies_do_not_wait_in_any_number(serving: Serving):
    pool = serving.pool(queue_bytes=1000)

    async def calls() -> None:
        await pool.start()
        slow = asyncio.create_task(ask(pool, "import time; time.sleep(0.3)\nresult = 1"))
        await until(lambda: pool.statistics().in_flight == 1)
        waiting = asyncio.create_task(ask(pool, "result = 2" + "#" * 900))
        await until(lambda: pool.statistics().waiting == 1)
        assert (await ask(pool, "result = 3" + "#" * 900)).status == 503
        assert [(await one).body for one in (slow, waiting)] == [b"1", b"2"]

    serving.run(calls())


def test_a_client_that_disconnects_leaves_nothing(serving: Serving):
    pool = serving.pool()

    async def calls() -> None:
        pid = (await ask(pool, PID)).body
        slow = asyncio.create_task(ask(pool, "import time; time.sleep(0.3); os.made = 5"))
        await until(lambda: pool.statistics().in_flight == 1)
        waiting = asyncio.create_task(ask(pool, "os.made = 6"))
        await until(lambda: pool.statistics().waiting == 1)
        for one in (slow, waiting):
            one.cancel()
        # The function finishes, and the call that waited is not made.
        assert (await ask(pool, "result = os.made")).body == b"5"
        assert (await ask(pool, PID)).body == pid

    serving.run(calls())
    counts = pool.statistics()
    assert (counts.abandoned, counts.in_flight, counts.waiting) == (2, 0, 0)


def test_an_abandoned_call_does_not_hang_forever(serving: Serving):
    pool = serving.pool(timeout_s=0.3)

    async def calls() -> None:
        await pool.start()
        hanging = asyncio.create_task(ask(pool, "while True: pass"))
        await until(lambda: pool.statistics().in_flight == 1)
        hanging.cancel()
        assert (await ask(pool, "result = 1", timeout_s=30)).body == b"1"

    serving.run(calls())
    assert pool.statistics().restarts == 1


def test_coroutines_are_called_at_the_same_time(serving: Serving):
    pool = serving.pool(loader=ASYNC)
    meet = (
        "os.count = getattr(os, 'count', 0) + 1\n"
        "    while os.count < 5: await asyncio.sleep(0.01)\n    return os.getpid()"
    )

    async def calls() -> None:
        answers = await asyncio.gather(*(ask(pool, meet) for _ in range(5)))
        assert {one.body for one in answers} == {str(pid).encode() for pid in pool.pids}
        table = {
            "raise SystemExit(4)": b"The function raised SystemExit: 4.",
            "raise asyncio.CancelledError": b"The function raised CancelledError.",
            "return {1}": b"The function raised TypeError",
        }
        for code, text in table.items():
            answer = await ask(pool, code)
            assert answer.status == 500
            assert text in answer.body
        batch = await pool.call(json.dumps(["return 1", "return 2"]).encode(), "", batch=True)
        assert batch.body == b"[1, 2]"

    serving.run(calls())


def test_a_coroutine_is_cancelled_alone(serving: Serving):
    pool = serving.pool(loader=ASYNC, timeout_s=0.5)
    wait = "try: await asyncio.sleep(60)\n    finally: os.ended = getattr(os, 'ended', 0) + 1"

    async def calls() -> None:
        await pool.start()
        other = asyncio.create_task(ask(pool, "await asyncio.sleep(1)\n    return 1", timeout_s=30))
        abandoned = asyncio.create_task(ask(pool, wait))
        await until(lambda: pool.statistics().in_flight == 2)
        abandoned.cancel()
        assert (await ask(pool, wait)).status == 504
        assert (await other).body == b"1"
        assert (await ask(pool, "return os.ended", timeout_s=30)).body == b"2"

    serving.run(calls())
    assert pool.statistics().restarts == 0


def test_a_coroutine_that_blocks_is_killed(serving: Serving):
    pool = serving.pool(loader=ASYNC, timeout_s=0.2)

    async def calls() -> None:
        await pool.start()
        other = asyncio.create_task(ask(pool, "await asyncio.sleep(60)", timeout_s=30))
        await until(lambda: pool.statistics().in_flight == 1)
        assert (await ask(pool, "import time; time.sleep(60)")).status == 504
        answer = await other
        assert answer.status == 502
        assert b"another call exceeded its time limit of 0.2 s." in answer.body
        assert (await ask(pool, "return 1", timeout_s=30)).body == b"1"

    serving.run(calls())


@pytest.mark.chaos
@pytest.mark.parametrize("loader", ["fakes.endpoints:load", ASYNC])
def test_only_the_calls_in_killed_workers_fail(serving: Serving, loader: str):
    kills, clients = 20, 6
    pool = serving.pool(loader=loader, workers=2)
    return_ = "result =" if loader != ASYNC else "return"
    answers: list[tuple[int, int, bytes]] = []
    killed: list[int] = []

    async def client(number: int) -> None:
        made = 0
        while len(killed) < kills or made < 10:
            key = number * 1_000_000 + made
            answer = await ask(pool, f"{return_} [{key}, os.getpid()]")
            answers.append((key, answer.status, answer.body))
            made += 1
            await asyncio.sleep(0)

    async def killer(pool: WorkerPool) -> None:
        chance = random.Random(7)
        while len(killed) < kills:
            await asyncio.sleep(chance.uniform(0.0, 0.05))
            if pool.pids:
                pid = chance.choice(pool.pids)
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                    killed.append(pid)

    async def load() -> None:
        await pool.start()
        await asyncio.gather(killer(pool), *map(client, range(clients)))

    serving.run(load())
    failed = [body for _, status, body in answers if status != 200]
    assert {status for _, status, _ in answers} <= {200, 502}
    assert all(b"it was killed by SIGKILL." in body for body in failed)
    assert len(failed) <= kills * (1 if loader != ASYNC else clients)
    for key, status, body in answers:
        if status == 200:
            assert json.loads(body)[0] == key
    counts = pool.statistics()
    assert (counts.calls, counts.errors) == (len(answers), len(failed))
    assert (counts.rejected, counts.in_flight, counts.waiting) == (0, 0, 0)
