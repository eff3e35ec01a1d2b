"""What a worker receives and answers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The answer to a call.

    Args:
        status: Of HTTP.
        body: Of an error: ``{"error": {"kind", "message", "hint", "fields"}}`` as JSON.
        content_type: Media type of the body.
    """

    status: int
    body: bytes
    content_type: str
