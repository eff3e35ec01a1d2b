"""Runs of the faked facade."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from fakes.etl_values import (
    TOKEN,
    a_run,
    a_version,
    summary_of,
)
from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.model import (
    TERMINAL,
    Attempt,
    Cause,
    CheckResult,
    CheckRule,
    CheckStatus,
    Outcome,
    PublicationKind,
    Read,
    Retried,
    Run,
    RunState,
    RunSummary,
    Verdict,
    VerdictKind,
)

if TYPE_CHECKING:
    from fakes.etl import FakeEtl


class FakeRuns:
    def __init__(self, etl: FakeEtl) -> None:
        self._etl = etl
        now = etl.clock.now()
        rule = CheckRule(text="fare >= 0", kind="expression", argument="fare >= 0")
        check = CheckResult(
            rule=rule,
            status=CheckStatus.ERROR,
            dataset="trips",
            failed_rows=3,
            total_rows=100,
            message="3 of 100 rows break it.",
            sample=({"fare": "-1"},),
        )
        good = a_run(
            1,
            "delays",
            now - timedelta(days=1),
            published=(
                a_version("sales.daily", PublicationKind.TABLE, now, etl.root / "lake" / "daily"),
            ),
            reads=(Read(source="trips", version="abc", rows=100, bytes=2_000),),
        )
        held = a_run(
            2,
            "delays",
            now,
            state=RunState.HELD,
            outcome=Outcome.HELD,
            error="Check failed: fare >= 0",
            failed_cell=5,
            verdict=Verdict(kind=VerdictKind.DATA, evidence="3 rows break 'fare >= 0'."),
            checks=(check,),
        )
        self.held = {1: good, 2: held}

    def trigger(
        self,
        pipeline: str,
        *,
        parameters: dict[str, object] | None = None,
        draft: bool = False,
        wait: bool = False,
    ) -> Run:
        self._etl.calls.append("runs.trigger")
        self._etl.pipelines.get(pipeline)
        made = a_run(
            max(self.held, default=0) + 1,
            pipeline,
            self._etl.clock.now(),
            state=RunState.QUEUED,
            outcome=None,
            attempts=0,
            output="",
        )
        made = replace(made, new=replace(made.new, parameters=parameters or {}, draft=draft))
        self.held[made.id] = made
        return made

    def last(self, pipelines: Sequence[str], *, count: int) -> dict[str, list[RunSummary]]:
        self._etl.calls.append("runs.last")
        return self.newest(pipelines, count=count)

    def newest(
        self,
        pipelines: Sequence[str],
        *,
        count: int,
        states: Sequence[RunState] = (),
        causes: Sequence[Cause] = (),
        live: bool = False,
    ) -> dict[str, list[RunSummary]]:
        """Answer as `Store.load_last_runs`."""
        runs = [
            summary_of(self.held[number])
            for number in sorted(self.held, reverse=True)
            if (not states or self.held[number].state in states)
            and (not causes or self.held[number].new.cause in causes)
            and not (live and self.held[number].new.draft)
        ]
        return {name: [run for run in runs if run.pipeline == name][:count] for name in pipelines}

    def list(
        self,
        *,
        pipeline: str | None = None,
        states: tuple[RunState, ...] = (),
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        self._etl.calls.append("runs.list")
        return self._found(pipeline, states)[offset : offset + limit]

    def count(self, *, pipeline: str | None = None, states: tuple[RunState, ...] = ()) -> int:
        return len(self._found(pipeline, states))

    def get(self, run_id: int) -> Run:
        self._etl.calls.append("runs.get")
        if run_id not in self.held:
            raise NotFound(f"There is no run {run_id}.")
        return self.held[run_id]

    def attempts(self, run_id: int) -> list[Attempt]:
        run = self.get(run_id)
        return [
            Attempt(
                run_id=run_id,
                number=number,
                token=TOKEN,
                claimed_by="s1",
                claimed_at=run.created_at,
                outcome=run.outcome,
                verdict=run.verdict,
            )
            for number in range(1, run.attempts + 1)
        ]

    def cancel(self, run_id: int) -> Run:
        self._etl.calls.append("runs.cancel")
        self.held[run_id] = replace(self.get(run_id), cancel_requested=True)
        return self.held[run_id]

    def retry(self, run_id: int) -> Run:
        self._etl.calls.append("runs.retry")
        run = self.get(run_id)
        if run.state not in TERMINAL:
            raise Conflict(f"Run {run_id} is {run.state}.")
        self.held[run_id] = replace(run, state=RunState.QUEUED, finished_at=None)
        return self.held[run_id]

    def retry_from_failed_cell(self, run_id: int) -> Retried:
        return Retried(run=self.retry(run_id), why_not="attempt 1 kept no variables")

    def log(self, run_id: int) -> str:
        return f"run {self.get(run_id).id}\n"

    def notebook(self, run_id: int) -> str:
        self.get(run_id)
        return '{"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}'

    def _found(self, pipeline: str | None, states: tuple[RunState, ...]) -> list[Run]:
        return [
            self.held[run_id]
            for run_id in sorted(self.held, reverse=True)
            if pipeline in (None, self.held[run_id].new.pipeline)
            and (not states or self.held[run_id].state in states)
        ]


class FakeLedger:
    """What `Health` asks the ledger for."""

    def __init__(self, etl: FakeEtl) -> None:
        self.load_last_runs = etl.runs.newest
        self.load_runs = etl.runs.list
        self.load_holds = etl.holds.list
        self.load_pipelines = etl.pipelines.list
        self.load_publications = etl.publications.list
        self.load_breakers = lambda: list(etl.sources.silent().values())
