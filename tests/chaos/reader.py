"""A consumer that reads every version of the shared table while other processes are killed.

``python -m chaos.reader REPORT``: it reads until its parent closes its standard input, and then
writes its findings as JSON. A version is torn unless it consists of exactly the rows of the runs
that published up to it.
"""

from __future__ import annotations

import json
import os
import random
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from chaos.record import published_runs
from chaos.world import ROWS, TABLE
from jupyter_etl.errors import StorageError, StoreError
from jupyter_etl.services.etl import Etl

PAUSE_S = 3.0


def whole(table: Any, runs: list[int]) -> str:
    """Return the error of a table that those runs have appended to; "" if there is none."""
    found = zip(*(table.column(name).to_pylist() for name in ("run", "row")), strict=True)
    expected = Counter((run, row) for run in runs for row in range(ROWS))
    seen = Counter(found)
    if seen == expected:
        return ""
    more = sorted({run for run, _ in seen - expected})
    less = sorted({run for run, _ in expected - seen})
    return f"rows too many of runs {more}, rows missing of runs {less}"


def read_again(etl: Etl, url: str, known: int, draw: random.Random) -> tuple[int, list[str]]:
    """Read the newest version and an older one.

    Returns:
        The current number of versions, and their errors.
    """
    runs = published_runs(url, TABLE)
    numbers = sorted({len(runs), draw.randint(1, len(runs))} if runs else set())
    if len(runs) == known:
        # Nothing new: an old version must be unchanged.
        numbers = numbers[:1]
    torn = []
    for number in numbers:
        wrong = whole(etl.publications.read(TABLE, version=number), runs[:number])
        if wrong:
            torn.append(f"version {number}: {wrong}")
    return len(runs), torn


def main(report: Path) -> None:
    """Read until standard input ends."""
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    url, draw = os.environ["JUPYTER_ETL_LEDGER"], random.Random(1)
    reads, known, torn, etl = 0, 0, [], None
    while not over.wait(PAUSE_S):
        try:
            etl = etl or Etl.open()
            known, wrong = read_again(etl, url, known, draw)
        except (StoreError, StorageError, SQLAlchemyError):
            # The ledger was stopped or does not exist yet, or the lake is not mounted or is
            # damaged: a consumer waits.
            continue
        reads += 1
        torn += wrong
    report.write_text(json.dumps({"reads": reads, "torn": torn}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
