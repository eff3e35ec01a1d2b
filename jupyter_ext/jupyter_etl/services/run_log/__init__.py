"""The log of a run: lines with times, from the ledger and the files of its attempts."""

from jupyter_etl.services.run_log.line import LineKind, LogLine, format_lines
from jupyter_etl.services.run_log.run_log import RunLog

__all__ = ["LineKind", "LogLine", "RunLog", "format_lines"]
