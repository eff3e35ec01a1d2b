"""How old data may be."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The greatest age its owner promises.

    Args:
        warn_s: Age in seconds from which it is late; None where only an error is declared.
        error_s: Age in seconds from which the promise is broken; None where only a warning is.
    """

    warn_s: float | None = None
    error_s: float | None = None
