"""A template for many tests: to start one takes longer than most of them."""

from __future__ import annotations

from jupyter_etl.runner.warm.client import WarmRunners


class SharedRunners(WarmRunners):
    """What forks the runners of several facades, one after the other."""

    def close(self) -> None:
        """Let it live for the next test."""

    def end(self) -> None:
        """Let it go."""
        super().close()
