"""What ``%load_ext jupyter_etl`` imports."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
before = set(sys.modules)
shell.run_line_magic("load_ext", "jupyter_etl")
assert "etl" in shell.magics_manager.magics["line"]
print(*sorted({name.partition(".")[0] for name in set(sys.modules) - before}))
"""
SLOW = {
    "duckdb",
    "httpx",
    "nbformat",
    "numpy",
    "pandas",
    "papermill",
    "psutil",
    "pyarrow",
    "sqlalchemy",
}


def test_loading_the_extension_imports_no_large_library() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    loaded = set(done.stdout.split())
    assert "jupyter_etl" in loaded
    assert loaded & SLOW == set()
