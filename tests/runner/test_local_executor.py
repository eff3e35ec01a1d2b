"""The executor of this machine."""

from __future__ import annotations

import stat
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path

import pytest

from contracts.executor_contract import ExecutorContract, claim_of
from jupyter_etl.ports import Claim, Executor
from jupyter_etl.runner.folders import attempt_folder
from jupyter_etl.runner.local_executor import LocalExecutor
from jupyter_etl.runner.warm.fork_server import PRELOAD
from jupyter_etl.services.runs.executors import FORK_SERVER, RUNNER


class TestLocalExecutor(ExecutorContract):
    @pytest.fixture
    def make(self, tmp_path: Path) -> Callable[[Sequence[str]], Executor]:
        return lambda command: LocalExecutor(
            tmp_path / "home", env={"LANTERN": "lit"}, command=command
        )

    @pytest.fixture
    def folder_of(self, tmp_path: Path) -> Callable[[Claim], Path]:
        return lambda claim: attempt_folder(tmp_path / "home", claim.run.id, claim.attempt.number)

    def test_a_runner_is_detached_and_its_words_are_kept(self, executor, folder_of):
        claim = claim_of(7)
        executor.start(claim)
        folder = folder_of(claim)
        (folder / "stop").write_text("0")
        while not executor.ended():
            pass
        pid, session, lantern = (folder / "pid").read_text().split()
        assert session == pid, "a session of its own"
        assert lantern == "lit"
        assert "the runner's words" in (folder / "runner.log").read_text()
        assert stat.S_IMODE((folder / "context.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "module", [RUNNER[-1], FORK_SERVER[-1], *(name for name in PRELOAD if "jupyter_etl" in name)]
)
def test_modules_that_are_named_as_text_exist(module: str):
    assert find_spec(module) is not None
