"""Gateways and workers that are killed while versions of an endpoint change and are called.

Each version answers with its number, so every answer shows which one it came from.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

from bench.processes import wait_for
from chaos.battle import FOLLOW_S, Battle, Call, Change, Kill, judge
from chaos.world import wait_until
from fakes.gateways import open_ledger, publish_function
from fakes.http_load import connected, encode
from jupyter_etl.model import TrafficMode
from jupyter_etl.services.etl import Etl

NAME = "score"
SOURCE = """
import time

def score(user: str) -> int:
    time.sleep(0.002)
    return VERSION
"""
EXIT_S = 10.0
_PATIENCE_S = 60.0
_CLIENTS = 2
_PAUSE_S = 0.005


class _Gateway:
    """One gateway as a process, which can be killed and started again.

    Attributes:
        seen: All its processes so far, by id and time of creation.
    """

    def __init__(self, number: int, home: Path, port: int) -> None:
        self.number = number
        self.port = port
        self.log = home / f"gateway{number}.log"
        self._home = home
        self.seen: dict[tuple[int, float], psutil.Process] = {}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        words = [sys.executable, "-m", "jupyter_etl.gateway", "--port", str(self.port)]
        env = {**os.environ, "JUPYTER_ETL_HOME": str(self._home), "JUPYTER_ETL_OWNER": "sam"}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                words, env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

    def processes(self) -> tuple[list[psutil.Process], list[psutil.Process]]:
        """Return its running fork servers and its workers, and note them."""
        servers: list[psutil.Process] = []
        workers: list[psutil.Process] = []
        with suppress(psutil.Error):
            main = psutil.Process(self.pid)
            servers = main.children()
            workers = [child for one in servers for child in one.children(recursive=True)]
            for one in (main, *servers, *workers):
                self.seen[one.pid, one.create_time()] = one
        return servers, workers

    @property
    def pid(self) -> int:
        """Process id of the gateway itself."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill the gateway itself."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Stop it as its operator does, and return the exit code."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(timeout=EXIT_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return -signal.SIGKILL


def battle(
    home: Path, ports: list[int], *, kills: int, seed: int, pauses_s: tuple[float, float]
) -> Battle:
    """Call an endpoint of several gateways, change its versions, and kill processes at random.

    Args:
        home: An empty folder with a short path.
        ports: One for each gateway.
        kills: Number of processes to kill.
        seed: Seed of all random choices.
        pauses_s: Seconds between two kills.
    """
    draw, found = random.Random(seed), Battle()
    etl = open_ledger(home)
    gateways = [_Gateway(number, home, port) for number, port in enumerate(ports)]
    try:
        found.changes.append(_publish_first(etl))
        for one in gateways:
            one.start()
        with _called(found, gateways, home):
            _wait_for_answers(found, [(one.number, time.monotonic()) for one in gateways])
            with _changed(found, etl, random.Random(seed + 1)):
                for _ in range(kills):
                    time.sleep(draw.uniform(*pauses_s))
                    for one in gateways:
                        one.processes()
                    _kill_one(found, draw.choice(gateways), draw)
            _wait_for_answers(found, [(one.number, time.monotonic()) for one in gateways])
    finally:
        _end(found, gateways)
        etl.close()
    judge(found)
    return found


def _publish_first(etl: Etl) -> Change:
    begun = time.monotonic()
    _publish(etl, 1)
    return Change(begun=begun, done=time.monotonic(), versions=frozenset({1}))


def _publish(etl: Etl, number: int) -> None:
    publish_function(etl, NAME, f"VERSION = {number}\n{SOURCE}", workers=2)


# -- what happens at the same time


