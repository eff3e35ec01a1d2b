"""A secret in every encoding, in every place that a notebook can write to, is found in none."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

import msgspec
import nbformat
import pyarrow as pa
import pytest

from contracts.executor_contract import claim_of
from fakes import secret_encodings
from fakes.notebooks import code, text, write_notebook
from fakes.serving import TOKEN, Client
from jupyter_etl.errors import DeclarationError, PublishError
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.notebook import api
from jupyter_etl.publishing.reports.page import Heading, render_report
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.rest.views.runs import run_detail_view
from jupyter_etl.runner.folders import save_claim
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.limited_etl import call_in_child
from jupyter_etl.services.processes.lineage_events import record_end
from rest.conftest import Ask


@pytest.fixture
def etl(home: Path) -> Iterator[Etl]:
    """The facade itself, and not what the tests of routes have in its place."""
    opened = Etl.open()
    yield opened
    opened.close()


CANARY = "c4n'ary-\"9f/7e+2<b>&"
VARIABLE = "JUPYTER_ETL_SECRET_CANARY"

USE = """
import logging, sys
import pandas as pd
import jupyter_etl as etl
from IPython.display import HTML, JSON, display
from ways import ENCODINGS
value = etl.secret("canary")
forms = {name: encode(value) for name, encode in ENCODINGS.items()}
"""
SHOW = """
for name, form in forms.items():
    print(name, form)
    sys.stderr.write(form[:7]); sys.stderr.flush(); sys.stderr.write(form[7:] + "\\n")
    display(HTML(f"<p>{form}</p>"), metadata={"note": form, form: 1})
    display({"text/plain": name, "application/json": {form: [form]}}, raw=True)
    logging.getLogger("mine").warning("logged %s", form)
"""
CHECK = """
frame = pd.DataFrame({"id": [1], "column": [value]})
etl.check("frame", f"column in ('{len(value)}') : warn", frame)
etl.check(forms["hexadecimal with colons"], "id > 5 : warn", frame)
kept = {name: [form] for name, form in forms.items()}
wide, coded = value.encode("utf-16"), forms["base64 in lines of 76"].encode()
"""
SEARCH = """
seen = []
pid = os.getpid()
while pid > 1:
    folder = pathlib.Path("/proc", str(pid))
    seen.append((folder / "environ").read_bytes())
    pid = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    if pid == %(caller)s:
        break
frame_ = sys._getframe()
while frame_ is not None:
    seen.append(repr(frame_.f_locals).encode() if frame_.f_globals is not globals() else b"")
    frame_ = frame_.f_back
for thing in gc.get_objects():
    if type(thing) is dict:
        seen += [v.encode() if type(v) is str else v for v in list(thing.values()) if type(v) in (str, bytes)]
    elif type(thing) in (list, tuple):
        seen += [v.encode("utf-8", "replace") if type(v) is str else v for v in thing if type(v) in (str, bytes)]
marker = b"".join(reversed([b"yranac-siht"[at:at + 1] for at in range(11)]))
print("looked at", len(seen) > 50, "found", sum(marker in one for one in seen))
assert os.environ["MINE"] == "is here"
"""
FAIL = "raise ValueError('it ends with ' + ' '.join(forms.values()))"

SCANNER = Redactor()
SCANNER.register("canary", CANARY)


def holds(content: bytes) -> bool:
    return SCANNER.holds(content.decode("latin-1"))


def in_files(folder: Path) -> set[str]:
    """Return the files that hold it, but for the one that is there to hold it."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.parent.name != "secrets"]
    return {str(path.relative_to(folder)) for path in files if holds(path.read_bytes())}


def in_tables(home: Path) -> set[str]:
    """Return the tables of the ledger that hold it."""
    ledger = sqlite3.connect(home / "ledger.sqlite")
    try:
        names = [name for (name,) in ledger.execute("SELECT name FROM sqlite_master")]
        tables = [name for name in names if not name.startswith(("ix_", "sqlite_", "uq_"))]
        return {
            name
            for name in tables
            if holds(repr(ledger.execute(f'SELECT * FROM "{name}"').fetchall()).encode())
        }
    finally:
        ledger.close()


def test_every_encoding_is_found_in_a_text() -> None:
    made = {name: encode(CANARY) for name, encode in secret_encodings.ENCODINGS.items()}
    assert len(made) >= 60
    assert {name for name, text in made.items() if not SCANNER.holds(text)} == set()


