"""Exits of kernels, and notebooks that end their run: ``exit()``, ``quit()``, ``sys.exit()``."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_etl.runner.kernel import output

EXIT = "NotebookExit"
"""Name of the exception that ends a cell where `stop_at_exit` was called."""

MENTIONS_EXIT = re.compile(r"\b(exit|quit|ask_exit)\b")
"""Matches code that may call `exit()`."""

_SUCCESS = ("", "0", "None", "False")
"""Texts of a ``SystemExit`` for which Python exits with code 0."""


@dataclass(frozen=True, kw_only=True)
class Exit:
    """An exit that a notebook requested.

    Args:
        how: The call.
        failure: The status that was passed; "" for success.
    """

    how: str
    failure: str = ""

    def message(self, cell: str = "") -> str:
        """Return a sentence for the user; ``cell`` is the cell's name, or ""."""
        where = f" in {cell}" if cell else ""
        return f"the notebook ended the run{where} with {self.how}; later cells were not executed"


def exit_of(reply: Mapping[str, Any], *, may_raise: bool) -> Exit | None:
    """Return the exit that a cell requested, according to the kernel's reply.

    Args:
        reply: Content of the execute_reply.
        may_raise: Whether the cell may raise exceptions. ``SystemExit`` is one of them; ``exit()``
            raises none.

    Returns:
        None if the cell requested no exit. A ``SystemExit`` with a status is an error like any
        other.

    Source:
        Jupyter's messaging specification, "Payloads (DEPRECATED)": ``ask_exit``. IPython's ``exit``
        takes one argument, ``keep_kernel``; a number or a text there is a status, as for Python's
        ``exit``.
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

    IPython's own ``exit()`` executes the rest of the cell, and stops the kernel 0.1 s later.

    Args:
        shell: IPython's shell. This code must not import this package.
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


def end_at_once(shell):  # type: ignore[no-untyped-def]  # its text is executed by other kernels
    """Make a kernel that was started cold exit like a warm one, see `fork.leave`.

    It waits for its threads, runs the callbacks registered with `atexit`, and exits without closing
    sockets and unloading modules, which takes longest and may block on a peer or a thread.

    Args:
        shell: IPython's shell. This code must not import this package.
    """
    import atexit
    import contextlib
    import os
    import sys
    import threading

    app = shell.kernel.parent

    def leave():  # type: ignore[no-untyped-def]
        threading._shutdown()  # type: ignore[attr-defined]  # it is not public
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        os._exit(0)

    atexit.unregister(app.close)
    atexit.register(app.reset_io)
    # ipykernel calls this in the main thread after replying to shutdown_request.
    app.io_loop.stop = leave


def forget_execution(shell):  # type: ignore[no-untyped-def]  # its text is executed by other kernels
    """Remove the execution of this code from the kernel's history once it has finished.

    Args:
        shell: IPython's shell. This code must not import this package.
    """

    def forget():  # type: ignore[no-untyped-def]
        shell.events.unregister("post_execute", forget)
        shell.last_execution_result, shell.last_execution_succeeded = None, True

    shell.events.register("post_execute", forget)


def kernel_code(*, may_exit: bool) -> str:
    """Return the code that an IPython kernel executes before the first cell after a cold start.

    Args:
        may_exit: Whether the notebook may call ``exit()``.
    """
    wanted = [end_at_once, forget_execution, *([stop_at_exit] if may_exit else [])]
    text = inspect.getsource(output)
    return "".join(
        f"{inspect.getsource(one)}{one.__name__}(get_ipython())\ndel {one.__name__}\n"
        for one in wanted
    ) + (f"(lambda names: exec({text!r}, names) or names['bound_output'](get_ipython()))({{}})\n")
