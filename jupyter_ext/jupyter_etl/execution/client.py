"""A kernel's client that does not miss a reply."""

from __future__ import annotations

import time
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

LOOK_AGAIN_S = 0.2
"""Longest time a reply lies in the socket unseen."""


class LookingChannel(AsyncZMQSocketChannel):
    """A channel that looks into its socket now and then, as well as when it is told to.

    ZeroMQ's file descriptor tells of a message once, and sending takes that word away. Whoever
    sends while another waits, as nbclient does to keep an output widget in step, may so make the
    waiting one sleep beside its reply for ever.

    Source: zmq_getsockopt(3), ZMQ_FD: the descriptor is edge-triggered.
    """

    async def get_msg(  # type: ignore[override]  # as in the class above
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message; raises `queue.Empty` when none comes within ``timeout`` s."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left_s = LOOK_AGAIN_S if until is None else max(0.0, until - time.monotonic())
            if await self.socket.poll(int(min(left_s, LOOK_AGAIN_S) * 1000)):
                return await self._recv()
            if until is not None and time.monotonic() >= until:
                raise Empty


class LookingClient(AsyncKernelClient):
    """A client whose shell, where sending and waiting meet, is a `LookingChannel`."""

    shell_channel_class = Type(LookingChannel)
