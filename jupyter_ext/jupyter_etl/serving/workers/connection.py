"""The gateway's end of one worker: its calls in progress, their time limits, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import cast

import msgspec

from jupyter_etl.serving.workers.launching import Launcher, WorkerProcess
from jupyter_etl.serving.workers.protocol import (
    HEADER_BYTES,
    MAX_FRAME_BYTES,
    Answer,
    Answered,
    Call,
    Cancel,
    Failed,
    FromWorker,
    Ready,
    WorkerSpec,
    error_answer,
    frame,
    load_message,
)

MAX_IN_FLIGHT = 64
"""Calls of a coroutine function that one worker has in progress."""

START_S = 60.0
"""Seconds in which a worker must load its object."""

_GRACE_S = 1.0
"""Seconds in which a cancelled coroutine, or a worker that is stopped, must end."""

_LAST_S = 0.02
"""Seconds in which the last answers of a worker are read after its end."""

_CLOSED_S = 0.2
"""Seconds after which a process without a connection is killed; its end may be in progress."""

_decoder = msgspec.msgpack.Decoder(FromWorker)


class PendingCall:
    """A call until it is answered.

    Args:
        number: Unique in its pool.
        timeout_s: Longest duration in the worker.
    """

    def __init__(
        self, number: int, body: bytes, content_type: str, *, batch: bool, timeout_s: float
    ) -> None:
        self.number = number
        self.body = body
        self.content_type = content_type
        self.batch = batch
        self.timeout_s = timeout_s
        self.answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.timer: asyncio.TimerHandle | None = None
        self.worker: Worker | None = None

    def finish(self, answer: Answer) -> None:
        """Answer it, unless it is answered or its client is gone."""
        if not self.answer.done():
            self.answer.set_result(answer)

    def stop_timer(self) -> None:
        """End the time limit."""
        if self.timer is not None:
            self.timer.cancel()
            self.timer = None


class Worker(asyncio.Protocol):
    """One worker, from its start to its end.

    Args:
        on_change: Called with the worker when it is ready, has answered a call, or has ended.
    """

    def __init__(self, spec: WorkerSpec, on_change: Callable[[Worker], None]) -> None:
        self._spec = spec
        self._on_change = on_change
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._process: WorkerProcess | None = None
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.calls: dict[int, PendingCall] = {}
        self.is_ready = False
        self.is_coroutine = False
        self.is_stopping = False
        """Whether it gets no more calls."""

        self.is_deliberate = False
        """Whether its end was requested by the gateway."""

        self.was_stopped = False
        """Whether it was not needed any more."""

        self.has_answered = False
        self.ready_at = 0.0
        self.why: str | None = None
        """The reason of its end; None while it is running."""

        self.failure: Failed | None = None
        """The reason why it could not load its object, if it gave one."""

    async def start(self, launcher: Launcher, log: Path) -> None:
        """Start the process; `on_change` is called when it is ready or has ended.

        Raises:
            ExecutionError: There is no fork server.
        """
        if self.is_stopping:
            self.why = "it was stopped"
            self._on_change(self)
            return
        self._process = launcher.start(self._spec, log)
        self._process.on_end = self._process_ended
        await self._loop.create_connection(lambda: self, sock=self._process.socket)
        if self.why is not None:
            # It has ended meanwhile.
            self._close()
            return
        self._timer = self._loop.call_later(START_S, self._start_timed_out)
        self._write(frame(load_message(self._spec)))

    @property
    def pid(self) -> int | None:
        """Process id; None before it is started."""
        return None if self._process is None else self._process.pid

    @property
    def lost_server(self) -> int | None:
        """Process id of the fork server whose end has ended it; None if it did not."""
        return None if self._process is None else self._process.lost_server

    @property
    def is_free(self) -> bool:
        """Whether it can take a call."""
        most = MAX_IN_FLIGHT if self.is_coroutine else 1
        return self.is_ready and not self.is_stopping and len(self.calls) < most

    def send(self, call: PendingCall) -> None:
        """Send a call, and limit its duration."""
        self.calls[call.number] = call
        call.worker = self
        call.timer = self._loop.call_later(call.timeout_s, self._timed_out, call)
        message = Call(
            number=call.number, body=call.body, content_type=call.content_type, batch=call.batch
        )
        call.body = b""
        self._write(frame(message))

    def cancel(self, call: PendingCall) -> None:
        """Cancel the call of a coroutine; any other continues, and its answer is dropped."""
        if self.is_coroutine and call.number in self.calls:
            self._write(frame(Cancel(number=call.number)))

    def stop(self) -> None:
        """Let it exit; kill it if it does not."""
        self.is_stopping = self.is_deliberate = self.was_stopped = True
        if self._transport is not None and self.is_ready and not self.calls:
            self._transport.close()
            self._set_timer(_GRACE_S, self.kill, "it was stopped")
        else:
            self.kill("it was stopped")

    def kill(self, why: str) -> None:
        """Kill it on purpose; ``why`` is the reason for calls in progress."""
        self.is_stopping = self.is_deliberate = True
        self._kill(why)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the connection."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Take complete messages."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= HEADER_BYTES:
            end = HEADER_BYTES + int.from_bytes(buffer[:HEADER_BYTES], "big")
            if end > MAX_FRAME_BYTES:
                self._refuse()
                return
            if len(buffer) < end:
                return
            content = bytes(memoryview(buffer)[HEADER_BYTES:end])
            del buffer[:end]
            try:
                message = _decoder.decode(content)
            except msgspec.MsgspecError:
                self._refuse()
                return
            self._take(message)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for the reason of the end, or kill a process that has only closed its socket."""
        self._transport = None
        if self._process is not None and self._process.ended is not None:
            self._end()
        elif not self.is_stopping:
            self._set_timer(_CLOSED_S, self._kill, "it closed its connection")
        self.is_stopping = True

    def _take(self, message: FromWorker) -> None:
        if isinstance(message, Answered):
            call = self.calls.pop(message.number, None)
            if call is None:
                return
            call.stop_timer()
            call.finish(message.answer)
            self.has_answered = True
        elif isinstance(message, Failed):
            self.failure = message
            return
        elif isinstance(message, Ready) and not self.is_ready:
            self._set_timer()
            self.is_ready, self.is_coroutine = True, message.is_coroutine
            self.ready_at = self._loop.time()
        self._on_change(self)

    def _refuse(self) -> None:
        # What follows cannot be read either. The connection is closed when the process has ended.
        if self._transport is not None:
            self._transport.pause_reading()
        self._kill("it sent an invalid message")

    def _kill(self, why: str) -> None:
        if self._process is not None:
            self._process.kill(why)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _write(self, content: bytes) -> None:
        if self._transport is not None:
            self._transport.write(content)

    def _set_timer(
        self, after_s: float = 0.0, callback: Callable[[str], None] | None = None, why: str = ""
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None if callback is None else self._loop.call_later(after_s, callback, why)

    def _start_timed_out(self) -> None:
        self.failure = Failed(message=f"It was not ready after {START_S:g} s.")
        self._kill("it was not ready in time")

    def _timed_out(self, call: PendingCall) -> None:
        limit = f"{call.timeout_s:g} s"
        call.finish(
            error_answer(
                504,
                "CallTimeout",
                f"{self._spec.name} did not answer within {limit}.",
                "Send less in one call, or ask its owner for a longer --timeout.",
            )
        )
        why = f"another call exceeded its time limit of {limit}"
        if self.is_coroutine:
            self.cancel(call)
            call.timer = self._loop.call_later(_GRACE_S, self.kill, why)
        else:
            self.kill(why)

    def _process_ended(self) -> None:
        self.is_stopping = True
        if self._transport is None:
            self._end()
        else:
            # Answers that it sent before its end are still in the socket.
            self._loop.call_later(_LAST_S, self._end)

    def _end(self) -> None:
        ended = None if self._process is None else self._process.ended
        if self.why is not None or ended is None:
            return
        self.why = ended.why
        self._set_timer()
        self._close()
        if not self.is_ready:
            last = ended.output.strip().rpartition("\n")[2]
            self.why = f"{self.why} ({last})" if last else self.why
        for call in self.calls.values():
            call.stop_timer()
            call.finish(
                error_answer(
                    502,
                    "WorkerDied",
                    f"The process of {self._spec.name} ended during the call: {self.why}.",
                    "Try again.",
                    retry_after=1,
                )
            )
        self.calls.clear()
        self._on_change(self)
