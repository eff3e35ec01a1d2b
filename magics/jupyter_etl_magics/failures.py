"""Display of errors: one sentence and the next step interactively, the full traceback in a run."""

from __future__ import annotations

from types import TracebackType

from IPython.core.interactiveshell import InteractiveShell

from jupyter_etl.errors import EtlError
from jupyter_etl.notebook.location import in_run

LAST = "_etl_last_error"
"""Name in the user namespace of the shell under which ``%etl debug`` finds the last error."""


def show_shortly(shell: InteractiveShell) -> None:
    """Let the shell show an `EtlError` as one sentence, unless it executes a run."""
    if not in_run():
        shell.set_custom_exc((EtlError,), _show)  # type: ignore[no-untyped-call]


def _show(
    shell: InteractiveShell,
    kind: type[EtlError],
    error: EtlError,
    trace: TracebackType,
    tb_offset: int | None = None,
) -> list[str]:
    shell.user_ns_hidden[LAST] = shell.user_ns[LAST] = (kind, error, trace)
    lines = [f"\x1b[31mError\x1b[0m: {error.message}"]
    if error.hint:
        lines.append(f"\x1b[36mNext\x1b[0m: {error.hint}")
    lines.append("\x1b[2m%etl debug shows the traceback.\x1b[0m")
    shell._showtraceback(kind, error, lines)
    return lines


def show_last(shell: InteractiveShell) -> bool:
    """Show the traceback of the last error; return False if there was none."""
    last = shell.user_ns.get(LAST)
    if last is None:
        return False
    kind, error, trace = last
    lines = shell.InteractiveTB.structured_traceback(kind, error, trace, tb_offset=1)
    shell._showtraceback(kind, error, lines)
    return True
