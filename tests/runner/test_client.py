"""A reply that arrives while something is sent is seen."""

from __future__ import annotations

import asyncio
import time
from queue import Empty
from typing import Any

import pytest
import zmq
import zmq.asyncio
from jupyter_client.session import Session

from jupyter_etl.runner.execution.client import PreviewChannel
from jupyter_etl.runner.execution.kernel_manager import LARGEST_REPLY_BYTES, BoundedChannel


async def reply_while_sending() -> str:
    session = Session(key=b"")
    with zmq.asyncio.Context() as context, zmq.Context() as other:
        kernel = other.socket(zmq.ROUTER)
        port = kernel.bind_to_random_port("tcp://127.0.0.1")
        socket = context.socket(zmq.DEALER)
        socket.connect(f"tcp://127.0.0.1:{port}")
        channel = PreviewChannel(socket, session)
        channel.send(session.msg("execute_request"))
        who = kernel.recv_multipart()[0]
        waiting = asyncio.ensure_future(channel.get_msg())
        await asyncio.sleep(0.05)
        session.send(kernel, "execute_reply", content={}, ident=who)
        # The reply arrives, and before the loop receives it, something is sent.
        time.sleep(0.05)  # the loop must not run meanwhile
        channel.send(session.msg("comm_msg"))
        message = await asyncio.wait_for(waiting, 100)
        socket.close(linger=0)
        kernel.close(linger=0)
        return str(message["msg_type"])


async def nothing_comes() -> None:
    with zmq.asyncio.Context() as context:
        socket = context.socket(zmq.DEALER)
        try:
            await PreviewChannel(socket, Session(key=b"")).get_msg(timeout=0.3)
        finally:
            socket.close(linger=0)


def test_a_reply_that_arrives_while_something_is_sent_is_seen() -> None:
    assert asyncio.run(reply_while_sending()) == "execute_reply"


def test_waiting_ends() -> None:
    with pytest.raises(Empty):
        asyncio.run(nothing_comes())


async def large_reply(size: int) -> dict[str, Any]:
    session = Session(key=b"key")
    with zmq.asyncio.Context() as context, zmq.Context() as other:
        kernel = other.socket(zmq.ROUTER)
        port = kernel.bind_to_random_port("tcp://127.0.0.1")
        socket = context.socket(zmq.DEALER)
        socket.connect(f"tcp://127.0.0.1:{port}")
        channel = BoundedChannel(socket, session)
        asked = session.msg("execute_request")
        channel.send(asked)
        who = kernel.recv_multipart()[0]
        content = {"status": "ok", "text": "x" * size}
        session.send(kernel, "execute_reply", content=content, parent=asked, ident=who)
        reply: dict[str, Any] = await asyncio.wait_for(channel.get_msg(), 100)
        socket.close(linger=0)
        kernel.close(linger=0)
        assert reply["parent_header"]["msg_id"] == asked["header"]["msg_id"]
        return reply


@pytest.mark.parametrize(("size", "status"), [(10, "ok"), (LARGEST_REPLY_BYTES, "error")])
def test_a_reply_that_is_too_large_becomes_an_error(size: int, status: str) -> None:
    reply = asyncio.run(large_reply(size))
    assert (reply["msg_type"], reply["content"]["status"]) == ("execute_reply", status)
    assert len(str(reply["content"])) < 1_000
