"""Runs of every kind in the ledger, with the files that a runner writes."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    NewRun,
    Outcome,
    Partition,
    Read,
    Run,
    RunState,
    Verdict,
    VerdictKind,
)
from jupyter_etl.ports import Claim
from jupyter_etl.runner.folders import EVENTS, save_claim
from jupyter_etl.services.etl import Etl

AT = datetime(2026, 1, 31, 5, tzinfo=UTC)


READ = Read(source="wh", table="orders", version="7", rows=1204, seconds=0.42)
CHECK = CheckResult(
    rule=CheckRule(text="a > 5", kind="expression"),
    status=CheckStatus.ERROR,
    dataset="orders",
    failed_rows=3,
    total_rows=9,
    message="3 of 9 rows: a > 5 is false",
)
FAILED = AttemptReport(
    outcome=Outcome.FAILED,
    error="KeyError: 'x'",
    failed_cell=2,
    reads=(READ,),
    checks=(CHECK,),
    verdict=Verdict(
        kind=VerdictKind.DATA,
        evidence="A column is missing: KeyError: 'x'",
        cause="A column is missing",
    ),
)


class RunHarness:
    """Makes runs of every kind in the ledger, and the files that a runner would have written."""

    def __init__(self, etl: Etl) -> None:
        self.etl = etl
        self.now = AT

    def later(self, seconds: float = 1) -> datetime:
        self.now += timedelta(seconds=seconds)
        return self.now

    def queued(self, **more: object) -> Run:
        new = NewRun(
            pipeline="daily-sales",
            version=3,
            content_hash=self.etl.store.save_snapshot("{}"),
            notebook="/n/daily-sales.ipynb",
            logical_key=f"manual:{self.now.isoformat()}",
            logical_at=AT,
            interval=Partition(start=AT, end=AT),
            due_at=AT,
            owner="sam",
            timezone="Europe/Paris",
        )
        return self.etl.store.add_run(replace(new, **more), now=AT)  # type: ignore[arg-type]

    def claimed(self, run: Run) -> Claim:
        (claim,) = self.etl.store.claim(
            "0123456789abcdef", now=self.later(), limit=1, run_id=run.id
        )
        save_claim(self.etl.settings.home, claim)
        return claim

    def started(self, run: Run) -> Claim:
        claim = self.claimed(run)
        one = claim.attempt
        self.etl.store.start_attempt(
            run.id, one.number, one.token, host="vm7", pid=12, cells=3, now=self.later()
        )
        return claim

    def ended(
        self,
        claim: Claim,
        report: AttemptReport = FAILED,
        state: RunState = RunState.FAILED,
        not_before: datetime | None = None,
    ) -> None:
        one = claim.attempt
        self.etl.store.finish_attempt(
            one.run_id, one.number, one.token, report,
            state=state, not_before=not_before, now=self.later(3),
        )  # fmt: skip

    def folder(self, claim: Claim) -> Path:
        return self.etl.settings.home / "runs" / f"{claim.run.id:08}" / str(claim.attempt.number)

    def event(self, claim: Claim, kind: str, **fields: object) -> None:
        event = {"at": self.later().isoformat(), "kind": kind, **fields}
        with (self.folder(claim) / EVENTS).open("a") as file:
            file.write(json.dumps(event) + "\n")
