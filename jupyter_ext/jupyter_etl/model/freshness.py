"""Promises about the age of data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The maximum age that an owner promises.

    Args:
        warn_s: Age in seconds from which it is late; None if only an error is declared.
        error_s: Age in seconds from which the promise is broken; None if only a warning is
            declared.
    """

    warn_s: float | None = None
    error_s: float | None = None
