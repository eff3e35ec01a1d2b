"""The kernel's end of the private channel to its runner."""

from __future__ import annotations

import re
import socket
import tempfile
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import msgspec

from jupyter_etl.errors import ExecutionError
from jupyter_etl.model import RunContext
from jupyter_etl.ports.channel import Channel, ChannelRequest, ResolveSecret
from jupyter_etl.runner.channel.protocol import Answer, error_of

T = TypeVar("T")


class RunnerChannel(Channel):
    """Sends requests to the runner.

    Each request uses a new connection, so that threads and forks of the kernel share none.

    Args:
        path: Path of the runner's socket, from the environment variable ``JUPYTER_ETL_CHANNEL``.

    Attributes:
        secrets: The names of the secrets that this kernel received, by value.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = str(path)
        self.secrets: dict[str, str] = {}

    @cached_property
    def context(self) -> RunContext:
        """The context of the current run."""
        return self.load_context()

    def stage_folder(self, name: str) -> Path:
        """Return a new empty folder to stage an output in."""
        prefix = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:60].lstrip(".") or "output"
        try:
            return Path(tempfile.mkdtemp(prefix=f"{prefix}-", dir=self.context.folder))
        except OSError as problem:
            raise ExecutionError(
                f"Nothing can be staged in {self.context.folder}: {problem.strerror}.",
                hint="Check the disk's free space and the folder's permissions.",
            ) from problem

    def ask(self, request: ChannelRequest[T]) -> T:
        """Send a request to the runner and return its answer."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.connect(self._path)
                connection.sendall(msgspec.json.encode(request) + b"\n")
                with connection.makefile("rb") as replies:
                    raw = replies.readline()
        except OSError as problem:
            raise _gone(request) from problem
        if not raw.endswith(b"\n"):
            raise _gone(request)
        reply = msgspec.json.decode(raw, type=Answer)
        if reply.error is not None:
            raise error_of(reply.error)
        answer: T = msgspec.convert(reply.ok, request.answer_type())
        if isinstance(request, ResolveSecret):
            self.secrets[str(answer)] = request.name
        return answer


def _gone(request: ChannelRequest[T]) -> ExecutionError:
    return ExecutionError(
        f"The runner of this run does not answer ({request.__struct_config__.tag}).",
        hint="It has ended, or this kernel does not belong to a run.",
    )
