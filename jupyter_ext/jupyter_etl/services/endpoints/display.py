"""Endpoints as rows, words and JSON."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.language.endpoints.shares import format_share
from jupyter_etl.services.endpoints.comparison import Interval, VersionComparison
from jupyter_etl.services.endpoints.endpoints import EndpointRow


def endpoint_view(row: EndpointRow) -> dict[str, object]:
    """Return an endpoint as scripts get it."""
    return {
        "name": row.name,
        "kind": row.kind,
        "owner": row.owner,
        "live": row.live,
        "versions": row.versions,
        "traffic": {str(number): share for number, share in row.traffic.items()},
        "by": row.by,
        "shadow": row.shadow,
        "note": row.note,
        "calls": row.statistics.calls,
        "errors": row.statistics.errors,
        "refused": row.statistics.refused,
        "p50_ms": row.statistics.p50_ms,
        "p95_ms": row.statistics.p95_ms,
    }


def traffic_words(row: EndpointRow) -> str:
    """Return who answers calls: ``version 2``, ``1 90%, 2 10%; shadow 3``."""
    shares = ", ".join(f"{number} {format_share(share)}" for number, share in row.traffic.items())
    words = shares or (f"version {row.live}" if row.live else "drafts only")
    by = f" by {row.by}" if row.by else ""
    return f"{words}{by}" + (f"; shadow {row.shadow}" if row.shadow is not None else "")


def endpoint_rows(rows: Sequence[EndpointRow]) -> list[dict[str, object]]:
    """Return endpoints as rows to display."""
    return [
        {
            "name": row.name,
            "kind": row.kind.value,
            "answers": traffic_words(row),
            "versions": len(row.versions),
            "calls": row.statistics.calls,
            "p50 ms": row.statistics.p50_ms,
            "p95 ms": row.statistics.p95_ms,
            "errors": row.statistics.errors,
            "owner": row.owner,
        }
        for row in rows
    ]


def comparison_rows(found: VersionComparison) -> list[dict[str, object]]:
    """Return a comparison as rows with a column for each version."""
    first, second = found.statistics
    labels = (f"version {found.before}", f"version {found.after}")
    failed = [_interval_words(one) for one in found.errors]
    lines: list[tuple[str, object, object]] = [
        ("calls", first.calls, second.calls),
        ("p50 ms", first.p50_ms, second.p50_ms),
        ("p95 ms", first.p95_ms, second.p95_ms),
        ("failed", failed[0], failed[1]),
        ("refused", first.refused, second.refused),
    ]
    return [{"": what, labels[0]: before, labels[1]: after} for what, before, after in lines]


def comparison_words(found: VersionComparison) -> str:
    """Return how the answers of two versions differ, in a sentence."""
    if not found.compared:
        return (
            "No request was answered by both versions. To compare answers: "
            f"jupyter etl promote {found.name} {found.after} --shadow"
        )
    words = (
        f"{found.compared:,} requests were answered by both versions; "
        f"{_interval_words(found.differing)} of the answers differ"
    )
    if found.gap_p50 is None or found.gap_p95 is None:
        return f"{words}."
    return f"{words}, by {found.gap_p50:.3g} at the median and {found.gap_p95:.3g} at p95."


def _interval_words(one: Interval) -> str:
    if one.share is None or one.low is None or one.high is None:
        return ""
    return f"{100 * one.share:.2g}% ({100 * one.low:.2g} to {100 * one.high:.2g}%)"
