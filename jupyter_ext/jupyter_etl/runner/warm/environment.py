"""Passes the platform's private variables from a scheduler to its runners.

/proc shows the environment that a process was started with to all processes of the same user, as
long as the process exists, and a fork inherits its parent's memory. Therefore these variables are
sent as a message in a socket, which no other process can open. The runner reads it after it has
forked its kernel.
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
"""Largest size of one message; by default Linux accepts about 200,000 bytes at once."""

_DESCRIPTOR = "JUPYTER_ETL_PRIVATE_FD"
_STAT = Path("/proc/self/stat")
_ENVIRONMENT = slice(50 - 3, 52 - 3)
"""Fields 50 and 51 of /proc/pid/stat, counted from the third field, which follows the name."""


def public(env: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that may be visible to all processes of the user."""
    return {name: value for name, value in env.items() if not is_private(name)}


def sealed(message: bytes) -> socket.socket:
    """Return a socket that contains a message; a process that inherits it reads it with `unsealed`.

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
    """Return the message in a socket without removing it, and close the descriptor."""
    with socket.socket(fileno=descriptor) as line:
        return line.recv(MAX_BYTES, socket.MSG_PEEK)


def hand_over(env: Mapping[str, str]) -> tuple[dict[str, str], socket.socket | None]:
    """Split the environment of a process that is to be started.

    Returns:
        The environment to start it with, and the socket that it must inherit; None if no variable
        is private.

    Raises:
        OSError: The private variables are too large.
    """
    private = {name: value for name, value in env.items() if is_private(name)}
    if not private:
        return dict(env), None
    waiting = sealed(msgspec.json.encode(private))
    return {**public(env), _DESCRIPTOR: str(waiting.fileno())}, waiting


def take_over() -> None:
    """Read the variables that `hand_over` passed to this process, if any, into its environment."""
    descriptor = os.environ.pop(_DESCRIPTOR, "")
    if descriptor:
        os.environ.update(msgspec.json.decode(unsealed(int(descriptor)), type=dict[str, str]))


def hide_own() -> None:
    """Keep this process's private variables, but hide their values in /proc.

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
