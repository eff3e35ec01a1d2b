"""An executor without processes, whose runners are controlled by the test."""

from __future__ import annotations

from jupyter_etl.errors import ExecutionError
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.ports import Claim, Clock, Store


class FakeExecutor:
    """Starts attempts in the ledger only; `succeed`, `end` and `die` continue them.

    Args:
        store: The ledger that its runners write to; None for runners that never start.
        clock: Clock of its runners.
        finish_at_once: Whether every attempt succeeds as soon as it is started.
    """

    def __init__(self, store: Store | None, clock: Clock, *, finish_at_once: bool = False) -> None:
        self._store = store
        self._clock = clock
        self._finish_at_once = finish_at_once
        self.failing_starts = 0
        self.started: list[Claim] = []
        self.exits: list[tuple[int, int, int]] = []
        self.cleaned_up: list[Claim] = []
        self.closed = False

    def start(self, claim: Claim) -> None:
        """Start an attempt, or fail as long as ``failing_starts`` is positive."""
        if self.failing_starts > 0:
            self.failing_starts -= 1
            raise ExecutionError("no process could be made")
        self.started.append(claim)
        if self._store is None:
            return
        attempt = claim.attempt
        self._store.start_attempt(
            attempt.run_id,
            attempt.number,
            attempt.token,
            host="here",
            pid=1,
            cells=1,
            now=self._clock.now(),
        )
        if self._finish_at_once:
            self.succeed(claim)

    def ended(self) -> list[tuple[int, int, int]]:
        """Return the exits since the last call."""
        exits, self.exits = self.exits, []
        return exits

    def clean_up(self, claim: Claim) -> None:
        """Record the attempts whose orphans were ended."""
        self.cleaned_up.append(claim)

    def close(self) -> None:
        """Record the call."""
        self.closed = True

    def heartbeat(self, claim: Claim) -> None:
        """Send one heartbeat for an attempt."""
        assert self._store is not None
        self._store.heartbeat(claim.run.id, claim.attempt.number, claim.attempt.token)

    def succeed(self, claim: Claim) -> None:
        """Make the runner of an attempt report success and exit."""
        self.end(claim, AttemptReport(outcome=Outcome.SUCCEEDED), RunState.SUCCEEDED)

    def end(self, claim: Claim, report: AttemptReport, state: RunState) -> None:
        """Make the runner of an attempt report and exit."""
        assert self._store is not None
        self._store.finish_attempt(
            claim.run.id,
            claim.attempt.number,
            claim.attempt.token,
            report,
            state=state,
            not_before=None,
            now=self._clock.now(),
        )
        self.exits.append((claim.run.id, claim.attempt.number, 0))

    def die(self, claim: Claim, code: int = -9) -> None:
        """Make the runner of an attempt exit without a report."""
        self.exits.append((claim.run.id, claim.attempt.number, code))
