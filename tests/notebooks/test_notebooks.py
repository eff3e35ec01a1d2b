"""The notebooks that the product ships, executed on their real data."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import httpx
import pytest

from fakes.patience import until
from jupyter_etl.model import CheckStatus, Run, RunState
from jupyter_etl.services import Settings
from jupyter_etl.services.etl import Etl

pytestmark = [pytest.mark.kernel, pytest.mark.slow, pytest.mark.timeout(600)]

NOTEBOOKS = Path(__file__).parents[2] / "notebooks"
ROWS = {
    "nyc.airports": 1_458,
    "nyc.flights": 336_776,
    "nyc.planes": 3_322,
    "nyc.weather": 26_115,
}


def demo():
    """Import ``notebooks/demo.py``, which is a script and in no package."""
    spec = spec_from_file_location("demo", NOTEBOOKS / "demo.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def gateway(home: Path) -> Iterator[httpx.Client]:
    """Serve a home, and return a client with the operator's token."""
    command = [sys.executable, "-m", "jupyter_etl.gateway", "--port", "0"]
    env = {**os.environ, "JUPYTER_ETL_HOME": str(home)}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            token = (home / "serve.token").read_text().strip()
            headers = {"Authorization": f"Bearer {token}"}
            address = re.search(r"http://[^;\s]+", line)
            assert address is not None, line
            with httpx.Client(base_url=address[0], headers=headers, timeout=60) as client:
                yield client
        finally:
            process.terminate()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made: Path = demo().lay_out(tmp_path_factory.mktemp("demo"))
    return made


@pytest.fixture
def etl(folder: Path) -> Iterator[Etl]:
    """One ledger for the chain: a notebook reads what the one before has published."""
    opened = Etl.open(Settings.from_env({"TZ": "UTC"}, home=str(folder.parent / "etl")))
    yield opened
    opened.close()


def succeeded(run: Run) -> Run:
    assert (run.state, run.error) == (RunState.SUCCEEDED, "")
    return run


def live_rows(etl: Etl) -> dict[str, int | None]:
    return {p.name: p.live.what.rows for p in etl.publications.list() if p.live}


def test_the_ingest_publishes_the_year_and_finds_its_faults(etl: Etl, folder: Path) -> None:
    run = succeeded(etl.runs.run(folder / "ingest.ipynb"))
    assert live_rows(etl) == ROWS
    assert {(v.name, v.what.rows) for v in run.published} == set(ROWS.items())
    warnings = {c.rule.text: c for c in run.checks if c.status is CheckStatus.WARN}
    (unknown,) = (c for text, c in warnings.items() if "airports.faa" in text)
    assert unknown.failed_rows == 7_602
    (cancelled,) = (c for text, c in warnings.items() if text.startswith("dep_time"))
    assert cancelled.failed_rows == 8_255
    assert not [c for c in run.checks if c.status is CheckStatus.ERROR]
    # The strongest rule about the wind comes last, over the repaired frame.
    events = [e for e in etl.runs.events(run.id) if e["kind"] == "checks"]
    said = [r for e in events for r in e["results"] if "wind_speed" in r["rule"]["text"]]
    assert [(r["status"], r["failed_rows"]) for r in said] == [("warn", 1), ("pass", 0)]
    assert "1048" in said[0]["message"]
    weather = etl.publications.read("nyc.weather", columns=["wind_speed"])
    assert max(w for w in weather["wind_speed"].to_pylist() if w is not None) < 254


def test_a_day_is_a_partition_and_again_changes_nothing(etl: Etl, folder: Path) -> None:
    for day in ("2013-02-08", "2013-02-09", "2013-02-09"):
        succeeded(etl.runs.run(folder / "daily_delays.ipynb", parameters={"day": day}))
    table = etl.publications.read("nyc.daily_delays").to_pandas()
    assert len(table) == 6
    assert sorted(table["airport"].unique()) == ["EWR", "JFK", "LGA"]
    storm = table[table["day"].astype(str) == "2013-02-09"]
    assert int(storm["flights"].sum()) == 684
    assert int(storm["cancelled"].sum()) == 393
    assert etl.publications.get("nyc.daily_delays").live.number == 3


