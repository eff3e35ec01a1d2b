"""Which versions of a publication stay."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from jupyter_etl.model import PublicationVersion

READERS = timedelta(days=1)
"""Whoever began to read a version while it was the newest is done with it after so long."""


def plan_kept(
    history: Sequence[PublicationVersion], *, now: datetime, versions: int, days: int
) -> list[PublicationVersion]:
    """Return the versions to keep: the newest, the young, and those that may still be read.

    Args:
        history: All that are on record, newest first; those that were pruned do not count.
        now: UTC.
        versions: So many of the newest are kept.
        days: And everything younger than so many days.

    Returns:
        Newest first; the newest is always among them.
    """
    present = [version for version in history if version.pruned_at is None]
    kept = []
    for place, version in enumerate(present):
        young = version.published_at >= now - timedelta(days=days)
        succeeded_at = present[place - 1].published_at if place else now
        if place < max(1, versions) or young or succeeded_at >= now - READERS:
            kept.append(version)
    return kept
