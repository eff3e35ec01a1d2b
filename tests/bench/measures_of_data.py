"""How long data takes in and out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from figures import Figure, against, in_turn, median_of

from jupyter_etl.app.by_hand import HandChannel
from jupyter_etl.app.etl import Etl
from jupyter_etl.app.outputs import publish_table
from jupyter_etl.app.settings import Settings
from jupyter_etl.app.workbench import Workbench
from jupyter_etl.model import CheckStatus

ROWS = 3_000_000
RULES = """\
id: unique, not null
amount >= 0
amount < 1000
region in ('north', 'south', 'east', 'west')
"""


def _frame() -> Any:
    import numpy as np
    import pandas as pd

    rng = np.random.default_rng(7)
    return pd.DataFrame(
        {
            "id": np.arange(ROWS),
            "amount": rng.uniform(0, 1000, ROWS),
            "quantity": rng.integers(0, 100, ROWS),
            "price": rng.uniform(0, 10, ROWS),
            "region": rng.choice(["north", "south", "east", "west"], ROWS),
            "at": pd.Timestamp("2026-01-01", tz="UTC")
            + pd.to_timedelta(rng.integers(0, 86_400, ROWS), unit="s"),
        }
    )


def _bench(folder: Path, frame: Any) -> Workbench:
    etl = Etl.open(Settings.from_env(home=str(folder / "etl"), autostart=False))
    return Workbench(
        HandChannel(etl, notebook=None),
        namespace={"frame": frame},
        base=folder,
        secret=etl.secret,
    )


def checks(folder: Path) -> Iterator[Figure]:
    """Five rules over three million rows."""
    bench = _bench(folder, _frame())

    def ours() -> None:
        results = bench.check("frame", RULES)
        assert len(results) == 5
        assert all(r.status is CheckStatus.PASS and r.total_rows == ROWS for r in results)

    ours()
    yield Figure(what="five checks on 3M rows", value=median_of(ours, 3), unit="s", goal=1.0)


def publishing(folder: Path) -> Iterator[Figure]:
    """Three million rows into a table, against a bare file."""
    frame = _frame()
    bench = _bench(folder, frame)

    def ours() -> None:
        done = publish_table(bench, "bench.frame", frame)
        assert done.version is not None
        assert done.version.what.rows == ROWS

    def peer() -> None:
        frame.to_parquet(folder / "peer.parquet")

    ours()
    found = in_turn(ours, peer, 3)
    yield against("publish 3M rows, against to_parquet", found, 2.0, "to_parquet")


DATA: dict[str, Callable[[Path], Iterator[Figure]]] = {"checks": checks, "publishing": publishing}
