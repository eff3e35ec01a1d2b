"""A runner process for tests: ``python attempt_process.py LEDGER_URL FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from fakes.attempts import FakePublisher, SystemClock, decide
from fakes.lakes import FakeLake
from jupyter_etl.ledger import open_store
from jupyter_etl.model import Outcome, PublicationKind, Verdict, VerdictKind
from jupyter_etl.ports import Publisher
from jupyter_etl.runner.runner import run_attempt
from jupyter_etl.scheduling.resume import plan_resumption


def judge(
    error_type: str,
    message: str,
    *,
    outcome: Outcome,
    source: str = "",
    retryable: bool | None = None,
) -> Verdict:
    """Blame the notebook."""
    return Verdict(kind=VerdictKind.NOTEBOOK, evidence=message)


if __name__ == "__main__":
    store = open_store(sys.argv[1])
    report = run_attempt(
        Path(sys.argv[2]),
        store=store,
        publishers={PublicationKind.TABLE: cast("Publisher", FakePublisher(PublicationKind.TABLE))},
        clock=SystemClock(),
        decide=decide,
        judge=judge,
        plan_resumption=plan_resumption,
        lake=FakeLake(),
        heartbeat_s=0.2,
        lease_s=30.0,
    )
    store.close()
    sys.exit(0 if report.outcome is Outcome.SUCCEEDED else 1)