@contextmanager
def _called(found: Battle, gateways: list[_Gateway], home: Path) -> Iterator[None]:
    """Call all gateways until the block ends."""
    ended = threading.Event()
    token = home / "serve.token"
    assert wait_until(token.exists, patience_s=_PATIENCE_S, step_s=0.05)
    bearer = {"Authorization": f"Bearer {token.read_text().strip()}"}

    async def client(one: _Gateway, number: int) -> None:
        draw = random.Random(number)
        async with connected(one.port) as connection:
            while not ended.is_set():
                known = time.monotonic() - FOLLOW_S
                versions = max(
                    (max(one.versions) for one in found.changes if one.done < known), default=1
                )
                asked = draw.randint(1, versions) if draw.random() < 0.2 else None
                path = f"/functions/{NAME}" + (f"/versions/{asked}" if asked else "")
                reply = await connection.send(encode("POST", path, {"user": "u"}, **bearer))
                found.calls.append(Call(gateway=one.number, asked=asked, reply=reply))
                await asyncio.sleep(_PAUSE_S if reply.status == 200 else 10 * _PAUSE_S)

    async def clients() -> None:
        await asyncio.gather(*(client(one, n) for one in gateways for n in range(_CLIENTS)))

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(asyncio.run, clients())
        try:
            yield
        finally:
            ended.set()
            done.result()


@contextmanager
def _changed(found: Battle, etl: Etl, draw: random.Random) -> Iterator[None]:
    """Publish versions and change the traffic until the block ends."""
    ended = threading.Event()

    def change() -> None:
        newest = 1
        while not ended.wait(draw.uniform(0.2, 1.0)):
            begun = time.monotonic()
            action = draw.choice(("publish", "promote", "canary", "rollback"))
            live = etl.endpoints.traffic(NAME).live
            others = [number for number in range(1, newest + 1) if number != live]
            if action == "publish" or not others:
                newest += 1
                _publish(etl, newest)
            elif action == "promote":
                etl.endpoints.promote(NAME, draw.choice(others))
            elif action == "canary":
                etl.endpoints.promote(NAME, draw.choice(others), canary=draw.choice((0.1, 0.5)))
            else:
                etl.endpoints.rollback(NAME, draw.choice(others))
            traffic = etl.endpoints.traffic(NAME)
            canary = (
                {one.version for one in traffic.arms}
                if traffic.mode is TrafficMode.CANARY
                else set()
            )
            versions = frozenset({traffic.live, *canary})
            found.changes.append(Change(begun=begun, done=time.monotonic(), versions=versions))

    with ThreadPoolExecutor(1) as pool:
        done = pool.submit(change)
        try:
            yield
        finally:
            ended.set()
            done.result()


def _kill_one(found: Battle, gateway: _Gateway, draw: random.Random) -> None:
    """Kill a process of a gateway, mostly a worker."""
    role = draw.choices(("worker", "gateway", "fork server"), (6, 2, 1))[0]

    def running() -> tuple[list[psutil.Process], list[psutil.Process]] | None:
        servers, workers = gateway.processes()
        return (servers, workers) if servers and workers else None

    servers, workers = wait_for("no worker", running, seconds=_PATIENCE_S, log=gateway.log)
    at = time.monotonic()
    if role == "gateway":
        gateway.kill()
        gateway.start()
    else:
        with suppress(psutil.NoSuchProcess):
            draw.choice(workers if role == "worker" else servers).kill()
    found.kills.append(Kill(gateway=gateway.number, role=role, at=at, done=time.monotonic()))


def _wait_for_answers(found: Battle, since: list[tuple[int, float]]) -> None:
    def answered() -> bool:
        return all(
            any(
                one.gateway == gateway and one.reply.status == 200 and one.reply.sent > at
                for one in found.calls[-200:]
            )
            for gateway, at in since
        )

    if not wait_until(answered, patience_s=_PATIENCE_S, step_s=0.05):
        raise AssertionError(f"no answers: {[one.reply for one in found.calls[-3:]]}")


def _end(found: Battle, gateways: list[_Gateway]) -> None:
    """Stop all gateways; none of the processes that they ever had may be left."""
    for one in gateways:
        one.processes()
        code = one.stop()
        if code != 0:
            found.left.append(f"gateway {one.number} ended with {code}")
    every = [process for one in gateways for process in one.seen.values()]
    _, alive = psutil.wait_procs(every, timeout=EXIT_S)
    found.left += [f"process {one.pid} is left: {one}" for one in alive]
    for process in alive:
        with suppress(psutil.NoSuchProcess):
            process.kill()
