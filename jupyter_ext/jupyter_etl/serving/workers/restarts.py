"""When the next worker of a version may start: after failures later and later."""

from __future__ import annotations

from jupyter_etl.errors import EtlError, ExecutionError

_STARTS = 3
"""Processes in a row that may end before they are ready until the version is down."""

_SERVERS = 5
"""Fork servers in a row that may end without a worker that was ready."""

_BACKOFF_S, _MAX_BACKOFF_S = 0.1, 10.0
_RETRY_S, _MAX_RETRY_S = 1.0, 300.0


class Restarts:
    """Counts the failures of a version's workers.

    Attributes:
        reason: Why the latest worker could not start; None if it could. While no other worker is
            ready, the version is down.
        not_before: Time at which the next worker may start.
    """

    def __init__(self) -> None:
        self.reason: EtlError | None = None
        self.not_before = 0.0
        self._failures = self._downs = 0
        self._server: int | None = None
        self._servers = 0

    def is_ready(self) -> None:
        """Count a worker that has started."""
        self.reason, self._downs = None, 0

    def cannot_start(self, reason: EtlError, now: float) -> None:
        """Count a worker that could not load its object, or had no process."""
        self.reason = reason
        self.not_before = now + min(_RETRY_S * 2.0 ** min(self._downs, 60), _MAX_RETRY_S)
        self._downs += 1

    def server_ended(self, server: int, now: float, *, was_ready: bool) -> None:
        """Count a worker that has ended with its fork server: no failure of the version.

        Args:
            server: Process id of the fork server, whose workers count once.
            was_ready: Whether the worker could take calls.
        """
        if was_ready:
            self._servers = 0
        elif server != self._server:
            self._servers += 1
        self._server = server
        if self._servers >= _SERVERS:
            message = f"The fork server has ended {self._servers} times before a process was ready."
            self.cannot_start(ExecutionError(message, hint="Its log has the details."), now)
        elif self._servers > 1:
            self.not_before = now + min(_BACKOFF_S * 2.0 ** (self._servers - 2), _MAX_BACKOFF_S)

    def crashed(self, why: str, now: float, *, was_ready: bool, was_sound: bool) -> None:
        """Count a worker whose process has ended by itself.

        Args:
            why: How it ended.
            was_ready: Whether it could take calls.
            was_sound: Whether it has answered some, or was ready for long.
        """
        self._failures = 1 if was_sound else self._failures + 1
        if not was_ready and self._failures >= _STARTS:
            message = f"Its process ended before it was ready: {why}."
            self.cannot_start(ExecutionError(message, hint="Its log has the details."), now)
        elif self._failures > 1:
            wait_s = _BACKOFF_S * 2.0 ** min(self._failures - 2, 60)
            self.not_before = now + min(wait_s, _MAX_BACKOFF_S)
