"""Where attempts are executed."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import cast

from jupyter_etl.ports import Executor
from jupyter_etl.runner.local_executor import LocalExecutors
from jupyter_etl.services.plugins import load_block
from jupyter_etl.services.settings import Settings

RUNNER = (sys.executable, "-m", "jupyter_etl.services.processes.attempt")
"""The command of a runner, without the folder of the attempt."""

FORK_SERVER = (sys.executable, "-m", "jupyter_etl.services.processes.fork_server")
"""The command of a fork server, without its arguments."""


def executors_for(settings: Settings) -> LocalExecutors:
    """Return what makes the executors of this machine; nothing is started."""
    return LocalExecutors(
        settings.home,
        make=cast("Callable[..., Executor]", load_block("executor", "local")),
        command=RUNNER,
        fork_server=FORK_SERVER if settings.warm else None,
        env=settings.environ(),
        preload=settings.preload,
        prestart_s=settings.prestart_s,
    )
