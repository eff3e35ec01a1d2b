"""The workers of one version, in the event loop of the gateway: which one answers a call."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path

from jupyter_etl.errors import EtlError, ExecutionError
from jupyter_etl.language.sizes import format_size
from jupyter_etl.serving.workers.connection import PendingCall, Worker
from jupyter_etl.serving.workers.launching import Launcher
from jupyter_etl.serving.workers.protocol import MAX_BODY_BYTES, Answer, WorkerSpec, error_answer
from jupyter_etl.serving.workers.restarts import Restarts

_LIVED_S = 10.0
"""Seconds after which a worker that was ready counts as sound, even without a call."""

_CLOSE_S = 5.0
_SERVER_ERROR = 500


class PoolState(StrEnum):
    """What the workers of a version do.

    ``idle``: there are none, the next call starts them. ``down``: none can start; see the reason.
    """

    IDLE = "idle"
    STARTING = "starting"
    READY = "ready"
    DOWN = "down"
    DRAINING = "draining"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class PoolStatistics:
    """Counts since the pool was created, and the present state.

    Args:
        calls: Calls that were accepted or rejected.
        errors: Answers with a status of 500 or more, without `rejected`.
        rejected: Calls that reached no worker.
        abandoned: Calls whose client has disconnected.
        restarts: Workers that were replaced after their end.
        in_flight: Calls in workers.
        waiting: Calls in the queue.
        workers: Workers that are ready.
    """

    calls: int
    errors: int
    rejected: int
    abandoned: int
    restarts: int
    in_flight: int
    waiting: int
    workers: int


class WorkerPool:
    """Answers calls with the workers of one version, which start with the first call.

    All methods are called in one event loop.

    Args:
        spec: How the workers are started, and their limits.
        launcher: Starts them.
        log: File for the output of all its workers; at most 20 MB.
        queue: Number of calls that may wait for a worker.
        queue_bytes: Size of their bodies.
        queue_s: Seconds that a call may wait.
        idle_s: Seconds without a call after which the workers stop, unless they are kept warm.
    """

    def __init__(
        self,
        spec: WorkerSpec,
        launcher: Launcher,
        *,
        log: Path,
        queue: int = 100,
        queue_bytes: int = 256 << 20,
        queue_s: float = 30.0,
        idle_s: float = 600.0,
    ) -> None:
        self.spec = spec
        self._launcher = launcher
        self._log = log
        self._max_queue = queue
        self._max_queue_bytes = queue_bytes
        self._queue_s = queue_s
        self._idle_s = idle_s
        self._numbers = count(1)
        self._workers: list[Worker] = []
        self._queue: deque[PendingCall] = deque()
        self._queued_bytes = 0
        self._changes = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_active = self._is_draining = self._is_closed = False
        self._attempts = Restarts()
        self._used_at = 0.0
        self._restart_timer: asyncio.TimerHandle | None = None
        self._idle_timer: asyncio.TimerHandle | None = None
        self._calls = self._errors = self._rejected = self._abandoned = self._restarts = 0

    @property
    def state(self) -> PoolState:
        """What the workers do."""
        if self._is_closed:
            return PoolState.CLOSED
        if self._is_draining:
            return PoolState.DRAINING
        if self._has_ready():
            return PoolState.READY
        if self._attempts.reason is not None:
            return PoolState.DOWN
        return PoolState.STARTING if self._is_active else PoolState.IDLE

    @property
    def reason(self) -> EtlError | None:
        """Why the latest worker could not start; None if it could."""
        return self._attempts.reason

    @property
    def pids(self) -> list[int]:
        """Process ids of the workers that are ready."""
        return [one.pid for one in self._workers if one.is_ready and one.pid is not None]

    def statistics(self) -> PoolStatistics:
        """Return the counts and the present state."""
        return PoolStatistics(
            calls=self._calls,
            errors=self._errors,
            rejected=self._rejected,
            abandoned=self._abandoned,
            restarts=self._restarts,
            in_flight=sum(len(one.calls) for one in self._workers),
            waiting=len(self._queue),
            workers=sum(one.is_ready and not one.is_stopping for one in self._workers),
        )

    async def start(self) -> None:
        """Start the workers, and wait until one is ready.

        Raises:
            ExecutionError: It cannot start; the message says why.
        """
        self._activate()
        final = (PoolState.READY, PoolState.DOWN, PoolState.CLOSED, PoolState.DRAINING)
        await self._until(lambda: self.state in final)
        if self.state is not PoolState.READY:
            why, hint = self._why()
            raise ExecutionError(f"{self.spec.name} cannot start: {why}", hint=hint)

    async def call(
        self, body: bytes, content_type: str, *, batch: bool = False, timeout_s: float | None = None
    ) -> Answer:
        """Answer a call; a failure of any kind is an answer too.

        If this is cancelled, a coroutine function is cancelled as well. Any other finishes, and its
        answer is dropped.

        Args:
            body: At most `MAX_BODY_BYTES`.
            content_type: Media type of the body.
            batch: Whether the body contains many requests.
            timeout_s: Longest duration in the worker; None for that of the version.
        """
        self._calls += 1
        refusal = self._refusal(body)
        if refusal is not None:
            self._rejected += 1
            return refusal
        self._used_at = asyncio.get_running_loop().time()
        call = PendingCall(
            next(self._numbers),
            body,
            content_type,
            batch=batch,
            timeout_s=self.spec.timeout_s if timeout_s is None else timeout_s,
        )
        self._enqueue(call)
        self._activate()
        self._dispatch()
        try:
            answer = await call.answer
        except asyncio.CancelledError:
            self._abandon(call)
            raise
        if call.worker is None:
            self._rejected += 1
        elif answer.status >= _SERVER_ERROR:
            self._errors += 1
        return answer

    async def drain(self, deadline_s: float) -> None:
        """Take no new calls, finish those that were taken, and close.

        Args:
            deadline_s: Seconds after which it is closed with calls in progress.
        """
        self._is_draining = True
        with suppress(TimeoutError):
            async with asyncio.timeout(deadline_s):
                await self._until(self._is_quiet)
        await self.close()

    async def close(self) -> None:
        """Kill the workers; return when they have ended. Calls in progress fail."""
        self._is_closed, self._is_active = True, False
        for timer in (self._restart_timer, self._idle_timer):
            if timer is not None:
                timer.cancel()
        self._fail_queue()
        for one in self._workers:
            one.stop()
        with suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._until(lambda: not self._workers)
        self._changes.set()

    # Calls

    def _refusal(self, body: bytes) -> Answer | None:
        """Return why a call cannot be taken; None if it can."""
        if len(body) > MAX_BODY_BYTES:
            limit = format_size(MAX_BODY_BYTES)
            return error_answer(413, "BodyTooLarge", f"A body has at most {limit}.")
        if self._is_closed or self._is_draining or self.state is PoolState.DOWN:
            return self._unavailable()
        size = self._queued_bytes + len(body)
        if len(self._queue) >= self._max_queue or (self._queue and size > self._max_queue_bytes):
            waiting = len(self._queue)
            return _overloaded(f"{self.spec.name} has {waiting} calls waiting; no more are taken.")
        return None

    def _unavailable(self) -> Answer:
        why, hint = self._why()
        wait_s = self._attempts.not_before - asyncio.get_running_loop().time()
        return error_answer(
            503,
            "EndpointDown",
            f"{self.spec.name} cannot answer: {why}",
            hint,
            retry_after=max(1, math.ceil(wait_s)),
        )

    def _why(self) -> tuple[str, str]:
        if self._is_closed or self._is_draining:
            return "its processes are being stopped.", "Try again."
        assert self._attempts.reason is not None  # noqa: S101 - the state is `down`
        return self._attempts.reason.message, self._attempts.reason.hint

    def _enqueue(self, call: PendingCall) -> None:
        self._queue.append(call)
        self._queued_bytes += len(call.body)
        loop = asyncio.get_running_loop()
        call.timer = loop.call_later(self._queue_s, self._waited_too_long, call)

    def _take(self, call: PendingCall) -> None:
        """Take a call from the queue."""
        self._queue.remove(call)
        self._queued_bytes -= len(call.body)
        call.stop_timer()

    def _dispatch(self) -> None:
        """Send waiting calls to the least busy workers."""
        while self._queue:
            free = [one for one in self._workers if one.is_free]
            if not free:
                return
            call = self._queue[0]
            self._take(call)
            min(free, key=lambda one: len(one.calls)).send(call)

    def _waited_too_long(self, call: PendingCall) -> None:
        self._take(call)
        limit = f"{self._queue_s:g} s"
        call.finish(_overloaded(f"No process of {self.spec.name} was free within {limit}."))

    def _abandon(self, call: PendingCall) -> None:
        self._abandoned += 1
        if call in self._queue:
            self._take(call)
        elif call.worker is not None:
            call.worker.cancel(call)

    def _fail_queue(self) -> None:
        while self._queue:
            call = self._queue[0]
            self._take(call)
            call.finish(self._unavailable())

    # Workers

    def _activate(self) -> None:
        if self._is_active or self._is_closed:
            return
        self._is_active = True
        loop = asyncio.get_running_loop()
        self._used_at = loop.time()
        self._idle_timer = loop.call_later(self._idle_s, self._check_idle)
        self._replace()

    def _replace(self) -> None:
        """Start the workers that are missing, now or when the backoff is over."""
        if self._restart_timer is not None:
            self._restart_timer.cancel()
            self._restart_timer = None
        missing = self.spec.workers - len(self._workers)
        if not self._is_active or (self._is_draining and not self._queue) or missing <= 0:
            return
        loop = asyncio.get_running_loop()
        if loop.time() < self._attempts.not_before:
            self._restart_timer = loop.call_at(self._attempts.not_before, self._replace)
            return
        for _ in range(1 if self._attempts.reason is not None else missing):
            one = Worker(self.spec, self._changed)
            self._workers.append(one)
            task = asyncio.create_task(self._start(one))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _start(self, one: Worker) -> None:
        try:
            await one.start(self._launcher, self._log)
        except EtlError as problem:
            self._workers.remove(one)
            self._down(problem)
            self._replace()
            self._changes.set()

    def _changed(self, one: Worker) -> None:
        """Act on a worker that is ready, has answered, or has ended."""
        if one.why is not None:
            self._workers.remove(one)
            self._count_end(one, one.why)
            self._replace()
        elif self._attempts.reason is not None and one.is_ready:
            self._attempts.is_ready()
            self._replace()
        self._dispatch()
        self._changes.set()

    def _count_end(self, one: Worker, why: str) -> None:
        now = asyncio.get_running_loop().time()
        self._restarts += one.is_ready and not one.was_stopped
        if one.failure is not None:
            self._down(ExecutionError(one.failure.message, hint=one.failure.hint))
        elif one.lost_server is not None:
            self._attempts.server_ended(one.lost_server, now, was_ready=one.is_ready)
        elif not one.is_deliberate:
            is_sound = one.has_answered or (one.is_ready and now - one.ready_at > _LIVED_S)
            self._attempts.crashed(why, now, was_ready=one.is_ready, was_sound=is_sound)
        self._fail_if_down()

    def _down(self, reason: EtlError) -> None:
        self._attempts.cannot_start(reason, asyncio.get_running_loop().time())
        self._fail_if_down()

    def _fail_if_down(self) -> None:
        if self._attempts.reason is not None and not self._has_ready():
            self._fail_queue()

    def _check_idle(self) -> None:
        loop = asyncio.get_running_loop()
        left_s = self._used_at + self._idle_s - loop.time()
        is_needed = self.spec.keep_warm or not self._is_quiet() or self._attempts.reason is not None
        if is_needed or left_s > 0:
            self._idle_timer = loop.call_later(max(left_s, self._idle_s / 10), self._check_idle)
            return
        self._is_active = False
        self._replace()
        for one in self._workers:
            one.stop()

    def _has_ready(self) -> bool:
        return any(one.is_ready and not one.is_stopping for one in self._workers)

    def _is_quiet(self) -> bool:
        return not self._queue and not any(one.calls for one in self._workers)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changes.clear()
            await self._changes.wait()


def _overloaded(message: str) -> Answer:
    hint = "Try again later, or ask its owner for more --workers."
    return error_answer(503, "Overloaded", message, hint, retry_after=1)
