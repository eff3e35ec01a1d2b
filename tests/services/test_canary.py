"""A secret that is used in every way a notebook can, and looked for in every place it could reach."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from fakes.http_api import Api, ReceivedRequest, Reply, api_server, json_reply
from fakes.notebooks import write_notebook
from jupyter_etl.model import Run, RunState
from jupyter_etl.ports import Claim
from jupyter_etl.publishing.reports.page import Heading, render_report
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.rest.views.runs import run_detail_view
from jupyter_etl.runner.folders import save_claim
from jupyter_etl.scheduling import alerts
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.processes.attempt import Attempting

pytestmark = pytest.mark.kernel

CANARY = "c4n'ary-\"9f/7e+2<b>&"
HALF = len(CANARY) // 2

USE = """
import base64, json, logging, os, subprocess, sys, urllib.parse, warnings
import jupyter_etl as etl
import pandas as pd
from IPython.display import HTML, JSON, display
value = etl.secret("canary")
"""
PRINT = f"""
print(value, repr(value), [value], json.dumps(value), urllib.parse.quote(value, safe=""))
print(base64.b64encode(b"sam:" + value.encode()).decode())
sys.stdout.write("cut " + value[:{HALF}]); sys.stdout.flush()
sys.stdout.write(value[{HALF}:] + " in two"); sys.stdout.flush()
print(value, file=sys.stderr)
logging.getLogger("mine").warning("logged %s", value)
warnings.warn("warned of " + value)
subprocess.run(["cat"], input=value.encode())
os.write(2, value.encode())
print("the end of what was printed")
"""
SHOW = """
display(HTML("<b>" + value + "</b>"), JSON({"deep": [value]}), pd.DataFrame({"column": [value]}))
value
"""
IN_URLS = """
tried = []
for use in (
    lambda: etl.source("bad", "postgresql://sam:" + urllib.parse.quote(value) + "@host/db"),
    lambda: etl.source("worse", "https://host/" + urllib.parse.quote(value, safe="") + "/x"),
    lambda: etl.load("denied"),
):
    try:
        use()
    except etl_errors.EtlError as problem:
        tried.append(type(problem).__name__)
        print(problem, problem.data)
