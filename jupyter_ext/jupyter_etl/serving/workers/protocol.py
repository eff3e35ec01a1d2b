"""Messages between the gateway, the fork server and the workers.

Between gateway and worker: frames over a Unix stream socket, each a length of four bytes and a
message in msgpack. Between gateway and fork server: one packet a message.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import msgspec

MAX_BODY_BYTES = 64 << 20
"""Largest body of a call or an answer."""

MAX_FRAME_BYTES = MAX_BODY_BYTES + (1 << 20)
HEADER_BYTES = 4


@dataclass(frozen=True)
class Answer:
    """What a call is answered with.

    Args:
        status: HTTP status.
        body: For an error, the format of all errors: see `error_answer`.
        content_type: Media type of the body.
        retry_after: Seconds after which the same call may succeed; None if that is not known.
        headers: Further headers of the response.
    """

    status: int
    body: bytes
    content_type: str = "application/json"
    retry_after: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Loaded(Protocol):
    """What a loader returns and a worker runs.

    A worker makes one call at a time. If the attribute ``is_coroutine`` exists and is true, it
    awaits ``call_async`` and ``batch_async`` instead, and has many calls in progress.
    """

    def call(self, body: bytes, content_type: str) -> Answer:
        """Answer one request."""
        ...

    def batch(self, body: bytes, content_type: str) -> Answer:
        """Answer many requests in one body."""
        ...


@dataclass(frozen=True, kw_only=True)
class WorkerSpec:
    """How the workers of one version are started, and their limits.

    Args:
        name: The version, as the subject of messages: ``score version 2``.
        loader: ``module:function``; called in the worker with the payload and the options as
            keyword arguments, it returns a `Loaded`.
        payload: Bytes for the loader, or the file that contains them.
        options: Keyword arguments of the loader; msgpack values.
        env: Environment variables of the worker in addition to the few that it inherits. They
            appear in no file of /proc.
        interpreter: Python of another environment, in which jupyter-etl is installed; "" to fork
            the workers from the fork server.
        workers: Number of processes.
        timeout_s: Longest duration of a call.
        memory_bytes: Memory of a worker with the processes that it starts.
        max_processes: Number of these processes, itself included.
        keep_warm: Whether the workers stay when there are no calls.
    """

    name: str
    loader: str
    payload: bytes | Path = b""
    options: Mapping[str, object] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    interpreter: str = ""
    workers: int = 1
    timeout_s: float = 30.0
    memory_bytes: int = 1 << 30
    max_processes: int = 128
    keep_warm: bool = False


class Load(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Sent to a worker first; it loads the object and replies with `Ready` or `Failed`."""

    loader: str
    payload: bytes
    path: str
    options: dict[str, object]
    env: dict[str, str]
    memory_bytes: int


class Call(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A call; the worker replies with `Answered`."""

    number: int
    body: bytes
    content_type: str
    batch: bool = False


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cancels the call of a coroutine function, which is answered nevertheless."""

    number: int


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The worker has loaded the object.

    Args:
        is_coroutine: Whether it takes several calls at the same time.
    """

    is_coroutine: bool


class Failed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The worker cannot load the object, and exits."""

    message: str
    hint: str = ""


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The answer to a call."""

    number: int
    answer: Answer


class Start(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Asks the fork server for a worker; the worker's end of the socket is attached."""

    number: int
    interpreter: str
    log: str
    memory_bytes: int
    max_processes: int


class Kill(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Asks the fork server to kill a worker; ``why`` is the reason in `Ended`."""

    number: int
    why: str


class Started(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The fork server has started a worker."""

    number: int
    pid: int


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A worker has ended, or was not started.

    Args:
        why: Continues a sentence: ``it exited with code 3``.
        output: End of its output.
    """

    number: int
    why: str
    output: str = ""


ToWorker = Load | Call | Cancel
FromWorker = Ready | Failed | Answered
ToForkServer = Start | Kill
FromForkServer = Started | Ended

_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """Return a message without a length."""
    return _encoder.encode(message)


def frame(message: msgspec.Struct) -> bytes:
    """Return a message with its length."""
    buffer = bytearray(HEADER_BYTES)
    _encoder.encode_into(message, buffer, HEADER_BYTES)
    buffer[:HEADER_BYTES] = (len(buffer) - HEADER_BYTES).to_bytes(HEADER_BYTES, "big")
    return bytes(buffer)


def receive(connection: socket.socket, size: int) -> bytes:
    """Read exactly ``size`` bytes from a blocking socket.

    Raises:
        EOFError: The other end is closed.
    """
    content = bytearray(size)
    rest = memoryview(content)
    while rest:
        count = connection.recv_into(rest)
        if not count:
            raise EOFError
        rest = rest[count:]
    return bytes(content)


def receive_frame(connection: socket.socket) -> bytes:
    """Read one message from a blocking socket.

    Raises:
        EOFError: The other end is closed.
    """
    return receive(connection, int.from_bytes(receive(connection, HEADER_BYTES), "big"))


def load_message(spec: WorkerSpec) -> Load:
    """Return the first message for the workers of a version."""
    path, payload = (
        ("", spec.payload) if isinstance(spec.payload, bytes) else (str(spec.payload), b"")
    )
    return Load(
        loader=spec.loader,
        payload=payload,
        path=path,
        options=dict(spec.options),
        env=dict(spec.env),
        memory_bytes=spec.memory_bytes,
    )


def error_answer(
    status: int,
    kind: str,
    message: str,
    hint: str = "",
    *,
    fields: Sequence[Mapping[str, str]] = (),
    retry_after: int | None = None,
) -> Answer:
    """Return an error in the format of all errors of the gateway.

    Args:
        kind: Class of the error, for programs: ``FunctionFailed``.
        message: One sentence.
        hint: The next step.
        fields: Faults of single fields, each with its JSON ``path`` and a ``message``.
        retry_after: Seconds after which the same call may succeed.
    """
    error = {"kind": kind, "message": message, "hint": hint, "fields": list(fields)}
    return Answer(status, msgspec.json.encode({"error": error}), retry_after=retry_after)
