"""A kernel's client that does not miss a reply."""

from __future__ import annotations

import math
import time
from collections.abc import Container, Mapping
from queue import Empty
from typing import Any

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from traitlets import Type

LOOK_AGAIN_S = 0.2
"""Longest time a reply lies in the socket unseen."""

ANSWER_S = 1.0
"""How long a kernel that is starting has for an answer before it is asked again."""


class PreviewChannel(AsyncZMQSocketChannel):
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


class PreviewClient(AsyncKernelClient):
    """A client whose shell, where sending and waiting meet, is a `PreviewChannel`.

    Attributes:
        info: What the kernel has answered to `wait_for_ready`, as the protocol's kernel_info_reply.
    """

    shell_channel_class = Type(PreviewChannel)
    info: Mapping[str, Any] = {}

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Return when the kernel answers and what it shows arrives.

        A subscription takes its time, and what is shown before it is there is lost. So the kernel
        is asked until its word of having answered has come as well; that is the last of what it
        shows for this, and nothing has to be waited out.

        Args:
            timeout: Seconds; None waits as long as the kernel lives.

        Raises:
            RuntimeError: The kernel has ended, or did not answer in time.
        """
        until = math.inf if timeout is None else time.monotonic() + timeout
        asked: set[str] = set()
        while True:
            asked.add(self.kernel_info())
            if await self._answers(asked) and await self.is_heard(asked):
                return
            if not await self.is_alive():
                raise RuntimeError("The kernel ended before it answered.")
            if time.monotonic() >= until:
                raise RuntimeError(f"The kernel did not answer in {timeout:g} seconds.")

    async def _answers(self, asked: Container[str]) -> bool:
        """Wait a moment for the answer to one of the questions."""
        try:
            reply = await self.shell_channel.get_msg(timeout=ANSWER_S)
        except Empty:
            return False
        if reply["parent_header"].get("msg_id") not in asked:
            return False
        self._handle_kernel_info_reply(reply)
        self.info = reply["content"]
        return True

    async def is_heard(self, asked: Container[str]) -> bool:
        """Take what the kernel shows until it is idle again after one of the questions; else False."""
        try:
            while True:
                shown = await self.iopub_channel.get_msg(timeout=LOOK_AGAIN_S)
                idle = (
                    shown["msg_type"] == "status" and shown["content"]["execution_state"] == "idle"
                )
                if idle and shown["parent_header"].get("msg_id") in asked:
                    return True
        except Empty:
            return False
