"""Commands called in this process: the same code as ``jupyter etl``, without its start."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.command import Said
from jupyter_etl.cli.main import main

Command = Callable[..., Said]


@pytest.fixture
def command(home: Path, here: Path, capfd: pytest.CaptureFixture[str]) -> Command:
    """Calls a command in the empty current folder, on an empty ledger."""

    def call(*words: str) -> Said:
        capfd.readouterr()
        code = main([str(word) for word in words])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return call
