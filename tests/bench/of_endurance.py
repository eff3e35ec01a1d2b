"""Growth of resources with the number of runs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from bench.figures import Figure
from bench.living import Platform, platform
from bench.processes import descendants, need, wait_for
from bench.sizes import Size
from jupyter_etl.model import ACTIVE, RunState
from jupyter_etl.system.processes import used_bytes

_WORKERS = 2
_BATCH = 100
_REST_S = 5.0
_RESTS = 6
_GROWTH = 1.1
_FIRST = 0.3
"""Share of the runs before the first measurement.

SQLite caches two megabytes of the ledger for each connection, which 3,000 runs fill.
"""

_LAST = 0.99
"""The same before the second measurement: a fork server is replaced after 10,000 forks."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Resources of a platform between two runs.

    Args:
        memory: Bytes of the scheduler and all its processes, without mapped files, whose share
            depends on other processes.
        scheduler: Bytes of the scheduler alone, because its fork server is replaced regularly.
        descriptors: Number of open descriptors.
        processes: Number of processes.
        zombies: Processes that have ended and were not reaped: name, and name of the parent.
        temporary: Files and folders in the temporary folder.
    """

    memory: int
    scheduler: int
    descriptors: int
    processes: int
    zombies: tuple[str, ...]
    temporary: int


def endurance(folder: Path, size: Size) -> Iterator[Figure]:
    """Very many runs, two at once: memory, descriptors, files and zombies must not grow."""
    temporary = folder / "tmp"
    temporary.mkdir()
    with platform(folder) as at:
        name = at.deploy("n0", "1 + 1")
        with at.scheduler(workers=_WORKERS, TMPDIR=str(temporary)) as scheduler:
            first, last = (max(1, round(share * size.endurance)) for share in (_FIRST, _LAST))
            _make(at, name, first)
            before = _standing(scheduler.pid, temporary)
            begun = time.monotonic()
            _make(at, name, last - first)
            seconds = time.monotonic() - begun
            after = _standing(scheduler.pid, temporary)
            _make(at, name, size.endurance - last)
        succeeded = at.etl.runs.count(states=[RunState.SUCCEEDED])
    need(succeeded == size.endurance, f"{succeeded} of {size.endurance} runs succeeded")
    runs = f"after {first:,} runs and after {last:,}"
    for what, a, b in (
        ("memory", before.memory, after.memory),
        ("memory of the scheduler alone", before.scheduler, after.scheduler),
    ):
        yield Figure(
            what=f"{size.endurance:,} runs, {what}, to before",
            value=b / a,
            unit="x",
            goal=_GROWTH,
            detail=f"{a / 1e6:.4g} MB and {b / 1e6:.4g} MB without files {runs}, {seconds:.0f} s",
        )
    for what, a, b in (
        ("open descriptors", before.descriptors, after.descriptors),
        ("processes", before.processes, after.processes),
        ("zombies", len(before.zombies), len(after.zombies)),
        ("temporary files", before.temporary, after.temporary),
    ):
        yield Figure(
            what=f"{size.endurance:,} runs, {what}, more than before",
            value=float(b - a),
            unit="more",
            goal=0.0,
            detail="; ".join(
                [f"{a} and {b}, {runs}", *(after.zombies if what == "zombies" else ())]
            ),
        )


def _make(at: Platform, name: str, count: int) -> None:
    """Execute this many runs, with at most one batch queued."""
    while count > 0:
        number = min(_BATCH, count)
        for _ in range(number):
            at.etl.runs.trigger(name)
        wait_for(
            "runs have not ended",
            lambda: not at.etl.runs.count(states=ACTIVE) or None,
            seconds=_BATCH * 10.0,
            every_s=0.2,
            log=at.folder / "up.log",
        )
        count -= number


def _standing(scheduler: int, temporary: Path) -> Standing:
    # Until the next runner is prestarted; a fork server that is being replaced reaps no children.
    for _ in range(_RESTS):
        time.sleep(_REST_S)
        family = [scheduler, *descendants(scheduler)]
        zombies = [pid for pid in family if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE]
        if not zombies:
            break
    said = [f"{psutil.Process(pid).name()} of {psutil.Process(pid).parent()}" for pid in zombies]
    living = [pid for pid in family if pid not in zombies]
    return Standing(
        memory=used_bytes(living),
        scheduler=used_bytes([scheduler]),
        descriptors=sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in living),  # noqa: PTH208
        processes=len(living),
        zombies=tuple(said),
        temporary=sum(1 for _ in temporary.rglob("*")),
    )


MEASURES = {"endurance": endurance}
