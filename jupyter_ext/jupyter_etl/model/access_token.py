"""Tokens of consumers."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class AccessToken:
    """The right of a consumer to read and call publications through the gateway.

    Args:
        name: Its unique name; not reused after it expired or was revoked.
        digest: SHA-256 of its value, as hexadecimal text; the value itself is not stored.
        read: Globs over the names of the tables, files and reports that it may read.
        call: Globs over the names of the queries and functions that it may call.
        owner: The user who created it.
        expires_at: When it becomes invalid; None for never.
        revoked_at: When it was revoked; None if it was not.
        revoked_by: The user who revoked it; "" if it was not.
        rate: Maximum requests per second and gateway; None for no limit.
        last_used_at: Its last use, to the minute; None before the first.
    """

    name: str
    digest: str = field(repr=False)
    read: tuple[str, ...] = ()
    call: tuple[str, ...] = ()
    owner: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str = ""
    rate: float | None = None
    last_used_at: datetime | None = None
