"""Imports ahead of runs, with the same defaults as in a kernel."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType, SimpleNamespace
from typing import Any


@contextmanager
def as_in_a_kernel() -> Iterator[None]:
    """Let modules that are imported in this context detect an IPython kernel.

    Some check during the import whether they run in a terminal: pandas then shows as
    many columns as fit into its width, and DuckDB shows no progress.

    Source:
        ``pandas._config.display``, ``pandas.core.config_init.is_terminal``; DuckDB's
        ``DuckDBPyConnection::DetectEnvironment``.
    """
    import IPython

    ipython: Any = IPython
    names: Any = builtins
    kernel, real = SimpleNamespace(kernel=True, config={"IPKernelApp": {}}), ipython.get_ipython
    inside = True

    def get_ipython() -> Any:
        # A module may keep this function.
        return kernel if inside else real()

    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    ipython.get_ipython = names.get_ipython = get_ipython
    try:
        yield
    finally:
        inside = False
        sys.modules["__main__"] = main
        ipython.get_ipython = real
        del names.get_ipython
