"""An IPython shell as in a kernel, in this process, that records the output of cells."""

from __future__ import annotations

import atexit
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter
from IPython.core.displaypub import DisplayPublisher
from IPython.core.interactiveshell import ExecutionResult, InteractiveShell
from traitlets.config import Config

from fakes.notebooks import write_notebook

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


@dataclass
class Shown:
    """A displayed output of a cell."""

    data: dict[str, str]
    metadata: dict[str, Any]

    @property
    def text(self) -> str:
        return self.data["text/plain"]

    @property
    def html(self) -> str:
        return self.data["text/html"]


class Collector(DisplayPublisher):
    """Records displayed outputs."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)  # type: ignore[no-untyped-call]
        self.shown: list[Shown] = []

    def publish(
        self, data: dict[str, str], metadata: Any = None, source: Any = None, **_: Any
    ) -> None:
        self.shown.append(Shown(data, metadata or {}))


@dataclass
class Notebook:
    """A shell with `%etl`, and its notebook file."""

    shell: InteractiveShell
    path: Path
    capsys: pytest.CaptureFixture[str]
    results: list[Any] = field(default_factory=list)

    @property
    def shown(self) -> list[Shown]:
        """What the last cell displayed."""
        collector = self.shell.display_pub
        assert isinstance(collector, Collector)
        return collector.shown

    def run(self, source: str) -> list[Shown]:
        """Run a cell that must succeed, and return its displayed outputs."""
        self.capsys.readouterr()
        result = self._execute(source)
        assert result.success, result.error_in_exec or result.error_before_exec
        self.results.append(result.result)
        return list(self.shown)

    def card(self, source: str) -> Shown:
        """Run a cell that shows one card."""
        (shown,) = self.run(source)
        return shown

    def printed(self, source: str) -> str:
        """Run a cell and return what it printed."""
        self.run(source)
        return self.capsys.readouterr().out

    def fails(self, source: str) -> tuple[BaseException, str]:
        """Run a cell that must fail; return the error and its displayed form."""
        self.capsys.readouterr()
        result = self._execute(source)
        problem = result.error_in_exec or result.error_before_exec
        assert problem is not None, "the cell succeeded"
        streams = self.capsys.readouterr()
        return problem, _COLOUR.sub("", streams.out + streams.err)

    def complete(self, line: str) -> list[str]:
        """Return the completions at the end of a line."""
        with provisionalcompleter():
            return [c.text for c in self.shell.Completer.completions(line, len(line))]

    def save(self, *cells: str) -> Path:
        """Write the file of this notebook."""
        return write_notebook(self.path, *cells)

    @property
    def names(self) -> dict[str, Any]:
        names: dict[str, Any] = self.shell.user_ns
        return names

    def _execute(self, source: str) -> ExecutionResult:
        self.shown.clear()
        run_cell: Callable[..., ExecutionResult] = self.shell.run_cell
        return run_cell(source, store_history=True)


@contextmanager
def notebook_shell(
    path: Path, capsys: pytest.CaptureFixture[str], *, loaded: bool = True
) -> Iterator[Notebook]:
    """Open a new shell for an empty notebook at ``path``, with `%etl` if ``loaded``."""
    config = Config()
    config.HistoryManager.enabled = True
    config.HistoryManager.hist_file = ":memory:"
    config.InteractiveShell.colors = "nocolor"
    config.IPCompleter.use_jedi = False
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(config=config, display_pub_class=Collector)
    path.write_text(json.dumps({"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}))
    if loaded:
        shell.run_line_magic("load_ext", "jupyter_etl")
    try:
        yield Notebook(shell=shell, path=path, capsys=capsys)
    finally:
        atexit.unregister(shell.atexit_operations)
        assert shell.history_manager is not None
        shell.history_manager.end_session()
        shell.history_manager.db.close()
        shell.restore_sys_module_state()  # type: ignore[no-untyped-call]
        InteractiveShell.clear_instance()
