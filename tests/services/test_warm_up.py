"""What a prestarted runner does before it has an attempt must end, whatever becomes of its kernel."""

from __future__ import annotations

import asyncio
from pathlib import Path
from queue import Empty
from types import SimpleNamespace
from typing import Any

import pytest

from jupyter_etl.model import AttemptReport, Outcome
from jupyter_etl.runner.attempt import run_attempt
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import load_claim
from jupyter_etl.scheduling.attempt_policy import StandardAttemptPolicy
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.processes import warm_up as warm_up_module
from jupyter_etl.services.processes.warm_up import warm_up, write_script


class SilentKernel:
    """Is asked, and never says a word.

    Args:
        folder: For its sockets.
        lives: Whether its process is there.
    """

    def __init__(self, folder: Path, *, lives: bool) -> None:
        folder.mkdir()
        self.folder = folder
        self.asked: list[tuple[str, object]] = []
        self.info = {"language_info": {"name": "python"}}
        channel = SimpleNamespace(get_msg=self._get_msg)
        self.shell_channel = self.iopub_channel = channel
        self._lives = lives

    @property
    def client(self) -> SilentKernel:
        return self

    manager = client

    def execute(self, code: str, *, store_history: bool, **_: object) -> str:
        self.asked.append((code, store_history))
        return "asked"

    async def is_alive(self) -> bool:
        return self._lives

    async def _get_msg(self, timeout: float | None = None) -> dict[str, Any]:
        await asyncio.sleep(60 if timeout is None else timeout)
        raise Empty


@pytest.mark.parametrize("lives", [False, True])
def test_a_warm_up_ends_though_its_kernel_does_not_respond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lives: bool
) -> None:
    monkeypatch.setattr(warm_up_module, "_PATIENCE_S", 0.1)
    early: Any = SilentKernel(tmp_path / "early", lives=lives)
    reports: list[AttemptReport] = []

    def make(folder: Path, *, etl: Etl, kernel: Any) -> int:
        context = AttemptContext(
            claim=load_claim(folder),
            folder=folder,
            store=etl.store,
            publishers={},
            clock=etl.clock,
            lake=etl.lake,
            heartbeat_s=5.0,
            lease_s=30.0,
            kernel=kernel,
        )
        report = run_attempt(context, StandardAttemptPolicy(store=etl.store))
        reports.append(report)
        return 0

    etl = Etl.open()
    warm_up(write_script(), etl, early, make)
    etl.close()
    assert early.asked == [("None", False)]
    [report] = reports
    assert report.outcome is Outcome.FAILED
    assert "the kernel died in cell 1: it is gone" in report.error
    assert list(early.folder.iterdir()) == []
