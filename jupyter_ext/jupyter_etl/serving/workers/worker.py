"""The process that answers calls: it loads an object once, and runs it until the gateway closes.

It is a fork of the fork server, or started by it with the interpreter of another environment:
``python -m jupyter_etl.serving.workers.worker DESCRIPTOR``.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import resource
import socket
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn, TextIO

import msgspec

from jupyter_etl.errors import EtlError, first_line
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.serving.workers.protocol import (
    HEADER_BYTES,
    MAX_BODY_BYTES,
    Answer,
    Answered,
    Call,
    Cancel,
    Failed,
    Load,
    Loaded,
    Ready,
    ToWorker,
    error_answer,
    frame,
    receive_frame,
)
from jupyter_etl.system.fork import prefer_for_oom_kill, reseed
from jupyter_etl.system.processes import adopt_orphans

_HEADROOM_BYTES = 4 << 30
"""Memory that libraries reserve without using it, see `_limit_memory`."""

_CANCELLED = error_answer(499, "Cancelled", "The call was cancelled.")
_decoder = msgspec.msgpack.Decoder(ToWorker)


def run(connection: socket.socket) -> NoReturn:
    """Load the object that the gateway names, answer calls, and exit when it closes the socket."""
    connection.set_inheritable(False)
    try:
        _serve(connection)
    except EOFError:
        code = 0
    except BaseException:  # noqa: BLE001 - a fork must not continue in the code of its parent
        traceback.print_exc()
        code = 1
    finally:
        with suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _serve(connection: socket.socket) -> None:
    process = os.getpid()
    load = _decoder.decode(receive_frame(connection))
    assert isinstance(load, Load)  # noqa: S101 - the first message of every gateway
    # Those of a fork refer to what the descriptors of the fork server were.
    sys.stdout, sys.stderr = _output(1), _output(2)
    os.environ.update(load.env)
    time.tzset()
    reseed()
    prefer_for_oom_kill()
    # Its orphans stay below this process, where their memory is measured.
    adopt_orphans()
    _limit_memory(load.memory_bytes)
    try:
        loaded = _load(load)
    except BaseException as problem:  # noqa: BLE001 - whatever the loader raises is the reason
        connection.sendall(frame(_failed(problem)))
        return
    _exit_unless(process)
    is_coroutine = bool(getattr(loaded, "is_coroutine", False))
    connection.sendall(frame(Ready(is_coroutine=is_coroutine)))
    if is_coroutine:
        asyncio.run(_AsyncWorker(loaded).serve(connection))
    else:
        _serve_calls(connection, loaded)


def _output(descriptor: int) -> TextIO:
    return open(
        descriptor, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )


def _exit_unless(process: int) -> None:
    """Exit in a child that the user's code has forked, and that returned from it as well."""
    if os.getpid() != process:
        os._exit(0)


def _limit_memory(memory_bytes: int) -> None:
    """Make a single allocation of far too much memory fail; the fork server measures the rest.

    Threads and allocators reserve memory that they do not use, so the limit cannot be exact.
    """
    limits = {resource.RLIMIT_DATA: 2 * memory_bytes + _HEADROOM_BYTES, resource.RLIMIT_CORE: 0}
    for kind, limit in limits.items():
        hard = resource.getrlimit(kind)[1]
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(kind, (soft, hard))


def _load(load: Load) -> Loaded:
    module, _, name = load.loader.partition(":")
    loader: Callable[..., Loaded] = getattr(importlib.import_module(module), name)
    payload = Path(load.path).read_bytes() if load.path else load.payload
    return loader(payload, **load.options)


def _failed(problem: BaseException) -> Failed:
    if isinstance(problem, EtlError):
        return Failed(message=problem.message, hint=problem.hint)
    traceback.print_exception(problem)
    return Failed(message=f"Loading it raised {_described(problem)}.")


def _described(problem: BaseException) -> str:
    return f"{type(problem).__name__}: {first_line(_text(problem))}".rstrip(": ")


def _text(problem: BaseException) -> str:
    try:
        return str(problem)
    except Exception:  # noqa: BLE001 - an exception of a user's class
        return ""


def _serve_calls(connection: socket.socket, loaded: Loaded) -> None:
    """Make one call at a time."""
    process = os.getpid()
    while True:
        call = _decoder.decode(receive_frame(connection))
        if not isinstance(call, Call):
            continue
        answer = _answer(loaded, call)
        _exit_unless(process)
        connection.sendall(frame(Answered(number=call.number, answer=answer)))


def _answer(loaded: Loaded, call: Call) -> Answer:
    method = loaded.batch if call.batch else loaded.call
    try:
        return _checked(method(call.body, call.content_type))
    except BaseException as problem:  # noqa: BLE001 - SystemExit of a function is its failure too
        return _failure(problem)


def _checked(answer: object) -> Answer:
    if not isinstance(answer, Answer):
        raise TypeError(f"the loaded object returned {type(answer).__name__}, not an Answer")
    if len(answer.body) <= MAX_BODY_BYTES:
        return answer
    return error_answer(
        500,
        "AnswerTooLarge",
        f"The answer has {rounded_size(len(answer.body))}; at most "
        f"{rounded_size(MAX_BODY_BYTES)} are allowed.",
        "Return less, or publish it as a table or a file.",
    )


def _failure(problem: BaseException) -> Answer:
    with suppress(Exception):
        traceback.print_exception(problem)
    return error_answer(500, "FunctionFailed", f"The function raised {_described(problem)}.")


class _AsyncWorker:
    """Makes many calls of a coroutine function at the same time, in one event loop."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded: Any = loaded
        self._process = os.getpid()
        self._tasks: dict[int, asyncio.Task[Answer]] = {}

    async def serve(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        reader, writer = await asyncio.open_unix_connection(sock=connection)
        while True:
            try:
                header = await reader.readexactly(HEADER_BYTES)
                content = await reader.readexactly(int.from_bytes(header, "big"))
            except asyncio.IncompleteReadError as problem:
                raise EOFError from problem
            message = _decoder.decode(content)
            if isinstance(message, Call):
                self._start(message, writer)
            elif isinstance(message, Cancel) and message.number in self._tasks:
                self._tasks[message.number].cancel()

    def _start(self, call: Call, writer: asyncio.StreamWriter) -> None:
        def done(task: asyncio.Task[Answer]) -> None:
            del self._tasks[call.number]
            _exit_unless(self._process)
            answer = _CANCELLED if task.cancelled() else task.result()
            writer.write(frame(Answered(number=call.number, answer=answer)))

        self._tasks[call.number] = task = asyncio.create_task(self._answer(call))
        task.add_done_callback(done)

    async def _answer(self, call: Call) -> Answer:
        try:
            method = self._loaded.batch_async if call.batch else self._loaded.call_async
            return _checked(await method(call.body, call.content_type))
        except asyncio.CancelledError as problem:
            return _failure(problem) if not _is_cancelled() else _CANCELLED
        except BaseException as problem:  # noqa: BLE001 - see `_answer`
            return _failure(problem)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


if __name__ == "__main__":
    run(socket.socket(fileno=int(sys.argv[1])))
