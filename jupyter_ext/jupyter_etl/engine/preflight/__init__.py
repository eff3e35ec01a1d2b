"""What would go wrong in a clean kernel, told before a notebook is deployed."""

from jupyter_etl.engine.preflight.environment import Environment
from jupyter_etl.engine.preflight.finding import Finding, errors_in, summarize
from jupyter_etl.engine.preflight.notebook import preflight

__all__ = ["Environment", "Finding", "errors_in", "preflight", "summarize"]
