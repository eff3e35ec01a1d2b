"""A kernel client that does not miss a reply."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Mapping
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

POLL_AGAIN_S = 0.2
"""Longest time in seconds before a reply in the socket is noticed."""

ANSWER_S = 1.0
"""Seconds that a starting kernel has for a reply before the request is repeated."""


class PreviewChannel(AsyncZMQSocketChannel):
    """A channel that polls its socket at intervals, in addition to waiting for events.

    ZeroMQ's file descriptor signals a message only once, and sending clears the signal. If one task
    sends while another one waits, as nbclient does to update an output widget, the waiting task may
    therefore never notice its reply.

    Source: zmq_getsockopt(3), ZMQ_FD: the descriptor is edge-triggered.
    """

    async def get_msg(  # type: ignore[override]  # as in the class above
        self, timeout: float | None = None
    ) -> dict[str, Any]:
        """Return the next message; raises `queue.Empty` if none arrives within ``timeout`` s."""
        until = None if timeout is None else time.monotonic() + timeout
        while True:
            left_s = POLL_AGAIN_S if until is None else max(0.0, until - time.monotonic())
            if await self.socket.poll(int(min(left_s, POLL_AGAIN_S) * 1000)):
                return await self._recv()
            if until is not None and time.monotonic() >= until:
                raise Empty


class PreviewClient(AsyncKernelClient):
    """A client whose shell channel, which both sends and waits, is a `PreviewChannel`.

    Attributes:
        info: The kernel's reply to `wait_for_ready`, a kernel_info_reply of the protocol.
    """

    shell_channel_class = Type(PreviewChannel)
    info: Mapping[str, Any] = {}

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel replies and its output arrives.

        A subscription takes time, and output sent before it is in effect is lost. Therefore the
        request is repeated until the idle status that follows a reply has arrived as well. It is
        the last output of that request, so that nothing remains to be waited for.

        Args:
            timeout: Seconds; None waits as long as the kernel is running.

        Raises:
            RuntimeError: The kernel has ended, or did not reply in time.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        asked: set[str] = set()
        while True:
            asked.add(self.kernel_info())
            if await self._answers(asked) and await self.receives_output(asked):
                return
            if not await self.is_alive():
                raise RuntimeError("The kernel ended before it answered.")
            if time.monotonic() >= until:
                raise RuntimeError(f"The kernel did not answer in {timeout:g} seconds.")

    async def _answers(self, asked: Container[str]) -> bool:
        """Wait a moment for the reply to one of the requests."""
        try:
            reply = await self.shell_channel.get_msg(timeout=ANSWER_S)
        except Empty:
            return False
        if reply["parent_header"].get("msg_id") not in asked:
            return False
        self._handle_kernel_info_reply(reply)
        self.info = reply["content"]
        return True

    async def receives_output(self, asked: Container[str]) -> bool:
        """Receive output until the kernel is idle after one of the requests; False on timeout."""
        try:
            while True:
                shown = await self.iopub_channel.get_msg(timeout=POLL_AGAIN_S)
                idle = (
                    shown["msg_type"] == "status" and shown["content"]["execution_state"] == "idle"
                )
                if idle and shown["parent_header"].get("msg_id") in asked:
                    return True
        except Empty:
            return False
