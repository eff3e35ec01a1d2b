"""A small installation to send requests to: a folder of notebooks, a ledger and a lake."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
from jupyter_server.serverapp import ServerApp

from contracts.store_values import claim_one, finish, start
from fakes.commits import Publishing
from fakes.notebooks import code, write_notebook
from jupyter_etl.model import (
    AttemptReport,
    CheckResult,
    CheckRule,
    CheckStatus,
    Cursor,
    CursorKind,
    CursorMove,
    CursorStart,
    CursorValue,
    Freshness,
    Outcome,
    PublishMode,
    Read,
    RunState,
    Staged,
    Verdict,
    VerdictKind,
)
from jupyter_etl.notebook.interactive import InteractiveChannel
from jupyter_etl.ports import Claim, SchedulerInfo
from jupyter_etl.publishing.tables.publisher import TablePublisher
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.service import EtlService
from jupyter_etl.scheduling.publish_gate import judge_difference
from jupyter_etl.services import Etl, Settings
from jupyter_etl.services.settings import host_name

TABLE, FILE, REPORT = "sales.daily", "export", "morning-brief"
SUCCEEDED, HELD = 1, 2
"""Numbers of the runs."""

REPLACED: dict[str, Any] = {"name": TABLE, "mode": PublishMode.REPLACE}
DAYS = pa.table({"day": [f"2025-03-{day:02}" for day in range(1, 11)], "delay": [0.5] * 10})
BROKEN = CheckResult(
    rule=CheckRule(text="fare >= 0", kind="expression", argument="fare >= 0"),
    status=CheckStatus.ERROR,
    dataset="trips",
    failed_rows=3,
    total_rows=100,
    message="3 of 100 rows break it.",
    sample=({"fare": "-1"},),
)
ID = Cursor(source="trips", table="", column="id")


def add_scheduler(etl: Etl) -> None:
    """Record a scheduler that is alive."""
    now = etl.clock.now()
    etl.store.save_scheduler(
        SchedulerInfo(id="s1", host=host_name(), pid=os.getpid(), workers=2, seen_at=now)
    )


def publish_interactively(etl: Etl, stage: Callable[[Publishing], Staged]) -> None:
    """Publish what a function stages as the live version."""
    publishing = Publishing(etl.settings.home, etl.store)
    channel = InteractiveChannel(etl, notebook=lambda: None)
    channel.publish(stage(publishing), live=True)
    channel.close()


def content_of(*folders: Path) -> dict[str, object]:
    """Return the rows of the ledgers in some folders, and all other files there with their sizes."""
    found: dict[str, object] = {}
    for path in sorted(path for folder in folders for path in folder.rglob("*")):
        if path.name == "ledger.sqlite":
            with closing(sqlite3.connect(path)) as ledger:
                tables = ledger.execute("select name from sqlite_master where type = 'table'")
                for (name,) in tables.fetchall():
                    rows = ledger.execute(f'select * from "{name}"')
                    found[f"{path}: {name}"] = sorted(map(repr, rows))
        elif not path.name.startswith("ledger.sqlite"):
            found[str(path)] = path.stat().st_size if path.is_file() else None
    return found


def serve(server: ServerApp, etl: Etl, **options: Any) -> None:
    """Let the routes of a server call a facade, which none of them has reached yet."""
    server.web_app.settings[SERVICE] = EtlService(lambda: etl, **options)


def reached(server: ServerApp) -> bool:
    """Return whether a route has called the facade since `serve`."""
    return bool(server.web_app.settings[SERVICE].is_open)


class Example:
    """The installation, at the same paths for all tests; made once, and copied back for each.

    Sam has the source ``trips`` and the pipeline ``delays`` with two runs. The first has published
    version 2 of a table, a file and a report; the second is held. Kim has the pipeline ``brief``.

    Args:
        base: An empty folder for it.
    """

    def __init__(self, base: Path) -> None:
        self.base = base / "now"
        self._made = base / "made"
        self.clear()

    @property
    def root(self) -> Path:
        """The folder that Jupyter shows."""
        return self.base / "root_dir"

    @property
    def home(self) -> Path:
        """The folder of the ledger and the lake."""
        return self.base / "home"

    def clear(self) -> None:
        """Leave nothing but an empty folder of notebooks."""
        shutil.rmtree(self.base, ignore_errors=True)
        self.root.mkdir(parents=True)

    def restore(self) -> None:
        """Put everything back as it was made."""
        if not self._made.exists():
            self.clear()
            self._make()
            shutil.copytree(self.base, self._made)
        shutil.rmtree(self.base)
        shutil.copytree(self._made, self.base)

    def open(self, owner: str = "sam") -> Etl:
        """Open the facade for an owner."""
        environ = {"JUPYTER_ETL_TIMEZONE": "UTC", "JUPYTER_ETL_AUTOSTART": "0"}
        return Etl.open(Settings.from_env(environ, home=str(self.home), owner=owner))

    def _make(self) -> None:
        etl = self.open()
        (self.root / "trips.csv").write_text("id,fare\n1,4.5\n2,\n")
        etl.sources.declare(
            "trips", "trips.csv", base=self.root, freshness=Freshness(warn_s=3_600.0)
        )
        notebook = write_notebook(
            self.root / "delays.ipynb", "%load_ext jupyter_etl\n%etl param day date = yesterday"
        )
        etl.pipelines.schedule(notebook, "daily at 07:00", timezone="Europe/Paris")
        elsewhere = write_notebook(self.base / "elsewhere" / "brief.ipynb", "1 + 1")
        kim = replace(etl, settings=replace(etl.settings, owner="kim"))
        kim.pipelines.schedule(elsewhere, on_demand=True)
        publishing = Publishing(self.home, etl.store)
        publish_interactively(
            etl, lambda interactive: interactive.stage(DAYS.slice(0, 8), **REPLACED)
        )
        self._publish(publishing, etl.runs.trigger("delays", parameters={"day": "2025-03-01"}).id)
        self._hold(publishing, etl.runs.trigger("delays", parameters={"day": "2025-03-02"}).id)
        etl.close()

    def _publish(self, publishing: Publishing, run_id: int) -> None:
        """Make the run that succeeds."""
        output = {"output_type": "stream", "name": "stdout", "text": "hello from run 1\n"}
        executed = {**code("print('hello from run', 1)"), "outputs": [output], "execution_count": 1}
        write_notebook(publishing.executed, executed)
        claim = _started(publishing, run_id)
        staged = [
            publishing.stage(DAYS, **REPLACED),
            publishing.stage_file(FILE, "a,b\n1,2\n", path="export.csv"),
            publishing.stage_report(REPORT),
        ]
        two = CursorValue(kind=CursorKind.INTEGER, text="2")
        start = CursorStart(after=None, era=0, until=publishing.clock.now())
        publishing.finish(
            claim,
            publishing.commit(claim, staged),
            reads=(Read(source="trips", version="abc", rows=2, bytes=15),),
            moves=(CursorMove(cursor=ID, start=start, upto=two, value=two, rows=2),),
            output=str(publishing.executed),
        )

    def _hold(self, publishing: Publishing, run_id: int) -> None:
        """Make the run that a check and the publish gate hold."""
        claim = _started(publishing, run_id)
        staged = publishing.stage(DAYS.slice(0, 3), **REPLACED)
        live = publishing.store.load_publication(TABLE).live
        assert live is not None
        difference = TablePublisher().compare(staged, live)
        assert difference is not None
        report = AttemptReport(
            outcome=Outcome.HELD,
            error="Check failed: fare >= 0",
            failed_cell=5,
            verdict=Verdict(kind=VerdictKind.DATA, evidence="3 rows break 'fare >= 0'."),
            output=str(publishing.executed),
            staged=(staged,),
            differences=(judge_difference(difference, staged),),
            checks=(BROKEN,),
        )
        finish(publishing.store, claim, report, state=RunState.HELD, now=publishing.clock.now())


def _started(publishing: Publishing, run_id: int) -> Claim:
    now = publishing.clock.now()
    claim = claim_one(publishing.store, now=now, run_id=run_id)
    start(publishing.store, claim, now=now)
    return claim
