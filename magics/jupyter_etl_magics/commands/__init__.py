"""The commands, one small file each; imported when first typed."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import cast

from jupyter_etl.spec.commands import Command
from jupyter_etl_magics.session import Session

Execute = Callable[[Session, Command], object]


def find_command(name: str) -> Execute:
    """Return the function that executes a command.

    Args:
        name: As `jupyter_etl.spec.commands.parse_line` gave it.
    """
    module = import_module(f"jupyter_etl_magics.commands.{name}")
    return cast("Execute", module.execute)
