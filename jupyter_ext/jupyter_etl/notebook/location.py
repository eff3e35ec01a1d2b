"""The location of a kernel: its run, notebook and folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from jupyter_etl.errors import DeclarationError
from jupyter_etl.runner.channel.sockets import CHANNEL

_COMMAND = "jupyter etl schedule NOTEBOOK, or: jupyter etl run NOTEBOOK"


def in_run() -> bool:
    """Tell whether this process is the kernel of a run."""
    return bool(os.environ.get(CHANNEL))


def notebook_path(environ: Mapping[str, str] | None = None) -> Path | None:
    """Return the saved notebook of this kernel; None if it is unknown."""
    path, _ = _notebook_of_kernel(os.environ if environ is None else environ)
    return path if path is not None and path.is_file() else None


def saved_notebook() -> Path:
    """Return the saved notebook of this kernel.

    Raises:
        DeclarationError: It is not saved or cannot be determined; the message has the reason.
    """
    path, recorded = _notebook_of_kernel(os.environ)
    if path is None:
        raise DeclarationError(
            "This kernel belongs to no notebook.",
            hint=f"Run the cell in a saved notebook, or use: {_COMMAND}",
        )
    if path.is_file():
        return path
    if recorded:
        raise DeclarationError(
            f"There is no file {path}.",
            hint=f"Save the notebook, then run the cell again. Or use: {_COMMAND}",
        )
    raise DeclarationError(
        f"The notebook was {path.name} when its kernel started, and has been renamed or moved since.",
        hint="Restart the kernel, or install jupyter-etl in the environment of the Jupyter "
        f"server, which makes this unnecessary. Or use: {_COMMAND}",
    )


def _notebook_of_kernel(environ: Mapping[str, str]) -> tuple[Path | None, bool]:
    """Return the notebook's path, and whether it is up to date.

    Only the Jupyter server's record follows a notebook that is renamed or moved. Without it, the
    path is the one from when the kernel started.

    Source:
        ``__vsc_ipynb_file__`` is set by VS Code, whose sessions on a server have invented names;
        ``JPY_SESSION_NAME`` by jupyter_server for the kernel of a session.
    """
    names = main_names()
    in_vs_code = str(names.get("__vsc_ipynb_file__", ""))
    recorded = "" if in_vs_code else _read_record(kernel_connection_file())
    name = in_vs_code or recorded or environ.get("JPY_SESSION_NAME", "")
    # With a remote contents manager, the name is not a path on this machine.
    path = start_folder(names) / name if name.endswith(".ipynb") else None
    return path, bool(recorded)


def notebook_record(connection_file: Path) -> Path:
    """Return the file in which the Jupyter server records the notebook of a kernel.

    It contains the absolute path as UTF-8 text.

    Args:
        connection_file: The kernel's connection file; the record is in the same folder, where
            only its user can write.
    """
    # Not kernel-*.json: jupyter_client treats every such file as a connection file.
    return connection_file.with_name(f"jupyter-etl-{connection_file.stem}.notebook")


def kernel_connection_file() -> Path | None:
    """Return the connection file of this kernel; None if this process is not a kernel."""
    # A process that is not a kernel does not need ipykernel.
    kernelapp = sys.modules.get("ipykernel.kernelapp")
    if kernelapp is None or not kernelapp.IPKernelApp.initialized():
        return None
    return Path(kernelapp.IPKernelApp.instance().abs_connection_file)


def _read_record(connection_file: Path | None) -> str:
    if connection_file is None:
        return ""
    try:
        return notebook_record(connection_file).read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def main_names() -> Mapping[str, object]:
    """Return the variables of ``__main__``, where a kernel keeps those of its notebook."""
    return vars(sys.modules["__main__"])


def start_folder(names: Mapping[str, object]) -> Path:
    """Return the folder in which IPython was started; without IPython, the working directory.

    Source:
        IPython's documentation, "Directory history": the list ``_dh`` begins with it.
    """
    visited = names.get("_dh")
    return Path(str(visited[0])) if isinstance(visited, list) and visited else Path.cwd()
