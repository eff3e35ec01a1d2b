"""Where attempts are made."""

from __future__ import annotations

from typing import cast

from jupyter_etl.app.registry import load_block
from jupyter_etl.app.settings import Settings
from jupyter_etl.execution.private_environment import hide_own
from jupyter_etl.execution.warm_runners import WarmRunners
from jupyter_etl.ports import Executor


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