@pytest.mark.kernel
def test_a_run_that_writes_every_encoding_everywhere_leaves_none(
    etl: Etl, home: Path, here: Path
) -> None:
    etl.secrets.set("canary", CANARY)
    (here / "ways.py").write_text(Path(secret_encodings.__file__).read_text())
    last = {**code(FAIL), "metadata": {"note": CANARY}}
    notebook = write_notebook(
        here / "canary.ipynb",
        "%load_ext jupyter_etl",
        {**text(f"The password is `{CANARY}`."), "metadata": {"trusted": True}},
        *(USE, SHOW, CHECK),
        last,
    )
    run = etl.runs.run(notebook, checkpoint=True)
    assert (run.state, run.failed_cell) == (RunState.FAILED, 5), run.error
    # The author wrote it into the notebook, which is what the ledger has to execute.
    (snapshot,) = {name for name in in_tables(home) if name == "snapshots"} or {""}
    assert in_tables(home) - {snapshot} == set()
    assert in_files(home) - {"ledger.sqlite", "ledger.sqlite-wal"} <= {
        f"runs/{run.id:08}/1/snapshot.ipynb"
    }
    executed = etl.runs.notebook(run.id)
    nbformat.validate(nbformat.reads(executed, as_version=4))
    assert executed.count("[secret canary]") > 4 * len(secret_encodings.ENCODINGS)
    assert '"trusted"' not in executed
    kept = etl.runs.checkpoint(run.id)
    assert kept is not None
    assert {"value", "forms", "kept", "wide", "coded", "frame"} <= set(kept.left_out)
    detail = run_detail_view(
        run, etl.runs.attempts(run.id), etl.runs.log(run.id), None, now=etl.clock.now()
    )
    answers = {
        "run": msgspec.json.encode(detail, enc_hook=str).decode(),
        "notebook": executed,
        "log": etl.runs.log(run.id),
        "events": msgspec.json.encode(etl.runs.events(run.id)).decode(),
        "sources": msgspec.json.encode(etl.sources.list()).decode(),
        "report": render_report(executed, Heading(title="Canary"), hide_code=False),
    }
    assert {name for name, text in answers.items() if SCANNER.holds(text)} == set()


@pytest.mark.kernel
@pytest.mark.parametrize("cold", [False, True], ids=["warm", "cold"])
def test_a_kernel_finds_the_environment_of_its_scheduler_nowhere(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch, cold: bool
) -> None:
    # The secret is not used: what a cell finds is shown.
    monkeypatch.setenv(VARIABLE, "this-canary")
    monkeypatch.setenv("MINE", "is here")
    notebook = write_notebook(
        here / "looks.ipynb",
        "import gc, os, pathlib, sys\n" + SEARCH % {"caller": os.getpid()},
    )
    run = etl.runs.run(notebook, cold=cold)
    assert run.state is RunState.SUCCEEDED, run.error
    assert "looked at True found 0" in etl.runs.notebook(run.id)
    resolves = write_notebook(
        here / "resolves.ipynb",
        "import jupyter_etl as etl\nassert len(etl.secret('canary')) == 11",
    )
    if cold:
        assert etl.runs.run(resolves, cold=True).state is RunState.SUCCEEDED


def test_parameters_and_sources_that_hold_a_known_secret_are_refused(etl: Etl, here: Path) -> None:
    etl.secrets.set("canary", CANARY)
    notebook = write_notebook(here / "asks.ipynb", "%load_ext jupyter_etl\n%etl param pw = none")
    for name in ("as it is", "base64 behind a name", "HTML", "database URL"):
        form = secret_encodings.ENCODINGS[name](CANARY)
        with pytest.raises(DeclarationError, match="contains the value of the secret") as caught:
            etl.runs.run(notebook, parameters={"pw": form})
        assert not SCANNER.holds(f"{caught.value} {caught.value.hint}"), name
        with pytest.raises(DeclarationError) as refused:
            etl.sources.declare("wh", f"https://a.example/{form}".replace(" ", ""), base=here)
        assert not SCANNER.holds(f"{refused.value} {refused.value.hint}"), name
    assert etl.sources.list() == []
    assert etl.runs.list() == []


