"""Where an attempt keeps its files, and the claim it starts from."""

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
        number: Of the attempt, 1 for the first.
    """
    return home / "runs" / f"{run_id:08d}" / str(number)


def home_of(folder: Path) -> Path:
    """Return the platform's home folder, given the folder of an attempt."""
    return folder.parents[2]


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step, so that a reader sees the old content or the new one.

    The folder exists. Nobody else may read the new file.
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
    """Make the attempt's folder, private to its user, and write the claim into it.

    Writing the same claim again changes nothing that a running attempt reads or writes.

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
        ExecutionError: There is none, or it cannot be understood.
    """
    try:
        return msgspec.json.decode((folder / CONTEXT).read_bytes(), type=Claim)
    except (OSError, msgspec.MsgspecError) as problem:
        raise ExecutionError(
            f"{folder / CONTEXT} is not a claim of an attempt: {problem}",
            hint="An attempt is started by an executor, not by a person.",
        ) from problem
