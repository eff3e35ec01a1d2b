"""Pools of real workers for tests, and what tests wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.pool import WorkerPool
from jupyter_etl.serving.workers.protocol import Answer, WorkerSpec

ASYNC = "fakes.endpoints:load_async"


class Serving:
    """Pools of workers, closed at the end of a test."""

    def __init__(self, launcher: Launcher, runner: asyncio.Runner, folder: Path) -> None:
        self.launcher = launcher
        self.log = folder / "workers.log"
        self.run: Callable[[Coroutine[Any, Any, Any]], Any] = runner.run
        self._pools: list[WorkerPool] = []

    def pool(self, *, launcher: Launcher | None = None, **given: Any) -> WorkerPool:
        """Return a pool; the arguments are those of the pool and of `WorkerSpec`."""
        names = ("queue", "queue_bytes", "queue_s", "idle_s")
        own = {name: given.pop(name) for name in names if name in given}
        values = {"name": "score version 2", "loader": "fakes.endpoints:load", **given}
        pool = WorkerPool(WorkerSpec(**values), launcher or self.launcher, log=self.log, **own)
        self._pools.append(pool)
        return pool

    async def close(self) -> None:
        for pool in self._pools:
            await pool.close()


async def ask(pool: WorkerPool, code: str, **given: Any) -> Answer:
    return await pool.call(code.encode(), "text/x-python", **given)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what happens soon; a test that waits forever is ended by pytest."""
    while not condition():
        await asyncio.sleep(0.01)


def exists(pid: int) -> bool:
    """Return whether a process exists, and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