print(tried)
"""
CHECK = """
frame = pd.DataFrame({"id": [1], "column": [value]})
etl.check("frame", "column in ('none') : warn", frame)
connection = {"password": value, "kept": "else"}
"""


@pytest.fixture
def api() -> Iterator[Api]:
    with api_server() as made:

        def answer(asked: ReceivedRequest) -> Reply:
            if asked.path == "/denied" or asked.query.get("key") != CANARY:
                return Reply(status=403, body=json.dumps(asked.query).encode())
            return json_reply([{"id": 1}, {"id": 2}])

        made.answer = answer
        yield made


@pytest.fixture
def notebook(etl: Etl, here: Path, api: Api) -> Path:
    etl.secrets.set("canary", CANARY)
    declare = "%etl source {name} {url}/{name} --secret canary --option auth=query:key"
    return write_notebook(
        here / "canary.ipynb",
        "%load_ext jupyter_etl\nfrom jupyter_etl import errors as etl_errors",
        "\n".join(declare.format(name=name, url=api.url) for name in ("rows", "denied")),
        "rows = %etl load rows\nassert len(rows) == 2",
        USE,
        PRINT,
        SHOW,
        IN_URLS,
        CHECK,
        "raise ValueError('it ends with ' + value)",
    )


class RecordingNotifier:
    def __init__(self) -> None:
        self.messages: list[str] = []

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        self.messages.append(f"{title}\n{body}\n{msgspec.json.encode(run).decode()}")


SCANNER = Redactor()
SCANNER.register("canary", CANARY)


def holds(content: bytes) -> bool:
    return SCANNER.holds(content.decode("utf-8", "surrogateescape"))


def in_files(*folders: Path) -> set[str]:
    """Return the files that hold it, but for the one that is there to hold it."""
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    hits = {path for path in files if holds(path.read_bytes())}
    return {path.name for path in hits if path.parent.name != "secrets"}


def in_ledger(home: Path) -> set[str]:
    """Return the rows that hold it."""
    ledger = sqlite3.connect(home / "ledger.sqlite")
    try:
        return {line[:60] for line in ledger.iterdump() if holds(line.encode())}
    finally:
        ledger.close()


def in_processes(home: Path) -> set[str]:
    """Return what of the living processes of this home holds it, where others may look."""
    found = set()
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            environ, command = (proc / "environ").read_bytes(), (proc / "cmdline").read_bytes()
        except OSError:
            continue
        if int(proc.name) != os.getpid() and os.fsencode(home) in environ + command:
            shown = (("environ", environ), ("cmdline", command))
            found |= {"looked", *(what for what, text in shown if holds(text))}
    return found


def in_answers(etl: Etl, run: Run) -> set[str]:
    """Return the answers to others that hold it: REST, a report, alerts."""
    log, executed = etl.runs.log(run.id), etl.runs.notebook(run.id)
    detail = run_detail_view(run, etl.runs.attempts(run.id), log, None, now=etl.clock.now())
    notifier = RecordingNotifier()
    # As a scheduler tells of the runs that it has made.
    alerts._notify(run, etl.store, notifier)
    assert notifier.messages
    answers = {
        "run": msgspec.json.encode(detail, enc_hook=str).decode(),
        "log": log,
        "notebook": executed,
        "report": render_report(executed, Heading(title="Canary"), hide_code=False),
        "sources": msgspec.json.encode(etl.sources.list()).decode(),
        "events": msgspec.json.encode(etl.runs.events(run.id)).decode(),
        "alerts": "\n".join(notifier.messages),
    }
    return {name for name, text in answers.items() if holds(text.encode())}


def test_a_secret_that_was_used_is_nowhere(
    etl: Etl, home: Path, here: Path, notebook: Path
) -> None:
    alive: set[str] = set()

    def look(event: dict[str, object]) -> None:
        if event["kind"] == "cell_finished":
            alive.update(in_processes(home))

    run = etl.runs.run(notebook, checkpoint=True, on_event=look)
    assert (run.state, run.failed_cell) == (RunState.FAILED, 8), run.error
    assert run.error == "ValueError: it ends with [secret canary]"
    executed = etl.runs.notebook(run.id)
    assert "the end of what was printed" in executed
    assert "['DeclarationError', 'DeclarationError', 'SourceError']" in executed
    assert executed.count("[secret canary]") >= 17
    assert alive == {"looked"}
    assert in_files(home, here) == set()
    assert in_ledger(home) == set()
    assert in_answers(etl, run) == set()
    kept = etl.runs.checkpoint(run.id)
    assert kept is not None
    assert {"value", "connection", "frame"} <= set(kept.left_out)


class HereExecutor:
    """Makes attempts in this process, where the test has taken something away."""

    def __init__(self, home: Path) -> None:
        self.home = home

    def start(self, claim: Claim) -> None:
        Attempting().run(save_claim(self.home, claim))

    def ended(self) -> list[tuple[int, int, int]]:
        return []

    def close(self) -> None:
        pass


def forget(redactor: Redactor, name: str, value: str) -> None:
    """Stand in for `Redactor.register`: nothing is taken out any more."""


def test_without_redaction_it_would_be_found(
    etl: Etl, home: Path, here: Path, notebook: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Redactor, "register", forget)
    monkeypatch.setattr(etl.executors, "executor", lambda: HereExecutor(home))
    run = etl.runs.run(notebook, checkpoint=True)
    assert run.state is RunState.FAILED
    assert in_files(home, here) >= {"executed.ipynb", "events.jsonl", "ledger.sqlite"}
    assert in_ledger(home)
    assert in_answers(etl, run) >= {"run", "notebook", "report", "events", "alerts"}
