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

from fakes.command import Command, refused
from fakes.notebooks import write_notebook
from jupyter_etl.cli.main import main
from jupyter_etl.notebook import kernel_state
from jupyter_etl.notebook.outputs import publish_table

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
