"""Endpoints: their versions, which of them answer calls, and how they compare."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from jupyter_etl.errors import Conflict, DeclarationError
from jupyter_etl.language.endpoints.shares import format_share
from jupyter_etl.language.names import parse_name
from jupyter_etl.model import (
    Arm,
    CallCounts,
    EndpointKind,
    Publication,
    PublicationKind,
    Traffic,
    TrafficMode,
)
from jupyter_etl.ports import Clock, Store
from jupyter_etl.services.endpoints.comparison import (
    CallStatistics,
    VersionComparison,
    compare_calls,
    statistics_of,
)
from jupyter_etl.services.settings import Settings

RECENT = timedelta(hours=24)
"""The calls that a list of endpoints counts."""


@dataclass(frozen=True, kw_only=True)
class EndpointRow:
    """An endpoint in a list.

    Args:
        name, kind, owner: Of the endpoint.
        live: The live version; 0 while there are only drafts.
        versions: All versions that can be called, newest first.
        traffic: The share of the calls by version, if several versions answer; else empty.
        by: The field that decides which version answers; "" for none.
        shadow: The version that is called without answering; None for none.
        note: What was changed last: ``promoted version 3``.
        statistics: The calls of the last 24 hours.
    """

    name: str
    kind: EndpointKind
    owner: str
    live: int
    versions: tuple[int, ...]
    traffic: Mapping[int, float]
    by: str
    shadow: int | None
    note: str
    statistics: CallStatistics


class Endpoints:
    """List endpoints, direct their traffic, and compare versions."""

    def __init__(self, store: Store, clock: Clock, settings: Settings) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings

    def list(self) -> list[EndpointRow]:
        """Return all endpoints, by name."""
        traffic = {one.name: one for one in self._store.load_all_traffic()}
        counts = self._store.load_call_counts(since=self._clock.now() - RECENT)
        return [
            self._row(one, traffic.get(one.name), [c for c in counts if c.name == one.name])
            for one in self._store.load_publications()
            if one.kind is PublicationKind.API
        ]

    def get(self, name: str) -> EndpointRow:
        """Return an endpoint; raises `NotFound`, and `Conflict` if it is no endpoint or has no version."""
        traffic = self._store.load_traffic(name)
        counts = self._store.load_call_counts(since=self._clock.now() - RECENT, name=name)
        return self._row(self._store.load_publication(name), traffic, counts)

    def traffic(self, name: str) -> Traffic:
        """Return which versions answer; raises `NotFound`, and `Conflict` if it is no endpoint."""
        return self._store.load_traffic(name)

    def promote(
        self, name: str, version: int, *, canary: float | None = None, shadow: bool = False
    ) -> Traffic:
        """Make a version live, or its canary or shadow; gateways follow within a second.

        Args:
            canary: The share of the calls that it answers, from 0 to 1; 0 ends the canary.
            shadow: Whether it is called, too, and never answers.

        Raises:
            NotFound: There is no such endpoint or version, or the version was pruned.
            PermissionDenied: The endpoint belongs to another owner.
            Conflict: The canary or shadow is live already, or the traffic was changed at the same
                time.
            DeclarationError: The share is out of range, or both ``canary`` and ``shadow`` are given.
        """
        now = self._store.load_traffic(name)
        if canary is not None and shadow:
            raise DeclarationError(
                "A version cannot be the canary and the shadow at once.",
                hint="Begin with --shadow, then use --canary.",
            )
        if (shadow or canary) and version == now.live:
            raise Conflict(
                f"Version {version} of {name!r} is live already.",
                hint="Only another version can be its canary or shadow.",
            )
        if shadow:
            return self._change(
                now, replace(now, shadow=version), f"version {version} is the shadow"
            )
        if canary is None:
            alone = replace(_alone(now), live=version)
            return self._change(now, alone, f"promoted version {version}")
        if not 0 <= canary < 1:
            raise DeclarationError(
                f"The share of a canary is {canary:.6g}; it must be at least 0% and below 100%.",
                hint=f"Without --canary, version {version} becomes live.",
            )
        arms = (Arm(version=version, share=canary),) if canary else ()
        mode = TrafficMode.CANARY if canary else TrafficMode.LIVE
        note = f"canary: version {version} answers {format_share(canary)} of the calls"
        shadow_now = None if now.shadow == version else now.shadow
        new = replace(now, mode=mode, arms=arms, by="", shadow=shadow_now)
        return self._change(now, new, note)

    def split(self, name: str, shares: Mapping[int, float], *, by: str = "") -> Traffic:
        """Let several versions answer; errors as for `promote`.

        Args:
            shares: The share of each version, by number; they add up to 1.
            by: A field of the request: equal values always get the same version.
        """
        now = self._store.load_traffic(name)
        if len(shares) < 2 or any(share <= 0 for share in shares.values()):
            raise DeclarationError(
                "A split needs at least two versions with a share above 0%.",
                hint=f"For example: split {name} 1=50 2=50",
            )
        if not math.isclose(sum(shares.values()), 1.0, abs_tol=1e-6):
            raise DeclarationError(
                f"The shares add up to {100 * sum(shares.values()):.6g} %; they must add up to 100 %."
            )
        if by:
            parse_name(by, what="field")
        arms = tuple(Arm(version=number, share=share) for number, share in sorted(shares.items()))
        words = ", ".join(f"version {arm.version} {format_share(arm.share)}" for arm in arms)
        new = replace(_alone(now), mode=TrafficMode.SPLIT, arms=arms, by=by)
        return self._change(now, new, f"split: {words}{f' by {by}' if by else ''}")

    def rollback(self, name: str, to: int | None = None) -> Traffic:
        """Go back to an earlier version; errors as for `promote`.

        Args:
            to: The version; None ends a canary, split or shadow, and without one goes back to the
                version before the live one.
        """
        now = self._store.load_traffic(name)
        if to is None and now != (alone := replace(_alone(now), note=now.note)):
            return self._change(now, alone, f"back to version {now.live} alone")
        if to == now.live and now == _alone(now):
            raise Conflict(f"Version {to} of {name!r} is already live.")
        target = to or self._version_before(name, now.live)
        return self._change(
            now, replace(_alone(now), live=target), f"rolled back to version {target}"
        )

    def compare(
        self, name: str, before: int, after: int, *, since: datetime | None = None
    ) -> VersionComparison:
        """Compare the calls of two versions.

        Args:
            since: From when on; None for the last 24 hours. Calls are counted by the minute.
        """
        start = since or self._clock.now() - RECENT
        counts = self._store.load_call_counts(since=start, name=self.traffic(name).name)
        return compare_calls(counts, before, after, name=name, since=start)

    def _change(self, now: Traffic, new: Traffic, note: str) -> Traffic:
        owner = self._settings.owner
        changed = replace(new, changed_at=self._clock.now(), changed_by=owner, note=note)
        return self._store.save_traffic(changed, replaces=now, owner=owner)

    def _version_before(self, name: str, live: int) -> int:
        for version in self._store.load_publication_versions(name):
            if version.number < live and version.pruned_at is None:
                return version.number
        raise Conflict(f"There is no version of {name!r} before version {live}.")

    def _row(
        self, publication: Publication, traffic: Traffic | None, counts: Sequence[CallCounts]
    ) -> EndpointRow:
        shown = publication.live or publication.draft
        endpoint = None if shown is None else shown.what.endpoint
        versions = self._store.load_publication_versions(publication.name)
        shared = traffic is not None and traffic.mode is not TrafficMode.LIVE
        return EndpointRow(
            name=publication.name,
            kind=EndpointKind.FUNCTION if endpoint is None else endpoint.kind,
            owner=publication.owner,
            live=traffic.live if traffic else 0,
            versions=tuple(one.number for one in versions if one.pruned_at is None),
            traffic=traffic.shares if traffic and shared else {},
            by=traffic.by if traffic else "",
            shadow=traffic.shadow if traffic else None,
            note=traffic.note if traffic else "",
            statistics=statistics_of(counts),
        )


def _alone(now: Traffic) -> Traffic:
    """Return the traffic with only the live version."""
    return replace(now, mode=TrafficMode.LIVE, arms=(), by="", shadow=None)
