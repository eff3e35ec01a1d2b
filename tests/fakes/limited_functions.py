"""Functions for children with limits: good ones, and some that take too much."""

from __future__ import annotations

import os
import signal
import time

from jupyter_etl.errors import SourceError


def hello(name: str) -> bytes:
    """Return something short, with who has returned it."""
    return f"hello {name} {os.getppid()} {os.environ.get('ETL_TEST_SECRET')}".encode()


def refuse() -> bytes:
    """Raise an error of the platform."""
    raise SourceError("It is not there.", hint="Look.", retryable=False, data={"field": "name"})


def fail() -> bytes:
    """Raise any other error."""
    raise ValueError("wrong")


def take_memory() -> bytes:
    """Take memory piece by piece, and hide the refusal behind an error of the platform."""
    kept = []
    try:
        while True:
            kept.append(bytearray(5_000_000))
    except MemoryError as problem:
        kept.clear()
        raise SourceError("The connector failed.") from problem


def take_arrow_memory() -> bytes:
    """Take memory in another allocator."""
    import pyarrow as pa

    return bytes([len([pa.allocate_buffer(5_000_000) for _ in range(100)])])


def nest() -> bytes:
    """Call itself without end."""
    return nest()


def crash() -> bytes:
    """End the process as C code does that finds no memory."""
    os.kill(os.getpid(), signal.SIGABRT)
    return b""


def work() -> bytes:
    """Compute without end, and listen to no signal of Python's."""
    import hashlib

    return hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)


def wait() -> bytes:
    """Wait without end."""
    time.sleep(1000)
    return b""


def show() -> bytes:
    """Return too much."""
    return bytes(2_000_000)


def write() -> bytes:
    """Fill the disk."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            file.write(bytes(5_000_000))
    return b"written"
