"""Limits of workers: memory, processes, output; what they inherit, and what they leave."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from fakes.worker_pools import Serving, ask, exists, until
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.system.capped_log import LOG_BYTES

TESTS = Path(__file__).parents[2]

DETACHED = """
import subprocess, sys
code = "import os, time; os.fork() and os._exit(0); os.setsid(); print(os.getpid(), flush=True); time.sleep(99)"
child = subprocess.Popen([sys.executable, "-S", "-c", code], stdout=subprocess.PIPE, start_new_session=True, env={})
result = int(child.stdout.readline())
"""

EXCEEDED = {
    "memory": (
        "import time\nkept = []\nwhile True: kept.append(b'x' * 10_000_000); time.sleep(0.01)",
        "of memory; at most 250 MB are allowed.",
    ),
    "memory of a child": (
        "import time\nkept = []\nif not os.fork():\n"
        "  while True: kept.append(b'x' * 10_000_000); time.sleep(0.01)\ntime.sleep(99)",
        "of memory; at most 250 MB are allowed.",
    ),
    "processes": (
        "import time\nfor _ in range(20): os.fork() or time.sleep(99)\ntime.sleep(99)",
        "processes; at most 8 are allowed.",
    ),
    "processes that fork": (
        "import time\nfor _ in range(6): os.fork(); time.sleep(0.05)\ntime.sleep(99)",
        "processes; at most 8 are allowed.",
    ),
}


def processes_below(pid: int) -> list[int]:
    """Return the live processes whose parent is this one."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, parent = stat.read_text().rpartition(")")[2].split()[:2]
        except OSError:
            continue
        if int(parent) == pid and state != "Z":
            found.append(int(stat.parent.name))
    return found


@pytest.mark.parametrize("what", EXCEEDED)
def test_a_worker_over_a_limit_is_killed_with_its_processes(serving: Serving, what: str):
    code, text = EXCEEDED[what]
    pool = serving.pool(memory_bytes=250_000_000, max_processes=8)

    async def calls() -> None:
        answer = await ask(pool, code)
        assert answer.status == 502
        assert text in answer.body.decode()
        assert (await ask(pool, "result = 1")).body == b"1"
        server = serving.launcher.pid
        assert server is not None
        await until(lambda: processes_below(server) == pool.pids)

    serving.run(calls())


def test_what_a_worker_has_started_ends_with_it(serving: Serving):
    pool = serving.pool()

    async def calls() -> None:
        left = json.loads((await ask(pool, DETACHED)).body)
        # It may be meant for the next call.
        assert (await ask(pool, f"result = os.kill({left}, 0)")).status == 200
        os.kill(pool.pids[0], signal.SIGKILL)
        await until(lambda: not exists(left))
        again = json.loads((await ask(pool, DETACHED)).body)
        await pool.close()
        await until(lambda: not exists(again))

    serving.run(calls())


def test_a_flood_of_output_leaves_the_beginning_and_the_end(serving: Serving):
    pool = serving.pool()
    code = (
        "import sys\nprint('first')\nline = 'x' * 9_999\n"
        "for _ in range(5_000): print(line)\nprint('last', file=sys.stderr)"
    )

    async def calls() -> None:
        assert (await ask(pool, code)).status == 200
        # What a killed worker has printed is kept.
        await ask(pool, "print('killed'); os.kill(os.getpid(), 9)")

    serving.run(calls())
    content = serving.log.read_bytes()
    assert content.startswith(b"first\n")
    assert content.endswith(b"last\nkilled\n")
    assert b" omitted; a log keeps at most 20 MB\n" in content
    assert len(content) <= LOG_BYTES


def test_a_traceback_is_in_the_log_only(serving: Serving):
    pool = serving.pool()
    answer = serving.run(ask(pool, "raise ValueError('bad age')"))
    serving.run(pool.close())
    assert b"Traceback" not in answer.body
    assert "ValueError: bad age" in serving.log.read_text()


