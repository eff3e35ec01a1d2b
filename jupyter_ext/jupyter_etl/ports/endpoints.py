"""The ledger for endpoints: which versions answer calls, and how many calls they got."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import CallCounts, PublicationVersion, ServedMark, Traffic


class EndpointStore(Protocol):
    """Traffic of endpoints, and counts of their calls."""

    def load_traffic(self, name: str) -> Traffic:
        """Return the traffic of an endpoint.

        Raises:
            NotFound: There is no such publication, or it has only drafts.
            Conflict: It is not an endpoint.
        """
        ...

    def load_all_traffic(self) -> list[Traffic]:
        """Return the traffic of every endpoint with a live version, by name."""
        ...

    def load_served_marks(self) -> dict[str, ServedMark]:
        """Return a mark of every publication, by name; gateways compare them often."""
        ...

    def load_endpoint_versions(self) -> list[PublicationVersion]:
        """Return the versions and drafts of all endpoints that are not pruned.

        By name, versions before drafts, then by number.
        """
        ...

    def save_traffic(self, new: Traffic, *, replaces: Traffic, owner: str) -> Traffic:
        """Change the traffic of an endpoint, if nobody else has changed it.

        Args:
            replaces: The traffic that the change is based on, as it was loaded.
            owner: Who changes it.

        Raises:
            NotFound: A version does not exist, or was pruned.
            PermissionDenied: The endpoint belongs to another owner.
            Conflict: It was changed since it was loaded.
        """
        ...

    def add_call_counts(self, counts: Sequence[CallCounts]) -> None:
        """Record counts; one of the same version, role, minute and gateway is replaced."""
        ...

    def load_call_counts(self, *, since: datetime, name: str | None = None) -> list[CallCounts]:
        """Return the counts of all minutes that began at an instant or later.

        Args:
            name: Only of this endpoint; None for all.
        """
        ...

    def prune_call_counts(self, *, before: datetime, dry_run: bool) -> int:
        """Delete the counts of the minutes before an instant; return how many there were."""
        ...
