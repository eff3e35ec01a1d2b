"""Commands called in this process: the same code as ``jupyter etl``, without its start."""

from __future__ import annotations

from pathlib import Path

import pytest

from fakes.command import Command, CommandResult
from fakes.notebooks import code, write_notebook
from jupyter_etl.cli.main import main


@pytest.fixture
def command(home: Path, here: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls a command in the empty current folder, on an empty ledger."""

    def call(*words: str) -> CommandResult:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return CommandResult(code, out, err)

    return call


@pytest.fixture
def deployed(command: Command, here: Path) -> str:
    """The name of a pipeline that the command line has deployed."""
    write_notebook(here / "sales.ipynb", code("n = 1", "parameters"), "print(n)")
    said = command("schedule", "sales.ipynb", "daily at 06:00", "--tz", "Europe/Paris")
    assert said.code == 0
    assert "every day at 06:00, Europe/Paris" in said.out
    return "sales"
