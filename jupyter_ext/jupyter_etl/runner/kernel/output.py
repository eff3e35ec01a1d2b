"""Bounds the memory that an IPython kernel uses for its output.

Cold kernels execute the text of this module: it must not import this package.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from typing import Any

import zmq
from tornado.ioloop import IOLoop

LEFT_OUT = "etl_left_out"
"""Type of the message that replaces one too large to send; content: ``{"size_bytes": 0}``."""

_PIECE = 250_000
_OVERHEAD = 1_000
_LARGEST = 32_000_000
_QUEUE = 256
_LARGEST_ERROR = 1_000_000
"""Far larger than the part of an error that a runner keeps, so that no secret in it is cut."""
_LONGEST_NAME = 1_000

_Sent = Callable[[int, Any], None]


def bound_output(shell: Any) -> None:
    """Make a kernel send output in pieces, and block while its client is slower.

    ipykernel collects all output of 0.2 s in one message. ZeroMQ queues messages regardless of
    their size, and drops messages beyond its limit. IPython keeps all output for ``%notebook``,
    which exports a session.

    Args:
        shell: IPython's shell.
    """
    kernel = shell.kernel
    streams = [one for one in (sys.stdout, sys.stderr) if hasattr(one, "pub_thread")]
    pending = 0

    def sent(size: int, stream: Any) -> None:
        nonlocal pending
        pending += size
        # A forked child has no thread that sends.
        if pending >= _PIECE and stream._is_master_process():
            pending = 0
            stream.flush()

    def bound_streams() -> None:
        for stream in streams:
            _write_pieces(stream, sent)

    def bound_socket() -> None:
        kernel.iopub_thread.socket.sndhwm = _QUEUE
        kernel.iopub_thread.socket.setsockopt(zmq.XPUB_NODROP, 1)

    shell._tee = lambda channel: contextlib.nullcontext()
    # A ZeroMQ socket may only be used by its own thread.
    kernel.iopub_thread.schedule(bound_socket)
    if streams:
        _send_bounded(kernel, lambda size: sent(size, streams[0]))
        # If a cell calls this, IPython restores `write` when the cell ends.
        IOLoop.current().add_callback(bound_streams)


def _write_pieces(stream: Any, sent: _Sent) -> None:
    write = stream.write

    def write_pieces(text: Any) -> Any:
        if not isinstance(text, str) or len(text) <= _PIECE:
            written = write(text)
            sent(len(text), stream)
            return written
        for start in range(0, len(text), _PIECE):
            part = text[start : start + _PIECE]
            write(part)
            sent(len(part), stream)
        return len(text)

    stream.write = write_pieces


def _send_bounded(kernel: Any, sent: Callable[[int], None]) -> None:
    send = kernel.session.send

    def send_bounded(
        stream: Any, msg_or_type: Any, content: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        kind = msg_or_type["msg_type"] if isinstance(msg_or_type, dict) else msg_or_type
        if kind in ("error", "execute_reply"):
            content = _bounded_error(content)
            if isinstance(msg_or_type, dict):
                msg_or_type = {**msg_or_type, "content": _bounded_error(msg_or_type["content"])}
        if stream is not kernel.iopub_socket:
            return send(stream, msg_or_type, content, *args, **kwargs)
        whole = msg_or_type if isinstance(msg_or_type, dict) else {}
        buffers = kwargs.get("buffers") or whole.get("buffers", ())
        size = _OVERHEAD + _size_of(whole.get("content", content)) + _size_of(buffers)
        if size > _LARGEST:
            parent = whole.get("parent_header") or kwargs.get("parent")
            content, ident = {"size_bytes": size}, kwargs.get("ident")
            return send(stream, LEFT_OUT, content, parent=parent, ident=ident)
        message = send(stream, msg_or_type, content, *args, **kwargs)
        sent(size)
        return message

    kernel.session.send = send_bounded


def _bounded_error(content: Any) -> Any:
    """Return the content of an error or a reply with its texts cut to a bounded size."""
    if not isinstance(content, dict):
        return content
    bounded, room = dict(content), _LARGEST_ERROR
    for name, longest in (("ename", _LONGEST_NAME), ("evalue", _LARGEST_ERROR)):
        if name in content:
            bounded[name] = str(content[name])[:longest]
    if "traceback" in content:
        frames = []
        # The last frames show where the error occurred.
        for frame in reversed(content["traceback"]):
            frames.append(str(frame)[:room])
            room -= len(frames[-1])
            if room <= 0:
                break
        bounded["traceback"] = frames[::-1]
    if "payload" in content:
        bounded["payload"] = [one for one in content["payload"] if _size_of(one) < _LARGEST_ERROR]
    return bounded


def _size_of(value: Any) -> int:
    if isinstance(value, memoryview):
        return value.nbytes
    if isinstance(value, (str, bytes, bytearray)):
        return len(value)
    if isinstance(value, dict):
        return sum(map(_size_of, value.values()))
    if isinstance(value, (list, tuple)):
        return sum(map(_size_of, value))
    return 0
