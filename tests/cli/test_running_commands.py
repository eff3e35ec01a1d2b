"""``jupyter etl run`` and who steers it, with real runners."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fakes.command import CommandResult, finish, start
from fakes.notebooks import code, write_notebook
from jupyter_etl.services.etl import Etl

pytestmark = pytest.mark.kernel

Command = Callable[..., CommandResult]

KEYS = {
    *("run", "outcome", "cell", "error", "verdict", "output", "seconds", "published"),
    "retry_from",
}
FRAME = "import pandas as pd\ndf = pd.DataFrame({'id': [1, 2]})"
SLEEP = "open('running', 'w').close()\nimport time\ntime.sleep(100)"


def wait_for(path: Path) -> None:
    """Wait for a file; the deadline only ends a test that has failed."""
    end = time.monotonic() + 100
    while not path.exists():
        assert time.monotonic() < end, f"waited in vain for {path}"
        time.sleep(0.1)


def result(said: CommandResult, code: int) -> dict[str, Any]:
    assert said.code == code, said
    found: dict[str, Any] = said.json
    assert found.keys() == KEYS
    assert found["seconds"] > 0
    assert said.err == ""
    return found


def test_succeeded(command: Command, here: Path) -> None:
    cells = ("%etl param n int = 1", FRAME, "%etl publish table a.b df", "import sys\nsys.exit(0)")
    write_notebook(here / "good.ipynb", *cells, "raise ValueError('not reached')")
    found = result(command("run", "good.ipynb", "-p", "n=2", "--timeout", "5m", "--json"), 0)
    assert found["outcome"] == "succeeded"
    assert (found["cell"], found["error"], found["verdict"]) == (None, None, None)
    assert found["published"] == [{"name": "a.b", "version": 1, "rows": 2}]
    assert json.loads(Path(found["output"]).read_text())["cells"]
    drafted = command("run", "good.ipynb", "--draft")
    assert drafted.code == 0
    assert f"Run {found['run'] + 1} succeeded in " in drafted.out
    assert "a.b draft 1, 2 rows" in drafted.out
    (last, first) = command("runs", "--json").json
    assert (first["outcome"], first["pipeline"], first["attempts"]) == ("succeeded", "good", 1)
    assert first["run"] == found["run"] == last["run"] - 1
    assert [e["kind"] for e in command("logs", "1", "--json").json["events"]][-1] == "finished"


def test_failed(command: Command, here: Path) -> None:
    write_notebook(here / "bad.ipynb", code("n = 1", "parameters"), "1 / 0", "print('never')")
    found = result(command("run", "bad.ipynb", "-p", "n=0", "--json"), 1)
    assert (found["outcome"], found["cell"], found["verdict"]) == ("failed", 1, "notebook")
    assert found["error"] == "ZeroDivisionError: division by zero"
    assert found["published"] == []
    executed = Path(found["output"]).read_text()
    assert "ZeroDivisionError" in executed
    said = command("run", "bad.ipynb")
    assert said.code == 1
    assert "Cell 2: ZeroDivisionError" in said.out


def test_held_by_a_check(command: Command, here: Path) -> None:
    cells = (FRAME, "%etl publish table a.b df", "%%etl check df\nrows > 5\nid > 1 : warn")
    write_notebook(here / "held.ipynb", *cells)
    found = result(command("run", "held.ipynb", "--json"), 3)
    assert found["error"] == "a check of 'df' failed: 2 rows: rows > 5 is false"
    assert (found["outcome"], found["cell"], found["verdict"]) == ("held", 2, "data")
    assert found["published"] == []
    said = command("logs", str(found["run"]))
    assert "error: df: 2 rows: rows > 5 is false\nNo single row fails it." in said.out
    assert "warn: df: 1 of 2 rows: id > 1 is false; first: id = 1\nid\n1\n" in said.out
    assert command("published", "--json").json == []


def test_timed_out(command: Command, here: Path) -> None:
    write_notebook(here / "slow.ipynb", SLEEP)
    found = result(command("run", "slow.ipynb", "--timeout", "4", "--json"), 5)
    assert (found["outcome"], found["published"]) == ("timed_out", [])
    assert "timed out after 4 s" in found["error"]
    assert Path(found["output"]).exists()


@pytest.mark.slow
def test_cancelled_by_another_process(command: Command, here: Path) -> None:
    write_notebook(here / "slow.ipynb", SLEEP)
    process = start("run", "slow.ipynb", "--json")
    wait_for(here / "running")
    assert command("cancel", "1").out == "Run 1 is being stopped.\n"
    found = result(finish(process), 4)
    assert found["outcome"] == "cancelled"
    assert Path(found["output"]).exists()


@pytest.mark.slow
def test_an_interrupt_cancels(command: Command, here: Path) -> None:
    write_notebook(here / "slow.ipynb", SLEEP)
    process = start("run", "slow.ipynb", "--json")
    wait_for(here / "running")
    process.send_signal(signal.SIGINT)
    found = result(finish(process), 4)
    assert found["outcome"] == "cancelled"
    (run,) = command("runs", "--json").json
    assert run["outcome"] == "cancelled"


def test_a_scheduler_until_nothing_is_left(command: Command, here: Path) -> None:
    write_notebook(here / "a.ipynb", FRAME, "%etl publish table a.b df")
    assert command("schedule", "a.ipynb").code == 0
    assert command("trigger", "a").code == 0
    said = command("up", "--until-idle")
    assert said.code == 0
    assert said.out == ""
    assert "Scheduling with" in said.err
    (run,) = command("runs", "--json").json
    assert (run["outcome"], run["cause"]) == ("succeeded", "manual")
    assert command("history", "a.b", "--json").json[0]["run"] == run["run"]


def test_a_run_is_followed_to_its_end(command: Command, etl: Etl, here: Path) -> None:
    write_notebook(here / "a.ipynb", FRAME, "import os\n_ = os.system('echo hello')", "1 / 0")
    assert command("schedule", "a.ipynb").code == 0
    assert command("trigger", "a").code == 0
    assert "waits for a scheduler" in command("logs", "a").out
    with ThreadPoolExecutor(1) as pool:
        scheduler = pool.submit(etl.scheduler(workers=1).run, stop=lambda: False, until_idle=True)
        said = command("logs", "a", "--follow")
    scheduler.result()
    assert said.code == 1
    for part in ("queued on request", "cell 1 succeeded", "| hello", "ZeroDivisionError"):
        assert said.out.count(part) >= 1, said
    assert "attempt 1 failed after" in said.out
    again = command("logs", "1", "-f", "--json")
    assert again.code == 1
    lines = [json.loads(line) for line in again.out.splitlines()]
    assert lines[0].keys() == {"kind", "text", "at", "attempt"}
    assert [line["kind"] for line in lines[:3]] == ["run", "attempt", "started"]


@pytest.mark.parametrize("words", [("logs", "dialy"), ("logs", "dialy", "-f"), ("logs", "7")])
def test_the_log_of_what_is_not_there(command: Command, here: Path, words: tuple[str]) -> None:
    write_notebook(here / "daily.ipynb", "1")
    assert command("schedule", "daily.ipynb").code == 0
    said = command(*words)
    assert (said.code, said.out) == (2, "")
    assert said.err.startswith(f"There is no run or pipeline '{words[1]}'.")
    assert ("Did you mean 'daily'?" in said.err) == (words[1] == "dialy")
