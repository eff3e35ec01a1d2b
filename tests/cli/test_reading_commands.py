"""Commands that show and read; no kernel is started."""

from __future__ import annotations

import datetime as dt
import io
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from contracts.store_values import HOUR, a_run, claim_one
from contracts.store_values import finish as finish_attempt
from contracts.store_values import start as start_attempt
from fakes.command import Said, finish, start
from fakes.notebooks import code, write_notebook
from jupyter_etl.cli import pipelines
from jupyter_etl.cli.main import main
from jupyter_etl.model import AttemptReport, OnLost, Outcome, RunState
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.outputs import publish_table

Command = Callable[..., Said]

TABLE = pa.table(
    {
        "id": pa.array([1, 2, 3], pa.int64()),
        "name": ["ann", 'b"o,b', None],
        "day": pa.array([dt.date(2026, 1, 1), dt.date(2026, 1, 2), None]),
        "at": pa.array([dt.datetime(2026, 1, 1, 5, tzinfo=dt.UTC), None, None]),
        "fare": [1.5, float("nan"), None],
        "money": pa.array([Decimal("1.10"), None, None], pa.decimal128(10, 2)),
        "ok": [True, False, None],
    }
)


@pytest.fixture
def published(home: Path, here: Path) -> None:
    publish_table(kernel_state.data_session({}), "sales.daily", TABLE.slice(0, 1), live=True)
    publish_table(kernel_state.data_session({}), "sales.daily", TABLE, live=True)
    publish_table(kernel_state.data_session({}), "sales.daily", TABLE.slice(0, 2))


@pytest.fixture
def deployed(command: Command, here: Path) -> str:
    write_notebook(here / "sales.ipynb", code("n = 1", "parameters"), "print(n)")
    said = command("schedule", "sales.ipynb", "daily at 06:00", "--tz", "Europe/Paris")
    assert said.code == 0
    assert "every day at 06:00, Europe/Paris" in said.out
    return "sales"


def refused(said: Said, *words: str, code: int = 2) -> None:
    """Assert one sentence on standard error that names the thing, and a next step."""
    assert said.code == code, said
    assert said.out == ""
    lines = said.err.strip().splitlines()
    assert len(lines) <= 2, said.err
    assert "Traceback" not in said.err
    for word in words:
        assert word in said.err, said.err


