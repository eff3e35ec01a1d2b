"""A runner process for tests: ``python attempt_process.py LEDGER_URL FOLDER``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import cast

from fakes.attempts import FakePolicy, FakePublisher, SystemClock
from fakes.lakes import FakeLake
from jupyter_etl.ledger import open_store
from jupyter_etl.model import Outcome, PublicationKind
from jupyter_etl.ports import Publisher
from jupyter_etl.runner.attempt import run_attempt
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import load_claim

if __name__ == "__main__":
    store, folder = open_store(sys.argv[1]), Path(sys.argv[2])
    table = cast("Publisher", FakePublisher(PublicationKind.TABLE))
    context = AttemptContext(
        claim=load_claim(folder),
        folder=folder,
        store=store,
        publishers={PublicationKind.TABLE: table},
        clock=SystemClock(),
        lake=FakeLake(),
        heartbeat_s=0.2,
        lease_s=30.0,
    )
    report = run_attempt(context, FakePolicy())
    store.close()
    sys.exit(0 if report.outcome is Outcome.SUCCEEDED else 1)
