"""The log of a run: what the ledger and the files of its attempts say, as lines with times."""

from jupyter_etl.services.run_log.line import LineKind, LogLine, format_lines
from jupyter_etl.services.run_log.run_log import RunLog

__all__ = ["LineKind", "LogLine", "RunLog", "format_lines"]
