"""Where attempts are made."""

from __future__ import annotations

from typing import cast

from jupyter_etl.ports import Executor
from jupyter_etl.runner.warm.client import WarmRunners
from jupyter_etl.runner.warm.environment import hide_own
from jupyter_etl.services.plugins import load_block
from jupyter_etl.services.settings import Settings


def executor_for(settings: Settings, warm: WarmRunners | None) -> Executor:
    """Return the executor that makes attempts as processes of this machine.

    Args:
        settings: For the home, and the runners' environment.
        warm: Forks runners; None where all are started cold.
    """
    # What a run executes may look at the processes that it descends from.
    hide_own()
    block = load_block("executor", "local")
    return cast("Executor", block(settings.home, env=settings.environ(), warm=warm))
