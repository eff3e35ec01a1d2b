"""A home, a ledger and notebooks, to run attempts in this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import nbformat

from fakes.lakes import FakeLake
from jupyter_etl.model import (
    DEFAULT_TIMEOUT_S,
    AttemptReport,
    Checkpoint,
    Committed,
    Difference,
    Failure,
    NewRun,
    Outcome,
    Partition,
    Policy,
    PublicationKind,
    PublicationVersion,
    Resumption,
    Run,
    RunState,
    Staged,
    TimeLimit,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Claim, Publisher, Reading, ReadRequest, Store
from jupyter_etl.runner.attempt import run_attempt
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.events import read_events
from jupyter_etl.runner.folders import EVENTS, EXECUTED, save_claim
from jupyter_etl.runner.limits import Limits
from jupyter_etl.scheduling.resume import plan_resumption

AT = datetime(2026, 1, 2, 6, tzinfo=UTC)


class SystemClock:
    """The real time."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)


class FakePublisher:
    """Records commits; a publication named ``broken`` raises a given error.

    Args:
        kind: Kind of its publications.
        problem: Raised by the commit of ``broken``.
        on_commit: Called with every commit.
    """

    def __init__(
        self,
        kind: PublicationKind,
        *,
        problem: Exception | None = None,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self.kind = kind
        self.commits: list[dict[str, Any]] = []
        self._problem = problem
        self._on_commit = on_commit

    def stage(self, request: Staged, data: object) -> Staged:
        return request

    def compare(self, staged: Staged, previous: PublicationVersion) -> None:
        """Return no difference."""

    def commit(
        self,
        staged: Staged,
        *,
        lake: str,
        draft: bool,
        number: int,
        token: str,
        previous: PublicationVersion | None,
    ) -> Committed:
        self._on_commit()
        if staged.name == "broken" and self._problem is not None:
            raise self._problem
        self.commits.append(
            {"staged": staged, "draft": draft, "number": number, "token": token, "lake": lake}
            | {"previous": previous and previous.number}
        )
        return Committed(
            name=staged.name, kind=self.kind, location=f"{lake}/{staged.name}", rows=staged.rows
        )

    def read(self, version: PublicationVersion, request: ReadRequest) -> Reading:
        raise AssertionError("nothing reads here")


def notebook_text(
    cells: Sequence[str | tuple[str, str]],
    *,
    kernel: str | None = "python3",
    parameters: int | None = None,
) -> str:
    """Return the JSON of a notebook.

    Args:
        cells: Code; or ``("markdown", text)``.
        kernel: Kernel in the metadata; None leaves the metadata empty.
        parameters: Index of the cell tagged as papermill's parameters cell.
    """
    made = [
        nbformat.v4.new_code_cell(cell)  # type: ignore[no-untyped-call]
        if isinstance(cell, str)
        else nbformat.v4.new_markdown_cell(cell[1])  # type: ignore[no-untyped-call]
        for cell in cells
    ]
    if parameters is not None:
        made[parameters]["metadata"]["tags"] = ["parameters"]
    notebook = nbformat.v4.new_notebook(cells=made)  # type: ignore[no-untyped-call]
    if kernel is not None:
        notebook["metadata"]["kernelspec"] = {
            "name": kernel,
            "display_name": kernel,
            "language": "python",
        }
        notebook["metadata"]["language_info"] = {"name": "python"}
    text: str = nbformat.v4.writes(notebook)  # type: ignore[no-untyped-call]
    return text


class FakePolicy:
    """Never retries, never holds, and attributes every failure to the notebook.

    Attributes:
        judged: See `AttemptHarness`.
    """

    def __init__(self) -> None:
        self.judged: list[tuple[str, str]] = []

    def time_limit(self, new: NewRun) -> TimeLimit:
        return TimeLimit(seconds=new.policy.timeout_s or DEFAULT_TIMEOUT_S)

    def resumption(
        self, checkpoint: Checkpoint, snapshot: str, parameters: Mapping[str, object]
    ) -> Resumption:
        return plan_resumption(checkpoint, snapshot, parameters)

    def gate(self, difference: Difference, staged: Staged) -> Difference:
        return difference

    def verdict(self, failure: Failure) -> Verdict:
        self.judged.append((failure.error_type or failure.kind, failure.message))
        return Verdict(kind=VerdictKind.NOTEBOOK, evidence=failure.message)

    def next_state(
        self, run: Run, report: AttemptReport, now: datetime
    ) -> tuple[RunState, datetime | None]:
        ends = {Outcome.TIMED_OUT: RunState.FAILED, Outcome.LOST: RunState.FAILED}
        return ends.get(report.outcome) or RunState(report.outcome), None


class AttemptHarness:
    """Creates claims of notebooks and runs them in this process.

    Args:
        folder: Folder of all files.
        store: The ledger.
        store_url: URL of the ledger, for runners in processes of their own.
    """

    def __init__(self, folder: Path, store: Store, store_url: str) -> None:
        self.store_url = store_url
        self.home = folder / "home"
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir()
        self.store = store
        self.table = FakePublisher(PublicationKind.TABLE)
        self.report = FakePublisher(PublicationKind.REPORT)
        self.lease_s = 30.0
        self.heartbeat_s = 0.2
        self.limits = Limits()
        self.policy = FakePolicy()

    @property
    def judged(self) -> list[tuple[str, str]]:
        """The failures that were judged: type of the error or kind of the failure, and message."""
        return self.policy.judged

    def claim(
        self,
        body: str,
        *,
        parameters: Mapping[str, object] | None = None,
        timeout_s: float = 60.0,
        memory_bytes: int | None = None,
        draft: bool = False,
        checkpoint: bool = False,
        name: str = "nb",
    ) -> Claim:
        """Queue a run of this text without a deployment, and claim it."""
        notebook = self.notebooks / f"{name}.ipynb"
        notebook.write_text(body)
        run = self.store.add_run(
            NewRun(
                pipeline=name,
                content_hash=self.store.save_snapshot(body),
                notebook=str(notebook),
                logical_key=f"manual:{time.monotonic_ns():x}",
                logical_at=AT,
                interval=Partition(start=AT - timedelta(days=1), end=AT),
                due_at=AT,
                owner="sam",
                parameters=parameters or {},
                policy=Policy(
                    timeout_s=timeout_s, memory_bytes=memory_bytes, checkpoint=checkpoint
                ),
                draft=draft,
            ),
            now=AT,
        )
        [claim] = self.store.claim("test", now=AT, limit=1, run_id=run.id)
        return claim

    def folder(self, claim: Claim) -> Path:
        """Write the claim into the attempt's folder, and return that."""
        return save_claim(self.home, claim)

    def context(self, claim: Claim, **more: Any) -> AttemptContext:
        """Return the context of an attempt of this claim."""
        publishers: dict[PublicationKind, Publisher] = {
            PublicationKind.TABLE: cast("Publisher", self.table),
            PublicationKind.REPORT: cast("Publisher", self.report),
        }
        has: dict[str, Any] = {
            "claim": claim,
            "folder": self.folder(claim),
            "store": self.store,
            "publishers": publishers,
            "clock": SystemClock(),
            "lake": FakeLake(),
            "heartbeat_s": self.heartbeat_s,
            "lease_s": self.lease_s,
            "limits": self.limits,
        }
        return AttemptContext(**(has | more))

    def run(self, claim: Claim) -> AttemptReport:
        """Run the attempt."""
        return run_attempt(self.context(claim), self.policy)

    def run_text(self, body: str, **options: Any) -> tuple[AttemptReport, Claim]:
        """Claim a run of this text and run the attempt."""
        claim = self.claim(body, **options)
        return self.run(claim), claim

    def events(self, claim: Claim, kind: str | None = None) -> list[dict[str, Any]]:
        """Return the events of the attempt."""
        said = read_events(self.folder(claim) / EVENTS)
        return [event for event in said if kind in (None, event["kind"])]

    def executed(self, claim: Claim) -> Any:
        """Read the executed notebook."""
        path = self.folder(claim) / EXECUTED
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]


def outputs(notebook: Any) -> str:
    """Return all output of the cells, as one text."""
    text = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            text.append(output.get("text", ""))
            text.append(output.get("data", {}).get("text/plain", ""))
    return "".join(text)


def with_token(claim: Claim, token: str) -> Claim:
    """Return the claim of an attempt that is no longer the owner."""
    return replace(claim, attempt=replace(claim.attempt, token=token))
