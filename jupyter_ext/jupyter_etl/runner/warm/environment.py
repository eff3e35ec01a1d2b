"""Variables that only the platform may know, on their way from a scheduler to its runners.

A process shows in /proc the environment that it was started with, for as long as it lives and to
all processes of its user; a fork has all that was in the memory of its parent. So these variables
are in a message that waits in a socket, which no other process can open, and are read from it when
the kernel has been forked.
"""

from __future__ import annotations

import ctypes
import os
import socket
from collections.abc import Mapping
from pathlib import Path

import msgspec

from jupyter_etl.runner.kernel.kernels import is_private

MAX_BYTES = 180_000
"""Of one message; Linux takes about 200,000 at once by default."""

_DESCRIPTOR = "JUPYTER_ETL_PRIVATE_FD"
_STAT = Path("/proc/self/stat")
_ENVIRONMENT = slice(50 - 3, 52 - 3)
"""Fields 50 and 51, counted behind the name, with which the third field begins."""


def public(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that any process of the user may see."""
    return {name: value for name, value in env.items() if not is_private(name)}


def sealed(message: bytes) -> socket.socket:
    """Return a socket in which a message waits; whoever has it can read it with `unsealed`.

    Raises:
        OSError: The message is too large.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with here:
        here.setblocking(False)
        try:
            here.send(message)
        except OSError:
            there.close()
            raise
    return there


def unsealed(descriptor: int) -> bytes:
    """Return the message that waits in a socket, leave it there, and close the descriptor."""
    with socket.socket(fileno=descriptor) as line:
        return line.recv(MAX_BYTES, socket.MSG_PEEK)


def hand_over(env: Mapping[str, str]) -> tuple[dict[str, str], socket.socket | None]:
    """Split the environment of a process that is to be started.

    Returns:
        What it is started with, and the socket that it must inherit; None where nothing is private.

    Raises:
        OSError: What is private is too large.
    """
    private = {name: value for name, value in env.items() if is_private(name)}
    if not private:
        return dict(env), None
    waiting = sealed(msgspec.json.encode(private))
    return {**public(env), _DESCRIPTOR: str(waiting.fileno())}, waiting


def take_over() -> None:
    """Read what `hand_over` has left for this process, if anything, into its environment."""
    descriptor = os.environ.pop(_DESCRIPTOR, "")
    if descriptor:
        os.environ.update(msgspec.json.decode(unsealed(int(descriptor)), type=dict[str, str]))


def hide_own() -> None:
    """Keep the private variables of this process, and no longer show their values in /proc.

    Source:
        proc(5), ``env_start`` and ``env_end`` of /proc/pid/stat; putenv(3) copies elsewhere.
    """
    try:
        fields = _STAT.read_text().rpartition(")")[2].split()
    except OSError:
        return
    start, end = map(int, fields[_ENVIRONMENT])
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        name, _, value = entry.partition(b"=")
        text = os.fsdecode(name)
        if value and is_private(text):
            if text in os.environ:
                os.environ[text] = os.environ[text]
            ctypes.memset(at + len(name) + 1, 0, len(value))
        at += len(entry) + 1
