"""Alerts as lines of a file."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.model import Run


class LogNotifier:
    """Appends every message to a file, one line each, readable only by its user.

    Args:
        path: The file; a missing folder is created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Append one line.

        Raises:
            EtlError: The file cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        about = "" if run is None else f" run {run.id} of {run.new.pipeline}:"
        text = " ".join(f"{title} | {body}".split())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{at} [{severity}]{about} {text}\n")
        except OSError as problem:
            raise EtlError(
                f"The alert could not be written to {self._path}: {problem.strerror}."
            ) from problem
