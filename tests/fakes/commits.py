"""Runs that publish to one table: the real ledger, publisher and commits, without a notebook."""

from __future__ import annotations

import os
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from contracts.store_values import a_run
from fakes.attempts import FakePolicy, SystemClock
from fakes.ledger import ledger_in
from jupyter_etl.ledger import open_store
from jupyter_etl.model import (
    AttemptReport,
    Committed,
    Outcome,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim, Clock, ReadRequest, Store
from jupyter_etl.publishing.files.publisher import FilePublisher
from jupyter_etl.publishing.reports.publisher import ReportPublisher
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.runner.commit import commit_outputs
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.watchdogs.cancellation import Cancellation
from jupyter_etl.services.lakes import LedgerLake

TABLE = "shared.rows"
ROWS = 5
MODES: dict[str, dict[str, object]] = {
    "append": {"mode": PublishMode.APPEND},
    "upsert": {"mode": PublishMode.UPSERT, "key": ("run", "row")},
    "partition": {"mode": PublishMode.REPLACE, "partition_by": ("run",)},
    "replace": {"mode": PublishMode.REPLACE},
}
"""The publishing options of each mode of a table."""


class _NotCompared(TablePublisher):
    """Commits without a publish gate: nothing is compared."""

    def compare(self, staged: Staged, previous: PublicationVersion) -> None:
        return None


class Publishing:
    """A ledger and a lake in one folder.

    Args:
        base: The folder.
        store: The ledger; by default SQLite in the folder.
    """

    def __init__(self, base: Path, store: Store | None = None) -> None:
        self.base = base
        self.lake = str(base / "lake")
        self.store: Store = store or open_store(ledger_in(base))
        self.executed = base / "executed.ipynb"
        self.clock: Clock = SystemClock()
        self.cancellation = Cancellation()

    def run(self, key: str) -> Claim:
        """Add a run and start its first attempt."""
        return self.attempt(self.store.add_run(a_run(key), now=self.clock.now()).id)

    def attempt(self, run_id: int) -> Claim:
        """Start the next attempt of a run."""
        now = self.clock.now()
        (claim,) = self.store.claim("s", now=now + timedelta(days=1), limit=1, run_id=run_id)
        one = claim.attempt
        self.store.start_attempt(
            run_id, one.number, one.token, host="h", pid=os.getpid(), cells=1, now=now
        )
        return claim

    def stage(self, rows: pa.Table, *, name: str = TABLE, **declared: object) -> Staged:
        request = Staged(
            name=name,
            kind=PublicationKind.TABLE,
            folder=tempfile.mkdtemp(dir=self.base),
            **{"mode": PublishMode.APPEND, **declared},  # type: ignore[arg-type]
        )
        return TablePublisher().stage(request, rows.to_reader())

    def stage_file(self, name: str, text: str, *, path: str = "a.txt") -> Staged:
        folder = Path(tempfile.mkdtemp(dir=self.base))
        source = folder / "source.txt"
        source.write_text(text)
        request = Staged(
            name=name,
            kind=PublicationKind.FILE,
            folder=tempfile.mkdtemp(dir=self.base),
            options={"path": path, "source": str(source)},
        )
        return FilePublisher().stage(request, None)

    def stage_report(self, name: str) -> Staged:
        folder = tempfile.mkdtemp(dir=self.base)
        request = Staged(name=name, kind=PublicationKind.REPORT, folder=folder, title=name)
        return ReportPublisher().stage(request, None)

    def rows_of(self, claim: Claim) -> pa.Table:
        """Return the rows that a run publishes."""
        return pa.table({"run": [claim.run.id] * ROWS, "row": range(ROWS)})

    def commit(self, claim: Claim, staged: Sequence[Staged]) -> tuple[Committed, ...]:
        return commit_outputs(self.context(claim, _NotCompared()), FakePolicy(), staged)

    def context(self, claim: Claim, tables: TablePublisher | None = None) -> AttemptContext:
        """Return the context of an attempt of this claim."""
        return AttemptContext(
            claim=claim,
            folder=self.base,
            store=self.store,
            publishers={
                PublicationKind.TABLE: tables or TablePublisher(),
                PublicationKind.FILE: FilePublisher(),
                PublicationKind.REPORT: ReportPublisher(),
            },
            clock=self.clock,
            lake=LedgerLake(root=self.lake, store=self.store),
            heartbeat_s=5.0,
            lease_s=30.0,
            cancellation=self.cancellation,
        )

    def finish(
        self, claim: Claim, committed: Iterable[Committed], **more: Any
    ) -> list[PublicationVersion]:
        report = AttemptReport(outcome=Outcome.SUCCEEDED, committed=tuple(committed), **more)
        return self._end(claim, report, RunState.SUCCEEDED)

    def lose(self, claim: Claim) -> None:
        """Recover an attempt whose runner was killed."""
        self._end(claim, AttemptReport(outcome=Outcome.LOST), RunState.QUEUED)

    def _end(
        self, claim: Claim, report: AttemptReport, state: RunState
    ) -> list[PublicationVersion]:
        one = claim.attempt
        return self.store.finish_attempt(
            *(one.run_id, one.number, one.token, report),
            state=state,
            not_before=None,
            now=self.clock.now(),
        )

    def publish(self, claim: Claim, **declared: Any) -> PublicationVersion:
        """Run the whole attempt."""
        staged = self.stage(self.rows_of(claim), **declared)
        (version,) = self.finish(claim, self.commit(claim, [staged]))
        return version

    def read(self, version: PublicationVersion | None = None) -> pa.Table:
        """Return the rows of a version, by default of the live one."""
        found = version or self.store.load_publication(TABLE).live
        assert found is not None
        return TablePublisher().read(found, ReadRequest()).batches.read_all()

    def wrong(self) -> list[str]:
        """Return the errors of the live version: missing, duplicate or unexpected rows."""
        live = self.store.load_publication(TABLE).live
        assert live is not None
        history = self.store.load_publication_versions(TABLE)
        return wrong_rows(self.read(live), [v for v in history if v.number <= live.number])


def wrong_rows(rows: pa.Table, history: Sequence[PublicationVersion]) -> list[str]:
    """Compare rows with the recorded runs up to their version."""
    counted = Counter(zip(rows["run"].to_pylist(), rows["row"].to_pylist(), strict=True))
    expected = {(version.run_id, row) for version in history for row in range(ROWS)}
    return [
        *(f"{one} is absent" for one in sorted(expected - counted.keys())),
        *(f"{one} was never recorded" for one in sorted(counted.keys() - expected)),
        *(f"{one} is there {n} times" for one, n in sorted(counted.items()) if n > 1),
    ]
