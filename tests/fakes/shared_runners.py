"""A fork server for many tests: starting one takes longer than most of them."""

from __future__ import annotations

from jupyter_etl.runner.warm.client import WarmRunners
from jupyter_etl.services.runs.executors import FORK_SERVER


class SharedRunners(WarmRunners):
    """Forks the runners of several facades, one after the other."""

    def __init__(self, *, prestart_s: float = 600.0) -> None:
        super().__init__(command=FORK_SERVER, prestart_s=prestart_s)

    def close(self) -> None:
        """Keep the fork server for the next test."""

    def end(self) -> None:
        """Stop the fork server."""
        super().close()
