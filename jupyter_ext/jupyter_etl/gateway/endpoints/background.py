"""Work of a gateway that no request waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

from jupyter_etl.errors import EtlError

_LOG = logging.getLogger(__name__)


class Background:
    """Runs tasks, and logs their failures: the same one not every time."""

    def __init__(self) -> None:
        self.failed: set[str] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self._ended = asyncio.Event()

    def start(self, work: Coroutine[Any, Any, object]) -> None:
        """Start a task that ends by itself."""
        task = asyncio.create_task(self._logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def repeat(self, seconds: float, failed: str, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step regularly, until `end`."""
        self._loops.append(asyncio.create_task(self._repeat(seconds, failed, step)))

    async def attempt(self, failed: str, step: Callable[[], Awaitable[None]]) -> None:
        """Take a step; log a failure.

        Args:
            failed: What is not done then, in the log: ``Calls cannot be counted``.
        """
        try:
            await step()
        except Exception as problem:  # noqa: BLE001 - the task must continue, and it is logged
            if failed not in self.failed:
                unforeseen = not isinstance(problem, EtlError)
                _LOG.warning("%s: %s", failed, problem, exc_info=unforeseen)
            self.failed.add(failed)
        else:
            self.failed.discard(failed)

    async def end(self) -> None:
        """Let regular steps finish, and cancel all other tasks."""
        self._ended.set()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._loops, *self._tasks, return_exceptions=True)

    async def _repeat(
        self, seconds: float, failed: str, step: Callable[[], Awaitable[None]]
    ) -> None:
        while True:
            try:
                await asyncio.wait_for(self._ended.wait(), seconds)
            except TimeoutError:
                await self.attempt(failed, step)
            else:
                return

    async def _logged(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except EtlError as problem:
            _LOG.warning("%s", problem)
        except Exception:  # noqa: BLE001 - it is logged, and nobody waits for it
            _LOG.exception("A task of the gateway failed")
