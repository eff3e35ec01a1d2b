"""The executor of this machine with a fork server: the executor's contract, and what only warm starts do."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec
import psutil
import pytest

from contracts.executor_contract import ExecutorContract, claim_of
from fakes import fork_server_process
from fakes.patience import until
from jupyter_etl.ports import Claim, Executor
from jupyter_etl.runner.folders import LOG, attempt_folder
from jupyter_etl.runner.local_executor import LocalExecutor
from jupyter_etl.runner.warm import client, prestarted_runner
from jupyter_etl.runner.warm.client import ColdStart, WarmRunners
from jupyter_etl.runner.warm.fork_server import ForkServerState, encode_state

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux")

TESTS = str(Path(fork_server_process.__file__).parents[1])


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[WarmRunners]]:
    """What the test has made, closed at its end; no fork server imports more than it must."""
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([TESTS, os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setattr(client, "PRELOAD", ())
    made: list[WarmRunners] = []
    yield made
    for warm in made:
        warm.close()


@pytest.fixture
def make(tmp_path: Path, made: list[WarmRunners]) -> Callable[[Sequence[str]], Executor]:
    def executor(command: Sequence[str]) -> Executor:
        script = command[-1]
        there = (sys.executable, fork_server_process.__file__, script)
        warm = WarmRunners(command=there if Path(script).is_file() else (script,))
        made.append(warm)
        env = {"LANTERN": "lit"}
        return LocalExecutor(tmp_path / "home", env=env, command=command, warm=warm)

    return executor


@pytest.fixture
def folder_of(tmp_path: Path) -> Callable[[Claim], Path]:
    return lambda claim: attempt_folder(tmp_path / "home", claim.run.id, claim.attempt.number)


class TestWarmExecutor(ExecutorContract):
    @pytest.fixture
    def make(
        self, make: Callable[[Sequence[str]], Executor]
    ) -> Callable[[Sequence[str]], Executor]:
        return make

    @pytest.fixture
    def folder_of(self, folder_of: Callable[[Claim], Path]) -> Callable[[Claim], Path]:
        return folder_of


@pytest.fixture
def runner(tmp_path: Path) -> list[str]:
    """A stand-in for a runner that reports about itself."""
    script = tmp_path / "runner.py"
    script.write_text(STAND_IN)
    return [sys.executable, str(script)]


STAND_IN = """
import json, os, sys, time
from pathlib import Path
folder = Path(sys.argv[1])
about = {
    "pid": os.getpid(), "parent": os.getppid(), "session": os.getsid(0), "cwd": os.getcwd(),
    "env": dict(os.environ), "fds": sorted(int(fd) for fd in os.listdir("/proc/self/fd")),
    "cmdline": Path("/proc/self/cmdline").read_text().rstrip("\\0").split("\\0"),
    "environ": Path("/proc/self/environ").read_text(), "modules": sorted(sys.modules),
}
print("its words", flush=True)
(folder / "about.part").write_text(json.dumps(about))
(folder / "about.part").rename(folder / "about")
while not (folder / "stop").exists():
    time.sleep(0.02)
