"""The `%etl` language as IPython magics: it translates, and decides nothing."""

from __future__ import annotations

from IPython.core.interactiveshell import InteractiveShell

from jupyter_etl_magics.completion import complete_line
from jupyter_etl_magics.failures import show_shortly
from jupyter_etl_magics.magic import EtlMagics
from jupyter_etl_magics.sql_completion import register_matcher

__all__ = ["load_ipython_extension", "register"]


def register(shell: InteractiveShell) -> None:
    """Give a shell the magics, their completion and short error messages.

    Args:
        shell: Of the kernel or terminal; registering twice is the same as once.
    """
    shell.register_magics(EtlMagics(shell))
    shell.set_hook("complete_command", complete_line, re_key=r"(?s).*%%?etl\s")  # type: ignore[no-untyped-call]
    register_matcher(shell)
    show_shortly(shell)


def load_ipython_extension(shell: InteractiveShell) -> None:
    """``%load_ext jupyter_etl_magics``."""
    register(shell)
