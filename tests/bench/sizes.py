"""The sizes of the measurements: full, or as a smoke test."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Size:
    """The sizes of all measurements.

    Args:
        pairs: Alternating pairs for a ratio of runs.
        data_pairs: The same for those on many rows.
        cold: Runs that are started cold.
        fires: Due times whose latency is measured.
        window_s: Seconds for which throughput is measured, after it has begun.
        rest_s: Seconds for which the idle scheduler is measured.
        schedules: Pipelines in the ledger while nothing is due.
        due: Pipelines that are due at once.
        outage: Pipelines, due every minute, at the end of an outage of 30 days.
        queued: Queued runs while one is claimed.
        polls: Polls of the ledger, or claims, for a median.
        rows: Rows of a table.
        tpch: Scale factor of TPC-H.
        csv_mb: Megabytes of a CSV file.
        calls: Calls of a magic, or of a route.
        pipelines, runs: Number of each for the panel.
        starts: Processes for the median of an import.
        endurance: Runs during which nothing may grow.
        http_calls: Calls of an endpoint by one client.
        lookups: Calls of a query by one client.
        canary_calls: Calls of an endpoint with a canary.
        promotions: Promotions and rollbacks, 0.6 s apart.
        table_versions: Versions of a table that appear under load.
        endpoints: Endpoints of a gateway at rest.
    """

    pairs: int = 7
    data_pairs: int = 3
    cold: int = 60
    fires: int = 75
    window_s: float = 40.0
    rest_s: float = 20.0
    schedules: int = 100_000
    due: int = 10_000
    outage: int = 1_000
    queued: int = 100_000
    polls: int = 100
    rows: int = 3_000_000
    tpch: float = 1.0
    csv_mb: int = 500
    calls: int = 100
    pipelines: int = 1_000
    runs: int = 100_000
    starts: int = 9
    endurance: int = 10_000
    http_calls: int = 2_000
    lookups: int = 250
    canary_calls: int = 10_000
    promotions: int = 100
    table_versions: int = 50
    endpoints: int = 200

    @property
    def of_rows(self) -> str:
        """The number of rows as text."""
        return f"{self.rows // 1_000_000}M" if self.rows >= 1_000_000 else f"{self.rows:,}"


FULL = Size()
QUICK = Size(
    pairs=1,
    data_pairs=1,
    cold=2,
    fires=3,
    window_s=3.0,
    rest_s=2.0,
    schedules=300,
    due=200,
    outage=5,
    queued=300,
    polls=5,
    rows=20_000,
    tpch=0.01,
    csv_mb=2,
    calls=3,
    pipelines=20,
    runs=300,
    starts=1,
    endurance=20,
    http_calls=20,
    lookups=5,
    canary_calls=400,
    promotions=4,
    table_versions=2,
    endpoints=5,
)