class TestRead:
    """``jupyter etl read`` in all its formats."""

    @pytest.fixture
    def read(
        self, published: None, capfdbinary: pytest.CaptureFixture[bytes]
    ) -> Callable[..., bytes]:
        def read(*words: str) -> bytes:
            capfdbinary.readouterr()
            assert main(["read", "sales.daily", *words]) == 0
            return capfdbinary.readouterr().out

        return read

    def test_parquet_and_arrow_round_trip(self, read: Callable[..., bytes]) -> None:
        for back in (
            pq.read_table(io.BytesIO(read("--format", "parquet"))),
            pa.ipc.open_stream(read("--format", "arrow")).read_all(),
        ):
            assert back.schema.equals(TABLE.schema)
            # repr, since NaN equals nothing.
            assert repr(back.to_pydict()) == repr(TABLE.to_pydict())

    def test_csv_is_the_default(self, read: Callable[..., bytes]) -> None:
        back = pa_csv.read_csv(
            io.BytesIO(read()),
            convert_options=pa_csv.ConvertOptions(
                column_types=TABLE.schema,
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        for name in ("id", "name", "day", "at", "money", "ok"):
            assert back.column(name).to_pylist() == TABLE.column(name).to_pylist(), name

    def test_json_has_a_row_an_object(self, published: None, command: Command) -> None:
        rows = command("read", "sales.daily", "--json").json
        assert rows[0] == {
            "id": 1,
            "name": "ann",
            "day": "2026-01-01",
            "at": "2026-01-01T05:00:00+00:00",
            "fare": 1.5,
            "money": "1.10",
            "ok": True,
        }
        assert rows[1]["name"] == 'b"o,b'
        assert rows[1]["fare"] is None
        assert set(rows[2].values()) == {3, None}
        assert command("read", "sales.daily", "--format", "json").json == rows

    def test_versions_drafts_and_limits(self, published: None, command: Command) -> None:
        def count(*words: str) -> int:
            return len(command("read", "sales.daily", "--json", *words).json)

        assert count() == 3
        assert count("--version", "1") == 1
        assert count("--draft") == 2
        assert count("--limit", "2") == 2

    def test_nothing_to_read(self, published: None, command: Command) -> None:
        refused(command("read", "sales.dialy"), "sales.dialy", "sales.daily")
        refused(command("read", "sales.daily", "--version", "9"), "9", "2, 1")
        refused(command("read", "sales.daily", "--format", "xml"), "xml", "parquet")
        refused(command("read", "sales.daily", "--limit", "-1"), "-1")

    def test_empty_tables(self, home: Path, here: Path, command: Command) -> None:
        publish_table(kernel_state.data_session({}), "none", TABLE.slice(0, 0), live=True)
        assert command("read", "none", "--json").json == []
        assert command("read", "none").out.startswith('"id"')

    def test_what_a_format_cannot_hold(self, home: Path, here: Path, command: Command) -> None:
        nested = pa.table({"xs": [[1, 2]]})
        publish_table(kernel_state.data_session({}), "nested", nested, live=True)
        assert command("read", "nested", "--json").json == [{"xs": [1, 2]}]
        said = command("read", "nested", "--format", "csv")
        assert said.code == 1
        assert "'nested' cannot be written as csv" in said.err
        assert "--format" in said.err

    @pytest.mark.slow
    @pytest.mark.parametrize("form", ["csv", "json", "arrow", "parquet"])
    def test_a_reader_that_has_seen_enough(self, home: Path, here: Path, form: str) -> None:
        frame = pd.DataFrame({"text": ["x" * 100] * 50_000, "n": range(50_000)})
        publish_table(kernel_state.data_session({}), "big", frame, live=True)
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_etl.cli", "read", "big", "--format", form],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        assert process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read().decode()
        process.stderr.close()
        assert process.wait(60) == 0, said
        assert said == ""


class TestJson:
    """The keys that others script against; standard output holds JSON and nothing else."""

    def test_what_there_is(self, published: None, command: Command, here: Path) -> None:
        kernel_state.data_session({}).declare("trips", "trips.csv")
        (source,) = command("sources", "--json").json
        assert source.keys() == {
            *("source", "kind", "location", "readonly", "limit", "owner", "notebook", "next_try_at")
        }
        (item,) = command("published", "--json").json
        assert item["version"] == 2
        assert item.keys() == {
            *("name", "kind", "version", "rows", "published_at", "pipeline", "owner", "location")
        }
        newest, first = command("history", "sales.daily", "--json").json
        assert (newest["version"], newest["rows"], first["rows"]) == (2, 3, 1)
        assert newest.keys() == {
            *("name", "version", "rows", "bytes", "published_at", "run", "pipeline", "owner"),
            *("mode", "location", "delta_version", "pruned_at", "note"),
        }
        assert len(command("history", "sales.daily", "--draft", "--json").json) == 1

    def test_runs(self, deployed: str, command: Command) -> None:
        said = command("trigger", deployed, "-p", "n=3", "--json")
        assert said.json.keys() == {
            *("run", "outcome", "cell", "error", "verdict", "output", "seconds", "published"),
            *("retry_from", "due_at", "started_at", "finished_at"),
        }
        assert "No scheduler is alive" in said.err
        (run,) = command("runs", "--pipeline", deployed, "--json").json
        assert run.keys() >= {
            *("run", "pipeline", "logical_key", "due_at", "cause", "outcome", "attempts"),
            *("started_at", "finished_at", "seconds", "error", "note"),
        }
        assert (run["outcome"], run["attempts"], run["cause"]) == (None, 0, "manual")
        assert command("runs", "--state", "failed", "--json").json == []
        found = command("logs", "1", "--json").json
        assert "queued on request" in found.pop("log")
        assert found == {"run": 1, "events": [], "checks": []}
        (pipeline,) = command("pipelines", "--json").json
        assert pipeline["pipeline"] == deployed
        assert command("status", "--json").json["active_runs"] == 1

    def test_a_plan(self, command: Command) -> None:
        words = ("plan", "daily at 02:30", "--tz", "Europe/Berlin")
        said = command(*words, "--from", "2026-03-28", "--to", "2026-03-30T23:00", "--json")
        assert said.json == [
            {"utc": "2026-03-28T01:30:00Z", "local": "2026-03-28T02:30:00+01:00"},
            {"utc": "2026-03-29T01:00:00Z", "local": "2026-03-29T03:00:00+02:00"},
            {"utc": "2026-03-30T00:30:00Z", "local": "2026-03-30T02:30:00+02:00"},
        ]
        midnight = ("plan", "daily at 00:00", "--tz", "UTC")
        between = command(*midnight, "--from", "2030-01-01", "--to", "2030-01-03", "--json").json
        assert [row["utc"][:10] for row in between] == ["2030-01-01", "2030-01-02"]
        five = command(*midnight, "--from", "2030-01-01", "--json").json
        assert [row["utc"][8:10] for row in five] == ["01", "02", "03", "04", "05"]
        assert "every day at 00:00, UTC" in command(*midnight).out
        refused(command(*midnight, "--from", "yesterday"), "yesterday")
        refused(command("plan", "sometimes"), "sometimes")
        refused(command("plan", "@daily", "--tz", "Mars/Base"), "Mars/Base")

    def test_the_rest(self, deployed: str, command: Command, here: Path) -> None:
        assert command("version", "--json").json.keys() == {"version"}
        found = command("doctor", "--json")
        assert {"ledger", "home", "lake", "disk", "scheduler", "kernels"} <= {
            item["what"] for item in found.json
        }
        assert command("preflight", "sales.ipynb", "--json").code == 0
        write_notebook(here / "ask.ipynb", "input()")
        asked = command("preflight", "ask.ipynb", "--json")
        assert asked.json[0]["message"]


def test_steering_a_pipeline(deployed: str, command: Command) -> None:
    assert command("pause", deployed).out == "sales is paused.\n"
    assert "It is paused" in command("schedule", "sales.ipynb", "@daily").err
    assert command("resume", deployed).out.startswith("sales is resumed; next ")
    command("trigger", deployed)
    assert command("cancel", "1").out == "Run 1 is cancelled.\n"
    assert "queued again" in command("retry", "1").out
    command("cancel", "1")
    again = command("retry", "1", "--from-failed-cell").out
    assert again == "Run 1 of sales is queued again, from its first cell: it was never attempted.\n"
    assert "stay" in command("unschedule", deployed).out
    refused(command("pause", deployed), "sales")
    assert "There are no runs yet" not in command("runs").out


def test_why_a_run_failed_or_was_skipped(deployed: str, command: Command) -> None:
    etl = kernel_state.open_etl()
    now = etl.clock.now()
    skipped = a_run("k", pipeline=deployed, state=RunState.SKIPPED, note="Run 7 was not finished.")
    etl.store.add_run(skipped, now=now)
    command("trigger", deployed)
    claim = claim_one(etl.store, now=now + HOUR)
    start_attempt(etl.store, claim)
    bad = AttemptReport(outcome=Outcome.FAILED, error=f"KeyError: {'x' * 100}\nmore")
    finish_attempt(etl.store, claim, bad, state=RunState.FAILED)
    failed, other = command("runs", "--json").json
    assert (failed["error"], failed["note"]) == (bad.error, None)
    assert (other["error"], other["note"]) == (None, "Run 7 was not finished.")
    lines = command("runs").out.splitlines()
    assert lines[1].endswith(f"KeyError: {'x' * 49}…")
    assert lines[2].endswith("Run 7 was not finished.")
    for words in ("2", "has already failed"), ("1", "has already been skipped"):
        refused(command("cancel", words[0]), f"Run {words[0]} of sales", words[1], code=1)


def test_the_policy_of_a_schedule(command: Command, here: Path) -> None:
    write_notebook(here / "a.ipynb", '%etl schedule "daily at 05:00" --memory 1GB --priority 3')
    words = ("--on-lost", "fail", "--priority", "-100", "--memory", "1.5GiB", "--checkpoint")
    assert command("schedule", "a.ipynb", "daily at 06:00", *words).code == 0
    policy = kernel_state.open_etl().pipelines.get("a").policy
    assert (policy.on_lost, policy.priority, policy.checkpoint) == (OnLost.FAIL, -100, True)
    assert policy.memory_bytes == 3 * 2**29
    # Without a time the notebook's own line counts, with what the command says over it.
    assert command("schedule", "a.ipynb", "--priority", "4").code == 0
    policy = kernel_state.open_etl().pipelines.get("a").policy
    # What neither of them gives stays as it is deployed.
    assert (policy.memory_bytes, policy.priority, policy.checkpoint) == (10**9, 4, True)
    assert command("schedule", "a.ipynb", "--reset", "checkpoint").code == 0
    assert not kernel_state.open_etl().pipelines.get("a").policy.checkpoint
    said = command("schedule", "a.ipynb", "--after", "a.b,c.d", "--after-all", "--expect")
    assert "after each of a.b and c.d" in said.out
    refused(command("schedule", "a.ipynb", "@daily", "--memory", "1MB"), "1 MB", "64 MB")
    refused(command("schedule", "a.ipynb", "@daily", "--priority", "101"), "101", code=2)


def test_without_anything_the_next_step_is_reported(command: Command) -> None:
    assert "%etl source" in command("sources").out
    assert "%etl publish" in command("published").out
    assert "jupyter etl schedule" in command("pipelines").out
    assert command("runs").out == "There are no runs yet.\n"


def test_usage(command: Command) -> None:
    refused(command("rum"), "rum", "run")
    refused(command("run"), "NOTEBOOK")
    refused(command("runs", "--stat"), "--state")
    refused(command("logs", "nine"), "nine")
    refused(command("logs", "9"), "9")
    refused(command("trigger", "absent", "--wait"), "absent")


def test_the_version_needs_no_ledger(
    here: Path, monkeypatch: pytest.MonkeyPatch, command: Command
) -> None:
    (here / "file").write_text("x" * 2000)
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", f"sqlite:///{here / 'file'}")
    assert command("version").code == 0
    refused(command("runs"), "file", code=1)
    monkeypatch.setenv("JUPYTER_ETL_WORKERS", "many")
    assert command("version").code == 0
    refused(command("runs"), "JUPYTER_ETL_WORKERS", "many")


def test_waiting_without_a_scheduler_is_refused(deployed: str, command: Command) -> None:
    refused(command("trigger", deployed, "--wait"), "scheduler", "jupyter etl up", code=1)
    assert command("runs", "--json").json == []


def test_every_outcome_has_its_exit_code() -> None:
    from jupyter_etl.model import Outcome

    assert set(pipelines._CODES) == set(Outcome)


def test_what_would_fail_is_deployed_only_anyway(command: Command, here: Path) -> None:
    write_notebook(here / "lost.ipynb", "open('gone.csv')", "import no_such_package")
    said = command("schedule", "lost.ipynb", "@daily")
    assert (said.code, said.out) == (2, "")
    for word in ("lost.ipynb would fail in a run", "2 errors", "'gone.csv'", "'no_such_package'"):
        assert word in said.err
    assert "DeclarationError" not in said.err
    assert command("pipelines", "--json").json == []
    anyway = command("schedule", "lost.ipynb", "@daily", "--anyway")
    assert anyway.code == 0
    assert "'gone.csv'" in anyway.err


def test_what_could_not_be_checked_is_reported(command: Command, here: Path) -> None:
    write_notebook(here / "star.ipynb", "from math import *", "%etl publish table a.b pi")
    said = command("preflight", "star.ipynb")
    assert said.code == 0
    assert "1 cell could not be checked" in said.err
    assert "No problems found" not in said.out + said.err


class TestBadInput:
    """One sentence that names the thing, a next step, and nothing lost."""

    def schedule_refused(self, command: Command, *words: str) -> Said:
        said = command("schedule", *words)
        assert command("pipelines", "--json").json == []
        return said

    def test_a_notebook_that_is_no_json(self, command: Command, here: Path) -> None:
        (here / "cut.ipynb").write_text('{"cells": [')
        for name in ("run", "preflight"):
            refused(command(name, "cut.ipynb"), "cut.ipynb")
        refused(self.schedule_refused(command, "cut.ipynb", "@daily"), "cut.ipynb")
        assert (here / "cut.ipynb").read_text() == '{"cells": ['
        assert command("runs", "--json").json == []

    def test_a_notebook_that_is_absent(self, command: Command, here: Path) -> None:
        write_notebook(here / "sales.ipynb", "1")
        refused(command("run", "sale.ipynb"), "sale.ipynb", "sales.ipynb")

    def test_no_kernelspec(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", "1", kernel=None)
        said = command("schedule", "a.ipynb", "@daily")
        assert said.code == 0
        assert "python3" in said.out + said.err

    def test_a_parameter_of_the_wrong_type(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", code("n = 1", "parameters"))
        refused(command("run", "a.ipynb", "-p", "n=many"), "n", "many")
        refused(command("run", "a.ipynb", "-p", "m=1"), "'m'", "n")
        refused(command("run", "a.ipynb", "-p", "m"), "m")
        refused(command("run", "a.ipynb", "--timeout", "0"), "0")
        refused(self.schedule_refused(command, "a.ipynb", "@daily", "-p", "n=x"), "n")
        assert command("runs", "--json").json == []

    def test_a_schedule_that_never_fires(self, command: Command, here: Path) -> None:
        write_notebook(here / "a.ipynb", "1")
        refused(self.schedule_refused(command, "a.ipynb", "0 0 30 2 *"), "0 0 30 2 *")
        refused(self.schedule_refused(command, "a.ipynb", "2001-01-01"), "2001-01-01")

    def test_a_name_taken_by_another_owner(
        self, deployed: str, command: Command, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("JUPYTER_ETL_OWNER", "kim")
        refused(command("schedule", "sales.ipynb", "@hourly"), "sales", "sam", code=1)
        (pipeline,) = command("pipelines", "--json").json
        assert (pipeline["owner"], pipeline["version"]) == ("sam", 1)

    def test_a_home_that_cannot_be_written(
        self, command: Command, here: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (here / "file").write_text("x")
        write_notebook(here / "a.ipynb", "1")
        monkeypatch.setenv("JUPYTER_ETL_HOME", str(here / "file" / "etl"))
        refused(command("run", "a.ipynb"), str(here / "file"), code=1)


@pytest.mark.slow
def test_serving_starts_the_service_in_this_place(home: Path, here: Path) -> None:
    said = finish(start("serve", "--host", "256.0.0.1", "--port", "0"))
    assert said.code == 1
    assert "Traceback" not in said.err


@pytest.mark.slow
def test_unknown_facts_are_refused_before_the_ledger_is_made(isolation: Path, here: Path) -> None:
    assert finish(start("rum")).code == 2
    assert not isolation.exists()
