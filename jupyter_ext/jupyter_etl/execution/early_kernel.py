"""The kernel that most notebooks need, begun before it is known whether this one does."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_client.connect import write_connection_file

from jupyter_etl.execution.channel import CHANNEL, socket_in
from jupyter_etl.execution.kernels import ATTEMPT, kernel_environment
from jupyter_etl.execution.sockets import make_folder
from jupyter_etl.execution.stem import LAUNCHER, NO_HISTORY, Orders, Stem


def begin_kernel(stem: Stem, attempt: Path) -> Path:
    """Have the stem make itself ready as this environment's IPython kernel.

    Args:
        stem: Of the runner.
        attempt: Folder of the attempt.

    Returns:
        The private folder of its sockets; it is the caller's to remove.
    """
    sockets = make_folder(attempt)
    connection = sockets / "kernel.json"
    untyped: Any = write_connection_file
    untyped(
        str(connection),
        *range(1, 6),
        ip=str(sockets / "kernel"),
        key=uuid4().hex.encode(),
        transport="ipc",
    )
    own = {CHANNEL: str(socket_in(sockets)), ATTEMPT: str(attempt)}
    stem.begin(
        Orders(
            command=(sys.executable, "-m", LAUNCHER, "-f", str(connection), NO_HISTORY),
            env=kernel_environment(own),
            cwd=str(attempt),
        ),
        connection,
    )
    return sockets
