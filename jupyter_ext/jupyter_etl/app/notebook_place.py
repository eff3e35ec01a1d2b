"""Where a kernel is: in a run or not, of which notebook, in which folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

CHANNEL_VARIABLE = "JUPYTER_ETL_CHANNEL"
"""Environment variable that names the runner's socket inside a run."""


def in_run() -> bool:
    """Tell whether this process is the kernel of a run."""
    return bool(os.environ.get(CHANNEL_VARIABLE))


def notebook_path(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the notebook that this kernel belongs to, if known.

    Source:
        ``JPY_SESSION_NAME`` is set by jupyter_server for the kernel of a session.
    """
    env = os.environ if environ is None else environ
    name = env.get("JPY_SESSION_NAME", "")
    if not name.endswith(".ipynb"):
        return None
    # Under a remote contents manager the name is no path of this machine.
    path = start_folder(main_names()) / name
    return path if path.is_file() else None


def main_names() -> Mapping[str, object]:
    """Return the variables of ``__main__``, where a kernel keeps those of its notebook."""
    return vars(sys.modules["__main__"])


def start_folder(names: Mapping[str, object]) -> Path:
    """Return the folder that IPython was started in; without IPython, the working directory.

    Args:
        names: The notebook's variables.

    Source:
        IPython's documentation, "Directory history": the list ``_dh`` begins with it.
    """
    visited = names.get("_dh")
    return Path(str(visited[0])) if isinstance(visited, list) and visited else Path.cwd()
