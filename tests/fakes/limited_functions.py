"""Functions for children with limits: valid ones, and some that exceed the limits."""

from __future__ import annotations

import os
import signal
import time

from jupyter_etl.errors import SourceError


def hello(name: str) -> bytes:
    """Return a short text with the process id."""
    return f"hello {name} {os.getppid()} {os.environ.get('ETL_TEST_SECRET')}".encode()


def refuse() -> bytes:
    """Raise an error of the platform."""
    raise SourceError("It is not there.", hint="Look.", retryable=False, data={"field": "name"})


def fail() -> bytes:
    """Raise any other error."""
    raise ValueError("wrong")


def take_memory() -> bytes:
    """Allocate memory in steps, and hide the refusal behind an error of the platform."""
    kept = []
    try:
        while True:
            kept.append(bytearray(5_000_000))
    except MemoryError as problem:
        kept.clear()
        raise SourceError("The connector failed.") from problem


def take_arrow_memory() -> bytes:
    """Allocate memory with another allocator."""
    import pyarrow as pa

    return bytes([len([pa.allocate_buffer(5_000_000) for _ in range(100)])])


def nest() -> bytes:
    """Recurse without end."""
    return nest()


def crash() -> bytes:
    """Abort the process, as C code does that cannot allocate memory."""
    os.kill(os.getpid(), signal.SIGABRT)
    return b""


def work() -> bytes:
    """Compute without end, ignoring Python's signals."""
    import hashlib

    return hashlib.pbkdf2_hmac("sha256", b"", b"", 10**9)


def wait() -> bytes:
    """Wait without end."""
    time.sleep(1000)
    return b""


def show() -> bytes:
    """Return a result that is too large."""
    return bytes(2_000_000)


def write() -> bytes:
    """Fill the disk."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        for _ in range(100):
            file.write(bytes(5_000_000))
    return b"written"
