"""The folder of an attempt, and the claim in it."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

import msgspec

from jupyter_etl.errors import ExecutionError
from jupyter_etl.ports import Claim

CONTEXT = "context.json"
EVENTS = "events.jsonl"
SNAPSHOT = "snapshot.ipynb"
EXECUTED = "executed.ipynb"
LOG = "runner.log"
STAGE = "stage"
CHECKPOINT = "checkpoint"


def attempt_folder(home: Path, run_id: int, number: int) -> Path:
    """Return the folder of one attempt; it need not exist.

    Args:
        number: The attempt's number, starting at 1.
    """
    return home / "runs" / f"{run_id:08d}" / str(number)


def home_of(folder: Path) -> Path:
    """Return the platform's home folder, given the folder of an attempt."""
    return folder.parents[2]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file atomically: readers see the old content or the new one.

    The folder must exist. Only the user may read the new file.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise


def save_claim(home: Path, claim: Claim) -> Path:
    """Create the attempt's folder, private to its user, and write the claim into it.

    Writing the same claim again does not affect a running attempt.

    Raises:
        ExecutionError: The folder cannot be written.
    """
    folder = attempt_folder(home, claim.run.id, claim.attempt.number)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / STAGE).mkdir(mode=0o700, exist_ok=True)
        write_atomically(folder / CONTEXT, msgspec.json.encode(claim))
    except OSError as problem:
        raise ExecutionError(
            f"The folder of run {claim.run.id} cannot be written: {problem.strerror}: {folder}.",
            hint="Check the disk's free space and the folder's permissions.",
            retryable=True,
        ) from problem
    return folder


def load_claim(folder: Path) -> Claim:
    """Read the claim of an attempt.

    Raises:
        ExecutionError: There is no claim, or it is invalid.
    """
    try:
        return msgspec.json.decode((folder / CONTEXT).read_bytes(), type=Claim)
    except (OSError, msgspec.MsgspecError) as problem:
        raise ExecutionError(
            f"{folder / CONTEXT} is not a claim of an attempt: {problem}",
            hint="An attempt is started by an executor, not by a person.",
        ) from problem