def test_a_worker_inherits_only_what_it_needs(serving: Serving):
    pool = serving.pool(env={"API_TOKEN": "canary-5d2e", "TZ": "Asia/Tokyo"})
    code = """
import time
result = {
    "names": sorted(os.environ),
    "text": " ".join(os.environ.values()) + open("/proc/self/environ").read(),
    "descriptors": [int(name) for name in os.listdir("/proc/self/fd") if int(name) < 50],
    "session": os.getsid(0) == os.getpid(),
    "token": os.environ["API_TOKEN"],
    "zone": time.tzname[0],
    "visible": "canary" in open("/proc/self/environ").read(),
    "folder": os.getcwd(),
}
"""
    found = json.loads(serving.run(ask(pool, code)).body)
    assert not [name for name in found["names"] if name.startswith("JUPYTER_ETL")]
    assert "CLOUD_KEY" not in found["names"]
    assert "canary-7f3a91" not in found["text"]
    # The last one lists the folder.
    assert found["descriptors"] in ([0, 1, 2, 3, 4], [0, 1, 2, 3])
    assert (found["session"], found["visible"], found["folder"]) == (True, False, "/")
    assert (found["token"], found["zone"]) == ("canary-5d2e", "JST")


def test_random_numbers_differ_between_workers(serving: Serving):
    pool = serving.pool(workers=2)
    code = (
        "import random, numpy, time; time.sleep(0.2)\nresult = random.random(), numpy.random.rand()"
    )

    async def calls() -> None:
        await pool.start()
        await until(lambda: pool.statistics().workers == 2)
        one, other = await asyncio.gather(ask(pool, code), ask(pool, code))
        assert not set(json.loads(one.body)) & set(json.loads(other.body))

    serving.run(calls())


def test_a_fork_server_that_is_killed_is_replaced(serving: Serving, tmp_path: Path):
    launcher = Launcher(tmp_path, preload=(), idle_s=0.1)
    pool = serving.pool(launcher=launcher)

    async def calls() -> None:
        await pool.start()
        (worker,) = pool.pids
        slow = asyncio.create_task(ask(pool, "import time; time.sleep(60)"))
        await until(lambda: pool.statistics().in_flight == 1)
        assert launcher.pid is not None
        os.kill(launcher.pid, signal.SIGKILL)
        answer = await slow
        assert answer.status == 502
        assert b"the fork server ended." in answer.body
        assert (await ask(pool, "result = 1")).body == b"1"
        assert not exists(worker)
        # Without workers it ends, and starts with the next.
        second = launcher.pid
        await pool.close()
        assert second is not None
        await until(lambda: launcher.pid is None and not exists(second))
        assert (await ask(serving.pool(launcher=launcher), "result = 2")).body == b"2"
        await launcher.close()
        # A pool that is still open does not start it again.
        assert (await ask(serving.pool(launcher=launcher), "result = 3")).status == 503
        assert launcher.pid is None

    serving.run(calls())


GATEWAY = f"""
import asyncio, sys
from pathlib import Path
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import WorkerPool
from jupyter_etl.serving.workers.protocol import WorkerSpec

async def main():
    launcher = Launcher(Path(sys.argv[1]), preload=())
    spec = WorkerSpec(name="score", loader="fakes.endpoints:load")
    pool = WorkerPool(spec, launcher, log=Path(sys.argv[1], "log"))
    left = (await pool.call({DETACHED.encode()!r}, "")).body.decode()
    print(launcher.pid, pool.pids[0], left, flush=True)
    await pool.call(b"while True: pass", "")

asyncio.run(main())
"""


def test_workers_end_with_the_gateway(runner: asyncio.Runner, tmp_path: Path, launcher: Launcher):
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with subprocess.Popen(
        [sys.executable, "-c", GATEWAY, str(tmp_path)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": path},
    ) as gateway:
        assert gateway.stdout is not None
        pids = [int(word) for word in gateway.stdout.readline().split()]
        assert len(pids) == 3
        gateway.kill()
        runner.run(until(lambda: not any(map(exists, pids))))
