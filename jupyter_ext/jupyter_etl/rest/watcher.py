"""Converts changes of runs in the ledger to events for the panel."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from msgspec import to_builtins

from jupyter_etl.model import TERMINAL, Run, RunState
from jupyter_etl.rest.service import EtlService

if TYPE_CHECKING:
    from datetime import datetime

    from jupyter_etl.services import Etl

RUN_EVENT = "https://schema.jupyter.org/jupyter_etl/run/v1"

_ACTIVE = (RunState.QUEUED, RunState.DISPATCHED, RunState.RUNNING)
_PAGE = 100
_MOST = 1_000
_LONGEST_PAUSE_S = 60.0
_APART_S = 0.25
"""Minimum seconds between two polls, however often the ledger sends wake-ups."""

Emit = Callable[[dict[str, Any]], None]


class RunWatcher:
    """Polls the ledger in a thread, and emits changes on the event loop.

    It polls at each wake-up of the ledger, which is sent when a run is requested, planned or has
    ended, and at intervals. It does not open the facade: before its first use there are no
    recipients.

    Args:
        log: Receives one message each time the ledger becomes unavailable.
        active_s: Seconds between polls while a run is active, without wake-ups.
        idle_s: Seconds between polls otherwise.
    """

    def __init__(
        self,
        service: EtlService,
        emit: Emit,
        log: logging.Logger | logging.LoggerAdapter[Any],
        *,
        active_s: float = 0.5,
        idle_s: float = 2.0,
    ) -> None:
        self._service = service
        self._emit = emit
        self._log = log
        self._active_s = active_s
        self._idle_s = idle_s
        self._active: dict[int, Run] = {}
        self._newest: int | None = None
        self._rung = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start polling on the running event loop."""
        self._task = asyncio.get_running_loop().create_task(self._watch())

    async def stop(self) -> None:
        """Stop polling; returns when no more events will be emitted."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def poll(self) -> int:
        """Poll once and emit the changes since the last poll; the first poll emits nothing.

        Returns:
            The number of events.

        Raises:
            StoreError: The ledger cannot be reached.
        """
        active, newest = dict(self._active), self._newest
        now, found = await self._service.call(lambda etl: _collect(etl, active, newest))
        changed = [] if newest is None else changes(active, found)
        self._active = {run.id: run for run in found if run.state not in TERMINAL}
        self._newest = max([newest or 0, *(run.id for run in found)])
        for run in changed:
            self._emit(event_of(run, now))
        return len(changed)

    async def _watch(self) -> None:
        with ExitStack() as wakeups:
            await self._poll_until_stopped(wakeups)

    async def _poll_until_stopped(self, wakeups: ExitStack) -> None:
        failures, has_wakeups = 0, False
        while True:
            try:
                if self._service.is_open:
                    if not has_wakeups:
                        await self._service.call(partial(self._add_pipe, wakeups, self._wake()))
                        has_wakeups = True
                    await self.poll()
                failures = 0
            except Exception:  # noqa: BLE001 - the watcher continues, whatever the ledger raises
                failures += 1
                level = logging.WARNING if failures == 1 else logging.DEBUG
                self._log.log(level, "No events of runs for now.", exc_info=True)
            pause = self._active_s if self._active else self._idle_s
            if failures:
                pause = min(_LONGEST_PAUSE_S, self._idle_s * 2 ** min(failures, 10))
            await asyncio.sleep(min(pause, _APART_S))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._rung.wait(), max(0.0, pause - _APART_S))
            self._rung.clear()

    @staticmethod
    def _add_pipe(wakeups: ExitStack, wake: Callable[[], None], etl: Etl) -> None:
        # Do not wait for its thread at the end: a server must stop at once.
        wakeups.enter_context(etl.woken(wake, patience_s=0.0))

    def _wake(self) -> Callable[[], None]:
        loop = asyncio.get_running_loop()

        def wake() -> None:
            # The loop is closed when the server has ended.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(self._rung.set)

        return wake


def changes(before: Mapping[int, Run], found: Sequence[Run]) -> list[Run]:
    """Return the runs whose state or progress changed, by id.

    Args:
        before: The runs that were active.
        found: The current state of these runs, and all new runs.
    """
    return [run for run in found if run.id not in before or _mark(run) != _mark(before[run.id])]


def event_of(run: Run, now: datetime) -> dict[str, Any]:
    """Make the data of an event."""
    data: dict[str, Any] = to_builtins(
        {
            "run": run.id,
            "pipeline": run.new.pipeline,
            "state": run.state,
            "outcome": run.outcome,
            "cell": run.cell,
            "cells": run.cells,
            "at": now,
        }
    )
    return data


def _mark(run: Run) -> tuple[object, ...]:
    return run.state, run.outcome, run.cell, run.cells, run.attempts


def _collect(etl: Etl, before: Mapping[int, Run], newest: int | None) -> tuple[datetime, list[Run]]:
    """Return the time, and by id all runs that are active, were active before, or are new."""
    found = {run.id: run for run in etl.runs.list(states=_ACTIVE, limit=_MOST)}
    offset = 0
    while True:
        page = etl.runs.list(limit=_PAGE if newest is not None else 1, offset=offset)
        fresh = [run for run in page if newest is None or run.id > newest]
        found.update((run.id, run) for run in fresh)
        offset += _PAGE
        if newest is None or len(fresh) < _PAGE or offset >= _MOST:
            break
    for run_id in before.keys() - found.keys():
        found[run_id] = etl.runs.get(run_id)
    return etl.clock.now(), [found[run_id] for run_id in sorted(found)]
