"""Options of libraries in a warm kernel equal those of a cold one, with a reason for each exception."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.model import RunState
from jupyter_etl.services.etl import Etl

pytestmark = [
    pytest.mark.kernel,
    pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux"),
]

SEE = r"""
import json, locale, logging, os, shutil, sys, warnings
import numpy, pandas, pyarrow, duckdb, matplotlib, deltalake, sqlalchemy, psycopg
import pandas._config.config

def plain(value):
    return value if isinstance(value, (str, int, float, bool, type(None))) else repr(value)

def keep(values):
    return {str(name): plain(value) for name, value in values.items()}

def handlers(logger):
    return [[type(one).__name__, one.level] for one in logger.handlers]

def settings(connection):
    return dict(connection.execute("select name, value from duckdb_settings()").fetchall())

def pattern(one):
    return getattr(one, "pattern", None)

shell = get_ipython()
loggers = logging.root.manager.loggerDict
print(json.dumps({
    "pandas": keep({name: pandas.get_option(name) for name in pandas._config.config._registered_options}),
    "numpy": keep(numpy.get_printoptions()) | keep(numpy.geterr()),
    "matplotlib": keep(matplotlib.rcParams),
    "duckdb": settings(duckdb.connect()) | {"default": settings(duckdb)},
    "pyarrow": [pyarrow.cpu_count(), pyarrow.io_thread_count(), pyarrow.default_memory_pool().backend_name],
    "warnings": [[one[0], pattern(one[1]), one[2].__name__, pattern(one[3]), one[4]] for one in warnings.filters],
    "root": [logging.root.level, handlers(logging.root), logging.raiseExceptions,
             logging.root.manager.disable, logging._warnings_showwarning is None],
    "loggers": {name: [one.level, one.propagate, one.disabled, handlers(one)]
                for name, one in loggers.items() if isinstance(one, logging.Logger)},
    "locale": [locale.setlocale(one) for one in (locale.LC_ALL, locale.LC_NUMERIC, locale.LC_TIME)],
    "encodings": [sys.getdefaultencoding(), sys.getfilesystemencoding(), sys.stdout.encoding,
                  sys.stderr.encoding, locale.getpreferredencoding()],
    "terminal": [*shutil.get_terminal_size(), sys.stdout.isatty(), os.environ.get("COLUMNS"),
                 os.environ.get("LINES"), os.environ.get("TERM")],
    "limits": [sys.getrecursionlimit(), sys.getswitchinterval(), sys.get_int_max_str_digits()],
    "flags": repr(sys.flags),
    "hooks": [type(sys.displayhook).__name__, sys.excepthook.__name__, type(sys.stdout).__name__],
    "path": sys.path,
    "environ": dict(os.environ),
    "formatters": {kind: [one.enabled, sorted(map(str, one.type_printers)), sorted(map(str, one.deferred_printers))]
                   for kind, one in shell.display_formatter.formatters.items()},
    "config": sorted(shell.config),
}))
"""

OF_ONE_RUN = {
    "JPY_PARENT_PID": "the runner",
    "JUPYTER_ETL_ATTEMPT": "the run",
    "JUPYTER_ETL_CHANNEL": "the run",
    "JUPYTER_ETL_COLD": "why it is cold",
    "PYDEVD_USE_FRAME_EVAL": "for the debugger, which has been imported and reads it no more",
}


def seen(etl: Etl, path: Path, *, cold: bool) -> dict[str, Any]:
    made = etl.runs.run(path, cold=cold)
    assert (made.state, made.error) == (RunState.SUCCEEDED, "")
    [kernel] = [event for event in etl.runs.events(made.id) if event["kind"] == "kernel"]
    assert kernel["warm"] is not cold
    outputs = json.loads(etl.runs.notebook(made.id))["cells"][0]["outputs"]
    printed = ["".join(one["text"]) for one in outputs if one.get("name") == "stdout"]
    found: dict[str, Any] = json.loads("".join(printed))
    return found


def test_each_option_is_that_of_a_cold_kernel(
    etl: Etl, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "93")
    monkeypatch.setenv("TERM", "dumb")
    path = write_notebook(here / "options.ipynb", SEE)
    warm, cold = seen(etl, path, cold=False), seen(etl, path, cold=True)
    assert warm["pandas"]["display.max_columns"] == 20
    assert warm["duckdb"]["enable_progress_bar"] == "true"
    assert warm["terminal"][0] == 93
    for one in (warm, cold):
        for name in OF_ONE_RUN:
            one["environ"].pop(name, None)
        # The same codec: Python's spelling, and that of the kernel's own streams.
        one["pandas"]["display.encoding"] = one["pandas"]["display.encoding"].lower()
    # Libraries that the platform itself has imported add loggers, and filters for warnings of
    # their own classes, as they do in any notebook that imports them.
    known = warm.pop("loggers"), cold.pop("loggers")
    assert known[1].items() <= known[0].items()
    filters = warm.pop("warnings"), cold.pop("warnings")
    assert [one for one in filters[0] if one not in filters[1]] == [
        one
        for one in filters[0]
        if one[2].endswith(("PlatformWarning", "DependencyWarning"))
        or one[2] in ("SecurityWarning", "FileModeWarning")
    ]
    assert [one for one in filters[1] if one not in filters[0]] == []
    for kind in cold:
        assert warm[kind] == cold[kind], kind