"""


def started(executor: Executor, folder: Path, claim: Claim) -> dict[str, object]:
    """Start an attempt and return what its runner reports about itself; poll for ends meanwhile."""
    executor.start(claim)
    until("the runner", lambda: executor.ended() == [] and (folder / "about").exists())
    about: dict[str, object] = json.loads((folder / "about").read_text())
    return about


def ended(executor: Executor, folder: Path) -> list[tuple[int, int, int]]:
    (folder / "stop").touch()
    reported: list[tuple[int, int, int]] = []
    until("the runner's end", lambda: reported.extend(executor.ended()) or reported)
    return reported


def test_a_runner_looks_like_one_that_was_started_by_its_command(
    make, runner, folder_of, monkeypatch
):
    monkeypatch.setenv("ONLY_RUNNERS_KNOW", "this")
    executor, claim = make(runner), claim_of(1)
    folder = folder_of(claim)
    about = started(executor, folder, claim)
    assert about["cmdline"] == [*runner, str(folder)]
    assert psutil.Process(about["pid"]).cmdline()[:3] == [*runner, str(folder)]
    assert about["session"] == about["pid"]
    assert about["cwd"] == str(Path.cwd())
    assert about["env"]["LANTERN"] == "lit"
    assert about["env"]["ONLY_RUNNERS_KNOW"] == "this"
    assert "OPENBLAS_NUM_THREADS" not in about["env"]
    shown = about["environ"].strip("\0").split("\0")
    assert shown == [f"{name}={value}" for name, value in about["env"].items()]
    # Standard streams, the log's reader of this list, and the line to its stem.
    assert len(about["fds"]) <= 6
    assert (folder / LOG).read_text() == "its words\n"
    assert ended(executor, folder) == [(1, 1, 0)]


def test_runners_are_distinguished(make, runner, folder_of):
    executor = make(runner)
    claims = [claim_of(number) for number in (1, 2, 3)]
    pids = [started(executor, folder_of(claim), claim)["pid"] for claim in claims]
    os.kill(pids[1], signal.SIGKILL)
    reported: list[tuple[int, int, int]] = []
    until("the end of the killed one", lambda: reported.extend(executor.ended()) or reported)
    assert reported == [(2, 1, -signal.SIGKILL)]
    assert ended(executor, folder_of(claims[0])) == [(1, 1, 0)]
    assert ended(executor, folder_of(claims[2])) == [(3, 1, 0)]


def test_a_killed_fork_server_is_replaced(make, runner, folder_of):
    executor = make(runner)
    first, second = claim_of(1), claim_of(2)
    about = started(executor, folder_of(first), first)
    os.kill(about["parent"], signal.SIGKILL)
    until("the end of the fork server", lambda: not _lives(about["parent"]))
    again = started(executor, folder_of(second), second)
    assert again["parent"] not in (about["parent"], os.getpid())
    # The first one lives on; with which code it ended nobody can tell any more.
    assert psutil.pid_exists(about["pid"])
    assert ended(executor, folder_of(first)) == [(1, 1, client.UNKNOWN)]
    assert ended(executor, folder_of(second)) == [(2, 1, 0)]


def test_a_request_without_a_reply_becomes_a_cold_start(make, runner, folder_of):
    executor = make(runner)
    first, second = claim_of(1), claim_of(2)
    about = started(executor, folder_of(first), first)
    os.kill(about["parent"], signal.SIGSTOP)
    executor.start(second)
    os.kill(about["parent"], signal.SIGKILL)
    until("the runner", lambda: not executor.ended() and (folder_of(second) / "about").exists())
    again = json.loads((folder_of(second) / "about").read_text())
    assert again["env"]["JUPYTER_ETL_COLD"] == "the fork server ended before it started the runner"
    for claim in (first, second):
        ended(executor, folder_of(claim))


def test_a_fork_server_that_ends_before_it_forks_makes_a_cold_start(
    tmp_path, runner, folder_of, made
):
    broken = tmp_path / "broken.py"
    broken.write_text("import sys; sys.exit(3)")
    made.append(WarmRunners(command=(sys.executable, str(broken))))
    executor = LocalExecutor(tmp_path / "home", command=runner, warm=made[0])
    claim = claim_of(1)
    folder = folder_of(claim)
    executor.start(claim)
    until("the runner", lambda: executor.ended() == [] and (folder / "about").exists())
    assert "fork server ended" in (folder / "about").read_text()
    assert ended(executor, folder) == [(1, 1, 0)]


def test_a_change_of_imported_files_restarts_the_fork_server(
    make, runner, folder_of, made, tmp_path, monkeypatch
):
    library = tmp_path / "library"
    library.mkdir()
    (library / "colour.py").write_text("NAME = 'red'\n")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(library)]))
    monkeypatch.setattr(client, "PRELOAD", ("colour",))
    Path(runner[1]).write_text(STAND_IN + "\nimport colour\nprint(colour.NAME, flush=True)\n")
    executor = make(runner)
    first, second = claim_of(1), claim_of(2)
    before = started(executor, folder_of(first), first)
    assert "colour" in before["modules"]
    (library / "colour.py").write_text("NAME = 'green'\n")
    time.sleep(3.5)  # A fork server checks its files every three seconds.
    after = started(executor, folder_of(second), second)
    assert after["parent"] == before["parent"]
    assert ended(executor, folder_of(second)) == [(2, 1, 0)]
    assert (folder_of(second) / LOG).read_text().endswith("green\n")
    # The runner of the old one is still its child, and its end is told.
    assert ended(executor, folder_of(first)) == [(1, 1, 0)]
    assert (folder_of(first) / LOG).read_text().endswith("red\n")


def warmed_up(runner: Sequence[str]) -> list[int]:
    """Return the processes of the runners that are ready and warmed up."""
    reported = Path(runner[1]).with_name("warmed-up")
    return [int(line) for line in reported.read_text().split()] if reported.exists() else []


def run_one(executor: Executor, folder: Path, claim: Claim) -> dict[str, object]:
    about = started(executor, folder, claim)
    assert ended(executor, folder) == [(claim.run.id, 1, 0)]
    return about


def test_the_next_runner_is_ready_before_it_is_asked_for(make, runner, folder_of):
    executor, first, second = make(runner), claim_of(1), claim_of(2)
    before = run_one(executor, folder_of(first), first)
    assert "LANTERN=lit" in before["environ"]
    ready = until("a runner that is ready", lambda: warmed_up(runner))
    shown = psutil.Process(ready[0])
    assert shown.cmdline()[1:3] == ["-m", prestarted_runner.__name__]
    assert shown.environ()["LANTERN"] == "lit"
    after = run_one(executor, folder_of(second), second)
    assert after["pid"] == ready[0]
    assert after["cmdline"] == [*runner, str(folder_of(second))]
    # What the first runner had open, and no more.
    assert len(after["fds"]) == len(before["fds"])
    assert (folder_of(second) / LOG).read_text() == "its words\n"


def test_a_ready_runner_that_was_killed_is_replaced(make, runner, folder_of):
    executor, first, second = make(runner), claim_of(1), claim_of(2)
    run_one(executor, folder_of(first), first)
    [ready] = until("a runner that is ready", lambda: warmed_up(runner))
    os.kill(ready, signal.SIGKILL)
    until("its end", lambda: not _lives(ready))
    after = run_one(executor, folder_of(second), second)
    assert after["pid"] != ready
    assert "JUPYTER_ETL_COLD" not in after["env"]


def test_a_failed_warm_up_is_only_noted_in_the_log_of_the_run(make, runner, folder_of, tmp_path):
    (tmp_path / "fails").touch()
    executor, first, second = make(runner), claim_of(1), claim_of(2)
    run_one(executor, folder_of(first), first)
    [ready] = until("a runner that is ready", lambda: warmed_up(runner))
    after = run_one(executor, folder_of(second), second)
    assert after["pid"] == ready
    log = (folder_of(second) / LOG).read_text()
    assert "RuntimeError: the warm-up failed" in log
    assert log.endswith("its words\n")


def test_a_runner_for_another_environment_is_not_the_one_that_is_ready(
    make, runner, folder_of, monkeypatch
):
    executor, first, second = make(runner), claim_of(1), claim_of(2)
    run_one(executor, folder_of(first), first)
    [ready] = until("a runner that is ready", lambda: warmed_up(runner))
    monkeypatch.setenv("SINCE_THEN", "set")
    after = run_one(executor, folder_of(second), second)
    assert (after["env"]["SINCE_THEN"], after["pid"] == ready) == ("set", False)
    until("the end of the one that was ready", lambda: not _lives(ready))


def test_a_module_that_starts_a_thread_is_left_out(
    make, runner, folder_of, made, tmp_path, monkeypatch, capfd
):
    (tmp_path / "restless.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(99,), daemon=True).start()"
    )
    (tmp_path / "broken.py").write_text("1 / 0")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([os.environ["PYTHONPATH"], str(tmp_path)]))
    monkeypatch.setattr(
        client, "PRELOAD", ("restless", "colorsys", "broken", "not_installed.at_all")
    )
    executor, claim = make(runner), claim_of(1)
    about = started(executor, folder_of(claim), claim)
    assert {"restless", "colorsys"} & set(about["modules"]) == {"colorsys"}
    assert ended(executor, folder_of(claim)) == [(1, 1, 0)]
    said = capfd.readouterr().err
    assert "restless is not imported ahead of runs: it starts a thread" in said
    assert "broken cannot be imported ahead of runs: ZeroDivisionError" in said
    assert "not_installed" not in said


def test_another_environment_of_the_interpreter_gets_another_fork_server(
    make, runner, folder_of, monkeypatch
):
    executor = make(runner)
    first, second = claim_of(1), claim_of(2)
    before = started(executor, folder_of(first), first)
    monkeypatch.setenv("PYTHONOPTIMIZE", "1")
    after = started(executor, folder_of(second), second)
    assert before["parent"] != after["parent"]
    for claim in (first, second):
        ended(executor, folder_of(claim))


def test_a_fork_server_ends_with_its_parent(make, runner, folder_of, made):
    executor, claim = make(runner), claim_of(1)
    about = started(executor, folder_of(claim), claim)
    made[0].close()
    until("the end of the fork server", lambda: not _lives(about["parent"]))
    assert _lives(about["pid"])
    (folder_of(claim) / "stop").touch()
    until("the runner's end", lambda: not _lives(about["pid"]))


def test_an_environment_too_large_for_a_request(make, runner, folder_of, monkeypatch):
    monkeypatch.setenv("LONG", "x" * 120_000)
    monkeypatch.setenv("LONGER", "x" * 120_000)
    executor, claim = make(runner), claim_of(1)
    about = started(executor, folder_of(claim), claim)
    assert about["env"]["JUPYTER_ETL_COLD"] == "its environment is too large for a request"
    assert ended(executor, folder_of(claim)) == [(1, 1, 0)]


def test_where_there_is_no_fork(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(ColdStart, match="need Linux"):
        WarmRunners(command=(sys.executable,)).prepare()


def test_a_life_survives_the_words_of_a_command():
    state = ForkServerState(
        line=7, modules=("a",), left_out={"b": "it starts a thread"}, runners=(1, 2)
    )
    text, room = encode_state(state)
    assert msgspec.json.decode(text, type=ForkServerState) == state
    assert room.isspace()


def _lives(pid: object) -> bool:
    try:
        return psutil.Process(int(str(pid))).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