def test_the_brief_is_a_page_that_fetches_nothing(etl: Etl, folder: Path) -> None:
    succeeded(etl.runs.run(folder / "morning_brief.ipynb"))
    page = etl.publications.file("morning-brief").read_text()
    assert "Saturday, 09 February 2013" in page
    assert "data:image/" in page
    fetched = re.findall(r"""(?:src|href|action)\s*=\s*["']?\s*(?:https?:)?//[^"'\s>]+""", page)
    assert fetched == []
    assert not re.findall(r"""(?:url\(|@import)\s*["']?(?:https?:)?//""", page)
    assert "<script" not in page
    assert "pivot_table" not in page


def test_the_ingest_again_changes_no_row_count(etl: Etl, folder: Path) -> None:
    before = live_rows(etl)
    succeeded(etl.runs.run(folder / "ingest.ipynb"))
    assert live_rows(etl) == before
    assert etl.publications.get("nyc.flights").live.number == 2


def test_the_model_is_served_promoted_compared_and_rolled_back(etl: Etl, folder: Path) -> None:
    etl.pipelines.schedule(folder / "delay_model.ipynb")
    for ridge in (1.0, 50_000.0):
        etl.runs.trigger("delay_model", parameters={"ridge": ridge})
        etl.scheduler().run(until_idle=True, stop=lambda: False)
    etl.pipelines.unschedule("delay_model")
    (listed,) = (one for one in etl.endpoints.list() if one.name == "nyc.delay")
    assert (listed.live, listed.versions) == (1, (2, 1))
    assert live_rows(etl)["nyc.delay_training"] == 4_348
    flight = {"origin": "JFK", "carrier": "B6", "hour": 18, "month": 7}
    with gateway(etl.settings.home) as client:

        def version_that_answers() -> str:
            return client.post("/functions/nyc.delay", json=flight).headers["x-version"]

        rows = client.get("/queries/nyc.delays_of_airport?airport=JFK").json()["rows"]
        table = etl.publications.read("nyc.daily_delays").to_pandas().astype({"day": str})
        table = table[table["airport"] == "JFK"].sort_values("day")
        columns = ["day", "flights", "cancelled"]
        assert [[row[name] for name in columns] for row in rows] == table[columns].values.tolist()
        minutes = [
            client.post(f"/functions/nyc.delay/versions/{number}", json=flight).json()["result"]
            for number in (1, 2)
        ]
        assert minutes[0]["minutes"] == pytest.approx(31.2, abs=0.1)
        assert minutes[0] != minutes[1]
        etl.endpoints.promote("nyc.delay", 2, canary=0.5)
        until("canary", lambda: version_that_answers() == "2")
        etl.endpoints.promote("nyc.delay", 2)
        until("promoted", lambda: {version_that_answers() for _ in range(20)} == {"2"})
        etl.endpoints.rollback("nyc.delay")
        until("rolled back", lambda: {version_that_answers() for _ in range(20)} == {"1"})
    compared = etl.endpoints.compare("nyc.delay", 1, 2)
    assert [one.errors for one in compared.statistics] == [0, 0]
    assert all(one.calls > 0 for one in compared.statistics)
    expected = succeeded(etl.runs.run(folder / "expected_delays.ipynb")).published
    assert [(version.name, version.what.rows) for version in expected] == [
        ("nyc.expected_delays", 684)
    ]


@pytest.mark.parametrize("name", demo().CHAIN)
def test_each_deploys_by_what_it_says_itself(etl: Etl, folder: Path, name: str) -> None:
    done = etl.pipelines.schedule(folder / f"{name}.ipynb")
    assert done.words
    assert not [f for f in done.findings if f.severity == "error"]
    etl.pipelines.unschedule(name)
