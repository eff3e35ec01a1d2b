"""Checks of a notebook before it is deployed: what would fail in a clean kernel."""

from jupyter_etl.scheduling.preflight.findings import (
    Environment,
    Finding,
    errors_in,
    refuse_errors,
    summarize,
)
from jupyter_etl.scheduling.preflight.notebook import preflight

__all__ = ["Environment", "Finding", "errors_in", "preflight", "refuse_errors", "summarize"]