def test_answers_are_redacted_whoever_has_recorded_the_value(etl: Etl) -> None:
    etl.secrets.set("canary", CANARY)
    for name, encode in secret_encodings.ENCODINGS.items():
        text = json.dumps({"log": [encode(CANARY)], "kept": 1})
        answer = etl.redacted_answer(text)
        assert not SCANNER.holds(answer), name
        assert json.loads(answer)["kept"] == 1, name


def recorded_before(etl: Etl, place: Path) -> None:
    """Record every form of the value where nobody could know of it, and then make it a secret."""
    api.publish("plain", pa.table({"id": [1]}), live=True)
    for at, encode in enumerate(secret_encodings.ENCODINGS.values()):
        # Some are no names of columns.
        with suppress(PublishError):
            api.publish(f"t{at}", pa.table({encode(CANARY): [1]}), live=True)
    (place / "trips.csv").write_text(f"id,note\n1,{CANARY.encode().hex()}\n")
    etl.sources.declare("trips", "trips.csv", base=place)
    etl.secrets.set("canary", CANARY)


def test_the_consumers_service_shows_no_secret(etl: Etl, home: Path, here: Path) -> None:
    recorded_before(etl, here)
    app = Client(etl.publications, redact=etl.redacted_answer)  # type: ignore[arg-type]
    known = {"Authorization": f"Bearer {TOKEN}"}
    asked = {"listing": ("/publications", {}), "page": ("/", {"Accept": "text/html"})}
    for name, encode in secret_encodings.ENCODINGS.items():
        form = quote(encode(CANARY), safe="", errors="replace")
        for path in (
            f"/tables/plain?columns={form}",
            f"/tables/{form}",
            f"/tables/plain?format={form}",
        ):
            asked[f"{name} in {path[:20]}"] = (path, {})
    seen = {what: app.get(path, {**known, **more}) for what, (path, more) in asked.items()}
    assert {answer.status_code for answer in seen.values()} == {200, 400, 404}
    assert len(seen["listing"].json()["items"]) > len(secret_encodings.ENCODINGS) / 2
    assert seen["listing"].text.count("[secret canary]") > len(secret_encodings.ENCODINGS) / 2
    found = [
        what
        for what, answer in seen.items()
        if SCANNER.holds(answer.text) or SCANNER.holds(repr(answer.headers.multi_items()))
    ]
    assert found == []


async def test_no_error_and_no_poll_of_the_jupyter_server_shows_a_secret(
    ask: Ask, etl: Etl, here: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorded_before(etl, here)
    seen = {"source": await ask("/sources/trips"), "preview": await ask("/sources/trips/preview")}
    assert {answer.status for answer in seen.values()} == {200}
    for name, encode in secret_encodings.ENCODINGS.items():
        form = encode(CANARY)
        escaped = quote(form, safe="", errors="replace")
        seen[f"{name}, no source"] = await ask(f"/sources/{escaped}")
        seen[f"{name}, query"] = await ask(f"/runs?limit={escaped}")
        body = {"notebook": "absent.ipynb", "when": form}
        seen[f"{name}, body"] = await ask("/pipelines", "POST", body=body)
    looked = call_in_child(
        "jupyter_etl.rest.previews:preview_source", {"name": "trips", "table": "", "limit": 10}
    )
    assert b"[secret canary]" in looked
    assert not SCANNER.holds(looked.decode())
    found = [
        what
        for what, answer in seen.items()
        if SCANNER.holds(answer.body.decode()) or SCANNER.holds(str(list(answer.headers.get_all())))
    ]
    assert found == []
    assert "[secret canary]" in seen["as it is, query"].error["message"]
    ours = [one.getMessage() for one in caplog.records if one.name.endswith("EtlExtensionApp")]
    assert [text for text in ours if SCANNER.holds(text)] == []


def test_lineage_events_contain_no_secret(etl: Etl, home: Path) -> None:
    etl.secrets.set("canary", CANARY)
    folder = save_claim(home, claim_of(1))
    for encode in secret_encodings.ENCODINGS.values():
        report = AttemptReport(outcome=Outcome.FAILED, error=encode(CANARY))
        record_end(etl, folder, report)
    events = (home / "lineage.jsonl").read_text().splitlines()
    assert len(events) == len(secret_encodings.ENCODINGS)
    assert [one for one in events if SCANNER.holds(one)] == []
    assert all(json.loads(one)["eventType"] == "FAIL" for one in events)
