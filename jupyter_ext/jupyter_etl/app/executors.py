"""Where attempts are made."""

from __future__ import annotations

from typing import cast

from jupyter_etl.app.registry import load_block
from jupyter_etl.app.settings import Settings
from jupyter_etl.ports import Executor


def executor_for(settings: Settings) -> Executor:
    """Return the executor that makes attempts as processes of this machine."""
    block = load_block("executor", "local")
    return cast("Executor", block(settings.home, env=settings.environ()))
