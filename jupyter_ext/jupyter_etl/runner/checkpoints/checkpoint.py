"""The folder in which a failed attempt saves the state that its run needs to resume.

``checkpoint/`` is in the attempt's folder. The kernel writes its variables into it. When the kernel
has ended, the runner adds the staged outputs and finally the description.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from pathlib import Path

import msgspec

from jupyter_etl.errors import NotFound
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.model import Checkpoint, Outcome, Reported
from jupyter_etl.ports import Claim
from jupyter_etl.runner.channel.record import RunRecord
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import CHECKPOINT, STAGE, write_atomically
from jupyter_etl.runner.preparation import Prepared

LIMIT_BYTES = 1_000_000_000
"""Maximum size of the variables on disk; beyond it the largest are left out."""

KEEPING_S = 30.0
"""Seconds that a kernel has to write its variables."""

DESCRIPTION = "checkpoint.json"

KERNEL_MODULE = "jupyter_etl.notebook.variables"
"""The module that kernels import for this; `tests/notebook/test_variables.py` compares the names."""

_INDEX = "names.json"


class _Names(msgspec.Struct):
    """The kernel's index of the variables that it wrote."""

    names: tuple[str, ...]
    left_out: dict[str, str]
    uses: dict[str, tuple[str, ...]]
    bytes: int


