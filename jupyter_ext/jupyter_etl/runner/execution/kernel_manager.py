"""The connection to a kernel: its manager, its client, and the gate that filters its output."""

from __future__ import annotations

import asyncio
import contextlib
import queue
from collections.abc import Callable, Sequence
from inspect import unwrap
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.channels import AsyncZMQSocketChannel
from jupyter_client.manager import AsyncKernelManager
from traitlets import Type

from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.runner.execution.client import PreviewChannel, PreviewClient
from jupyter_etl.runner.execution.provisioner import EtlWarmProvisioner
from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel

Gate = Callable[[str, int], bool]
"""``gate(message type, bytes of its content)``: returns whether the message is accepted."""

_QUEUE = 2
"""Number of messages queued in the runner; each may have 32 MB."""

LARGEST_REPLY_BYTES = 32_000_000
"""Largest size of a reply; IPython kernels shorten theirs to much less, see `bound_output`."""

_IPYKERNEL = frozenset({"ipykernel_launcher", "ipykernel"})
_ANSWER_S = 1.0


def admit_all(kind: str, size_bytes: int) -> bool:
    """Accept every message."""
    return True


class GatedChannel(AsyncZMQSocketChannel):
    """Receives a kernel's output, and drops messages that the gate rejects before decoding them.

    A flood costs the runner only the transport, so that it keeps up with the kernel.
    """

    gate: Gate = staticmethod(admit_all)

    async def _recv(  # type: ignore[override]  # as in the class above
        self, **kwargs: Any
    ) -> dict[str, Any]:
        while True:
            frames: Any = await self.socket.recv_multipart(copy=False, **kwargs)
            parts: Any = self.session.feed_identities(frames, copy=False)[1]
            size = sum(len(part) for part in parts[4:])
            kind = self.session.unpack(parts[1].bytes)["msg_type"]
            if self.gate(kind, size):
                message: dict[str, Any] = self.session.deserialize([part.bytes for part in parts])
                return message
            # Receiving a message that is already there does not yield to other tasks.
            await asyncio.sleep(0)


class BoundedChannel(PreviewChannel):
    """Receives replies; one that is too large for a runner's memory is replaced by an error."""

    async def _recv(  # type: ignore[override]  # as in the class above
        self, **kwargs: Any
    ) -> dict[str, Any]:
        frames: Any = await self.socket.recv_multipart(copy=False, **kwargs)
        parts: Any = self.session.feed_identities(frames, copy=False)[1]
        size = sum(len(part) for part in parts[4:])
        if size <= LARGEST_REPLY_BYTES:
            message: dict[str, Any] = self.session.deserialize([part.bytes for part in parts])
            return message
        said = f"The kernel answered with {rounded_size(size)}; at most {rounded_size(LARGEST_REPLY_BYTES)} are read."
        content = {"status": "error", "ename": "ReplyTooLarge", "evalue": said, "traceback": [said]}
        signed = [*(part.bytes for part in parts[1:4]), self.session.pack(content)]
        replaced: dict[str, Any] = self.session.deserialize([self.session.sign(signed), *signed])
        return replaced


class GatedClient(PreviewClient):
    """A client whose queue of output messages is short, and behind a gate.

    It has only the channels of requests and of output: there is no user to ask for input, and the
    kernel's process is watched instead of its heartbeat.
    """

    shell_channel_class = Type(BoundedChannel)
    iopub_channel_class = Type(GatedChannel)  # type: ignore[assignment]
    gate: Gate = staticmethod(admit_all)

    @property
    def iopub_channel(self) -> Any:
        """The channel of the kernel's output."""
        channel = super().iopub_channel
        channel.gate = self.gate
        return channel

    def connect_iopub(self, identity: bytes | None = None) -> Any:
        """Connect; output that is not received soon stays in the kernel, see `bound_output`."""
        self.context.rcvhwm = _QUEUE
        return super().connect_iopub(identity)

    def start_channels(self, *_: bool, **__: bool) -> None:
        """Start the two channels."""
        super().start_channels(stdin=False, hb=False, control=False)

    def stop_channels(self) -> None:
        """Stop the two channels, without creating the others."""
        for channel in (self._shell_channel, self._iopub_channel):
            if channel is not None:
                channel.stop()


class EtlKernelManager(AsyncKernelManager):
    """Starts a kernel that is bound to this process, without a change to its kernelspec.

    A provisioner that the kernelspec names is used. IPython's kernel is connected by sockets in a
    private folder: a port may be taken by another process before the kernel binds it, and any
    process on the machine can connect to it.
    """

    address_space_bytes: int | None = None
    group: Path | None = None
    socket_folder: Path | None = None
    gate: Gate = staticmethod(admit_all)
    forked_kernel: ForkedKernel | None = None

    def client(self, **kwargs: Any) -> Any:
        """Return a client behind the gate."""
        self.client_factory = GatedClient
        client: Any = super().client(context=self.context, **kwargs)
        client.gate = self.gate
        return client

    @property
    def ask_to_interrupt(self) -> Callable[[], None] | None:
        """Returns a function that interrupts a kernel by a message; None if it uses a signal."""
        spec = self.kernel_spec
        if spec is None or spec.interrupt_mode != "message":
            return None
        connection: Any = self.get_connection_info()
        return lambda: _ask_to_interrupt(connection)

    @property
    def ipykernel(self) -> bool:
        """Whether the kernel is IPython's, judged by its command, because its name is arbitrary.

        nbclient uses this to keep executed code out of the user's history.
        """
        return self.kernel_spec is not None and bool(_IPYKERNEL & set(self.kernel_spec.argv))

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        spec = self.kernel_spec
        if self.socket_folder is not None and spec and _is_ipython_here(spec.argv):
            self.transport = "ipc"
            self.ip = str(self.socket_folder / "kernel")
        own = spec.metadata.get("kernel_provisioner") if spec else None
        if self.provisioner is None and not own:
            self.kernel_id = self.kernel_id or str(uuid4())
            provisioner = EtlWarmProvisioner(
                kernel_id=self.kernel_id, kernel_spec=spec, parent=self
            )
            provisioner.address_space_bytes = self.address_space_bytes
            provisioner.group = self.group
            provisioner.forked_kernel = self.forked_kernel
            self.provisioner = provisioner
        return await super()._async_pre_start_kernel(**kwargs)

    async def shutdown_kernel(  # type: ignore[override]  # as in the class above
        self, now: bool = False, restart: bool = False
    ) -> None:
        """Shut the kernel down, without a delay that jupyter_client has for its own tests."""
        await unwrap(AsyncKernelManager.shutdown_kernel)(self, now=now, restart=restart)

    async def _async_wait(self, pollinterval: float = 0.1) -> None:
        if self.provisioner is not None:
            await self.provisioner.wait()


def _is_ipython_here(argv: Sequence[str]) -> bool:
    # Not with a prefix such as a container's command, where our sockets are not visible.
    return Path(argv[0]).name.startswith("python") and bool(_IPYKERNEL & set(argv))


def _ask_to_interrupt(connection: Any) -> None:
    """Send the request on a separate connection: the manager's belongs to another thread."""
    client = BlockingKernelClient()
    client.load_connection_info(connection)
    client.start_channels(shell=False, iopub=False, stdin=False, hb=False, control=True)
    client.control_channel.send(client.session.msg("interrupt_request", {}))
    with contextlib.suppress(queue.Empty):
        client.control_channel.get_msg(timeout=_ANSWER_S)
    client.stop_channels()
