"""Notebooks that end their run: ``exit()``, ``quit()`` and ``sys.exit()``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

EXIT = "NotebookExit"
"""Name of the exception that ends a cell where `stop_at_exit` was called."""

MENTIONS_EXIT = re.compile(r"\b(exit|quit|ask_exit)\b")
"""Text that occurs in code that calls `exit()`."""

_SUCCESS = ("", "0", "None", "False")
"""Texts of a ``SystemExit`` for which Python exits with code 0."""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a notebook ended its run.

    Args:
        how: The call.
        failure: The status that was given; "" for success.
    """

    how: str
    failure: str = ""

    def say(self, cell: str = "") -> str:
        """Return a sentence for the user; ``cell`` is the cell's name, or ""."""
        where = f" in {cell}" if cell else ""
        return f"the notebook ended the run{where} with {self.how}; later cells were not executed"


def exit_of(reply: Mapping[str, Any], *, may_raise: bool) -> Exit | None:
    """Tell from a kernel's reply whether the cell ended the notebook.

    Args:
        reply: Content of the execute_reply.
        may_raise: The cell may raise exceptions; ``SystemExit`` is one of them, ``exit()`` raises
            none.

    Returns:
        None if it did not. A ``SystemExit`` with a status is an error like any other.

    Source:
        Jupyter's messaging specification, "Payloads (DEPRECATED)": ``ask_exit``. IPython's
        ``exit`` takes one argument, ``keep_kernel``; a number or a text there is a status, as
        for Python's ``exit``.
    """
    for payload in reply.get("payload", ()):
        if payload.get("source") == "ask_exit":
            status = payload.get("keepkernel")
            ok = status is None or isinstance(status, bool) or status == 0
            return Exit(how="exit()", failure="" if ok else str(status))
    if reply.get("ename") == "SystemExit" and reply.get("evalue") in _SUCCESS and not may_raise:
        return Exit(how="sys.exit()")
    return None


def stop_at_exit(shell):  # type: ignore[no-untyped-def]  # its text is executed by other kernels
    """Make ``exit()`` end its cell as well; the runner ends the kernel later.

    IPython's executes the rest of the cell, and stops the kernel 0.1 s later.

    Args:
        shell: IPython's; this code must not import this package.
    """

    class NotebookExit(BaseException):
        def _render_traceback_(self):  # type: ignore[no-untyped-def]
            return []

    def ask_exit():  # type: ignore[no-untyped-def]
        status = shell.keepkernel_on_exit
        known = status is None or isinstance(status, (bool, int, str))
        payload = {"source": "ask_exit", "keepkernel": status if known else str(status)}
        shell.payload_manager.write_payload(payload)
        raise NotebookExit

    shell.ask_exit = ask_exit


def exit_code() -> str:
    """Return code by which an IPython kernel calls `stop_at_exit`."""
    call = f"{stop_at_exit.__name__}(get_ipython())\ndel {stop_at_exit.__name__}\n"
    return inspect.getsource(stop_at_exit) + call