class Keeper:
    """Saves the checkpoint of one attempt.

    Args:
        limit_bytes: Maximum size of the variables on disk.
        seconds: Time limit for writing them.
    """

    def __init__(
        self,
        *,
        folder: Path,
        attempt: int,
        record: RunRecord,
        prepared: Prepared,
        limit_bytes: int = LIMIT_BYTES,
        seconds: float = KEEPING_S,
    ) -> None:
        self.seconds = seconds
        self._attempt = attempt
        self._folder = folder / CHECKPOINT
        self._stage = folder / STAGE
        self._record = record
        self._prepared = prepared
        self._limit_bytes = limit_bytes
        self._reported = Reported()
        self._problem: str | None = None

    def cell_starts(self) -> None:
        """Save the reports so far; a cell that fails reports again when it is retried."""
        self._reported = self._record.reported()

    def code(self) -> str:
        """Make the folder and return the code with which a kernel writes its variables into it."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self._folder.mkdir(mode=0o700)
        return kernel_call("keep", self._folder, limit_bytes=self._limit_bytes)

    def written(self, problem: str = "") -> None:
        """Record that the kernel has written the variables, or why it could not."""
        self._problem = problem

    def finish(self, outcome: Outcome, failed_cell: int | None) -> str:
        """Complete the checkpoint if a cell failed, else delete it; the kernel must have ended.

        Args:
            failed_cell: Index in the deployed notebook.

        Returns:
            A remark for users; "" if no cell has failed.
        """
        failed = outcome in (Outcome.FAILED, Outcome.HELD)
        if self._problem is None or not failed or failed_cell is None:
            discard_checkpoint(self._folder.parent)
            return ""
        made = Checkpoint(
            attempt=self._attempt,
            failed_cell=failed_cell,
            before=_code_before(failed_cell, self._prepared),
            kernel=self._prepared.asked_kernel,
            parameters=self._prepared.parameters,
            problem=self._problem and f"no variables were saved: {self._problem}",
        )
        if not self._problem:
            try:
                made = self._complete(made)
            except (OSError, msgspec.MsgspecError) as problem:
                made = replace(made, problem=f"no variables were saved: {problem}")
        if made.problem:
            # The reason is kept for an attempt that would resume from here.
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder.mkdir(mode=0o700, exist_ok=True)
        write_atomically(self._folder / DESCRIPTION, msgspec.json.encode(made))
        return made.problem or _kept(made)

    def _complete(self, made: Checkpoint) -> Checkpoint:
        index = msgspec.json.decode((self._folder / _INDEX).read_bytes(), type=_Names)
        if self._reported.staged:
            self._stage.rename(self._folder / STAGE)
        staged = tuple(
            replace(one, folder=str(Path(one.folder).resolve().relative_to(self._stage.resolve())))
            for one in self._reported.staged
        )
        return replace(
            made,
            reported=replace(self._reported, staged=staged),
            bytes=index.bytes,
            names=index.names,
            left_out=index.left_out,
            uses=index.uses,
        )


def keeper_for(context: AttemptContext, record: RunRecord, prepared: Prepared) -> Keeper | None:
    """Return the keeper of an attempt; None if its policy saves no checkpoints."""
    if not context.claim.run.new.policy.checkpoint or prepared.kernel.language != "python":
        return None
    number = context.claim.attempt.number
    return Keeper(folder=context.folder, attempt=number, record=record, prepared=prepared)


def load_checkpoint(folder: Path) -> Checkpoint:
    """Return the checkpoint of an attempt.

    Raises:
        NotFound: There is none, or it cannot be read.
    """
    number = folder.name
    if not folder.is_dir():
        raise NotFound(f"the folder of attempt {number} is missing, or on another machine")
    try:
        fields = msgspec.json.decode((folder / CHECKPOINT / DESCRIPTION).read_bytes(), type=dict)
        if "said" in fields:
            # The name of the field in checkpoints of earlier versions.
            fields["reported"] = fields.pop("said")
        return msgspec.convert(fields, Checkpoint)
    except FileNotFoundError:
        raise NotFound(
            f"attempt {number} saved no variables; they are saved when a cell of a Python "
            "notebook fails that was run or scheduled with --checkpoint"
        ) from None
    except (OSError, msgspec.MsgspecError) as problem:
        raise NotFound(f"the checkpoint of attempt {number} is damaged: {problem}") from problem


def discard_checkpoint(folder: Path) -> None:
    """Delete the checkpoint of an attempt, if there is one."""
    shutil.rmtree(folder / CHECKPOINT, ignore_errors=True)


def discard_superseded(folder: Path, claim: Claim, outcome: Outcome) -> None:
    """Delete the checkpoints that are not needed any more when an attempt has ended.

    After a success these are the checkpoints of all earlier attempts. If the attempt saved one
    itself, the one from which the run resumed is kept.
    """
    if outcome is not Outcome.SUCCEEDED:
        try:
            if load_checkpoint(folder).problem:
                return
        except NotFound:
            return
    for number in range(1, claim.attempt.number):
        if outcome is Outcome.SUCCEEDED or number != claim.run.resume_from:
            discard_checkpoint(folder.parent / str(number))


def carried_over(checkpoint: Checkpoint, folder: Path, new: Path) -> Reported:
    """Copy the staged outputs of an attempt to another one; the checkpoint is not changed.

    Args:
        new: Folder of the attempt that resumes.

    Returns:
        The reports of the new attempt.

    Raises:
        OSError: The files do not exist, or cannot be written.
    """
    staged = []
    for one in checkpoint.reported.staged:
        target = new / STAGE / one.folder
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(
            folder / CHECKPOINT / STAGE / one.folder, target, copy_function=_link_or_copy
        )
        staged.append(replace(one, folder=str(target)))
    return replace(checkpoint.reported, staged=tuple(staged))


def kernel_call(verb: str, folder: Path, **arguments: object) -> str:
    """Return the code with which a kernel saves (``keep``) or loads (``restore``) its variables."""
    options = "".join(f", {name}={value!r}" for name, value in arguments.items())
    module = f"__import__({KERNEL_MODULE!r}, fromlist=[{verb!r}])"
    return f"{module}.{verb}(get_ipython(), {str(folder)!r}{options})"


def _code_before(cell: int, prepared: Prepared) -> tuple[str, ...]:
    return tuple(
        str(one["source"]) for one in prepared.cells[:cell] if one.get("cell_type") == "code"
    )


def _kept(made: Checkpoint) -> str:
    size = rounded_size(made.bytes)
    text = f"saved {len(made.names)} variables ({size}), to resume at cell {made.failed_cell + 1}"
    if made.left_out:
        names = "; ".join(f"{name} ({why})" for name, why in sorted(made.left_out.items()))
        text += f"; left out: {names}"
    return text


def _link_or_copy(source: str, target: str) -> str:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
