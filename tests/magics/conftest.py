"""A shell with `%etl`, in this process."""

from __future__ import annotations

import atexit
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from fakes.shell import Collector, Notebook


@pytest.fixture
def notebook(
    home: Path, here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Notebook]:
    """A new shell that belongs to ``sales.ipynb``."""
    config = Config()
    config.HistoryManager.enabled = True
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    config.IPCompleter.use_jedi = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, display_pub_class=Collector)
    monkeypatch.setenv("JPY_SESSION_NAME", "sales.ipynb")
    path = here / "sales.ipynb"
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    shell.run_line_magic("load_ext", "jupyter_etl")
    yield Notebook(shell=shell, path=path, capsys=capsys)
    atexit.unregister(shell.atexit_operations)
    shell.history_manager.end_session()
    shell.history_manager.db.close()
    shell.restore_sys_module_state()
    InteractiveShell.clear_instance()
