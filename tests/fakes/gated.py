"""A ledger and a lake whose runs pass the publish gate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from fakes.commits import TABLE, Publishing
from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    Committed,
    Outcome,
    PublicationVersion,
    PublishMode,
    RunState,
    Staged,
)
from jupyter_etl.ports import Claim
from jupyter_etl.runner.commit import HeldBack, commit_outputs
from jupyter_etl.runner.folders import STAGE, save_claim
from jupyter_etl.scheduling.attempt_policy import StandardAttemptPolicy
from jupyter_etl.services import Settings
from jupyter_etl.services.publications.holds import Holds

BROKEN = CheckResult(
    rule=CheckRule(text="id: unique", kind="unique", column="id"),
    status=CheckStatus.ERROR,
    dataset="rows",
    failed_rows=2,
    total_rows=9,
    message="2 of 9 rows: id is not unique",
)


class Gated(Publishing):
    """A ledger and a lake whose runs pass the gate, as a runner makes them pass."""

    @property
    def settings(self) -> Settings:
        return Settings.from_env({}, home=str(self.base / "home"), lake=self.lake, owner="ada")

    @property
    def holds(self) -> Holds:
        return Holds(self.store, self.clock, self.settings)

    def make(self, key: str, *staged: Staged, broken: tuple[CheckResult, ...] = ()) -> Claim:
        """Make the whole attempt of a run that has staged this.

        Args:
            key: Of the run.
            staged: Its outputs.
            broken: What its failed checks of severity error found.
        """
        claim = self.run(key)
        stage = save_claim(self.settings.home, claim) / STAGE
        moved = tuple(
            replace(one, folder=str(Path(one.folder).rename(stage / str(n))))
            for n, one in enumerate(staged)
        )
        try:
            committed = self.pass_gate(claim, moved, broken)
        except HeldBack as held:
            report = AttemptReport(
                outcome=Outcome.HELD,
                error=held.sentence,
                staged=moved,
                differences=held.differences,
                checks=broken,
            )
            self._end(claim, report, RunState.HELD)
        else:
            self.finish(claim, committed)
        return claim

    def pass_gate(
        self, claim: Claim, staged: Sequence[Staged], broken: tuple[CheckResult, ...]
    ) -> tuple[Committed, ...]:
        policy = StandardAttemptPolicy(store=self.store)
        return commit_outputs(self.context(claim), policy, staged, failed_checks=broken)

    def rows(self, count: int, *, first: int = 0, **declared: Any) -> Staged:
        table = pa.table({"id": range(first, first + count), "day": [first] * count})
        return self.stage(table, **{"mode": PublishMode.REPLACE, **declared})

    def live(self, name: str = TABLE) -> PublicationVersion:
        version = self.store.load_publication(name).live
        assert version is not None
        return version

    def state(self, claim: Claim) -> RunState:
        return self.store.load_run(claim.run.id).state


class Later:
    """The time, some days from now."""

    def __init__(self, days: float) -> None:
        self._by = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._by


def with_ten_rows(base: Path) -> Gated:
    """Return a ledger and a lake whose live version of `TABLE` has ten rows."""
    made = Gated(base)
    made.make("first", made.rows(10))
    return made
