"""Invariants of an idle platform, computed independently of the product."""

from __future__ import annotations

import io
import math
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from chaos import record
from chaos.reader import whole
from chaos.world import FILE, FILE_ONLY, TABLE, World

_WHEN_SETTLED_S = 2 * 86_400.0
_READ = [sys.executable, "-m", "jupyter_etl.cli", "read", TABLE, "--format", "parquet"]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """The logical keys that a pipeline must have, and those that it may have in addition.

    Args:
        required: Each exactly once.
        allowed: At the edges, where a race decides whether a time was still planned.
    """

    required: frozenset[str]
    allowed: frozenset[str] = frozenset()


@dataclass
class Findings:
    """The violations; all lists are empty if there are none."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    torn: list[str] = field(default_factory=list)
    survivors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Return all violations, each with its kind."""
        return [f"{kind}: {text}" for kind, texts in vars(self).items() for text in texts]


def occurrences(every_s: int, after: datetime, until: datetime) -> frozenset[str]:
    """Return the logical keys of ``every N s`` in ``(after, until]``: multiples since 1970."""
    first = math.floor(after.timestamp() / every_s) + 1
    last = math.floor(until.timestamp() / every_s)
    return frozenset(key_of(number * every_s) for number in range(first, last + 1))


def hours(start: datetime, count: int) -> list[tuple[str, str]]:
    """Return start and end of consecutive hours, as logical keys are written."""
    edges = [key_of((start + timedelta(hours=n)).timestamp()) for n in range(count + 1)]
    return list(pairwise(edges))


def key_of(seconds: float) -> str:
    """Return an instant in the format of logical keys."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def inspect(world: World, expected: dict[str, Expected], killed: Collection[int]) -> Findings:
    """Check ledger, lake and processes of an idle world.

    Args:
        world: The world, which is pruned a last time here.
        expected: Expected keys of each pipeline.
        killed: Ids of processes that could not clean up.
    """
    found = inspect_ledger(world.ledger_url, expected)
    found.lost += world.noticed
    _check_rows(found, world)
    _check_files(found, world.ledger_url)
    _check_stages(found, world, killed)
    found.survivors += [f"{one.role} {one.pid}: {one.command}" for one in world.processes()]
    return found


def inspect_ledger(url: str, expected: dict[str, Expected]) -> Findings:
    """Check a ledger whose runs have ended."""
    found = Findings()
    _compare_keys(found, url, expected)
    _check_runs(found, url)
    _check_versions(found, url)
    found.wrong += [f"ledger: {line}" for line in record.damage(url)]
    return found


def _compare_keys(found: Findings, url: str, expected: dict[str, Expected]) -> None:
    present: dict[str, list[str]] = defaultdict(list)
    query = "SELECT pipeline, logical_key, state FROM runs ORDER BY id"
    for pipeline, key, state in record.rows(url, query):
        present[pipeline].append(key)
        if state == "skipped":
            found.lost.append(f"{pipeline} {key} was skipped")
    for pipeline, keys in expected.items():
        there = Counter(present.pop(pipeline, []))
        found.lost += [f"{pipeline} {key} has no run" for key in sorted(keys.required - set(there))]
        found.doubled += [
            f"{pipeline} {key} was planned {n} times" for key, n in there.items() if n > 1
        ]
        strange = set(there) - keys.required - keys.allowed
        found.wrong += [f"{pipeline} {key} was never due" for key in sorted(strange)]
    found.wrong += [f"{pipeline} is not a pipeline of this world" for pipeline in present]


def _check_runs(found: Findings, url: str) -> None:
    for id, state, error in record.rows(url, "SELECT id, state, error FROM runs ORDER BY id"):
        if state in ("queued", "dispatched", "running"):
            found.lost.append(f"run {id} is still {state}")
        elif state not in ("succeeded", "skipped"):
            found.failed.append(f"run {id} {state}: {error}")
    query = "SELECT run_id, number FROM attempts WHERE outcome IS NULL"
    found.lost += [f"attempt {n} of run {id} has no outcome" for id, n in record.rows(url, query)]
    query = (
        "SELECT runs.id, count(*) FROM runs JOIN attempts ON run_id = id "
        "WHERE attempts.outcome = 'succeeded' GROUP BY runs.id HAVING count(*) > 1"
    )
    found.doubled += [f"run {id} succeeded {n} times" for id, n in record.rows(url, query)]
    query = "SELECT id FROM runs WHERE state = 'succeeded' AND finished_at IS NULL"
    found.wrong += [f"run {id} has no end" for (id,) in record.rows(url, query)]


def _check_versions(found: Findings, url: str) -> None:
    numbers: dict[str, list[int]] = defaultdict(list)
    publishers: dict[str, Counter[int | None]] = defaultdict(Counter)
    query = "SELECT name, number, run_id FROM publication_versions WHERE draft = false"
    for name, number, run in record.rows(url, f"{query} ORDER BY name, number"):
        numbers[name].append(number)
        publishers[name][run] += 1
    for name, seen in numbers.items():
        if seen != list(range(1, len(seen) + 1)):
            found.wrong.append(f"the versions of {name} are not contiguous: {seen}")
        twice = [run for run, n in publishers[name].items() if n > 1 and run is not None]
        found.doubled += [f"run {run} published {name} twice" for run in twice]
    good = {id for (id,) in record.rows(url, "SELECT id FROM runs WHERE state = 'succeeded'")}
    shared = set(publishers[TABLE]) - {None}
    query = f"SELECT id FROM runs WHERE pipeline = '{FILE_ONLY}'"
    file_only = {id for (id,) in record.rows(url, query)}
    with_rows = good - file_only
    if len(numbers[TABLE]) > len(with_rows):
        found.doubled.append(
            f"{len(numbers[TABLE])} versions of {len(with_rows)} runs that succeeded"
        )
    for runs, published in (
        (with_rows, shared),
        (good & file_only, set(publishers[f"{FILE_ONLY}.{FILE}"]) - {None}),
    ):
        found.lost += [
            f"run {id} succeeded and published nothing" for id in sorted(runs - published)
        ]
        found.doubled += [
            f"run {id} published and did not succeed" for id in sorted(published - good)
        ]


def _check_rows(found: Findings, world: World) -> None:
    import pyarrow.parquet as pq

    runs = record.published_runs(world.ledger_url, TABLE)
    if not runs:
        found.wrong.append("nothing was published at all")
        return
    done = subprocess.run(
        [*_READ, "--version", str(len(runs))],
        env=world.environ(),
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        found.lost.append(f"the table cannot be read: {done.stderr.decode()}")
    elif wrong := whole(pq.read_table(io.BytesIO(done.stdout)), sorted(set(runs))):
        kind = found.doubled if "too many of runs []" not in wrong else found.lost
        kind.append(f"at the end: {wrong}")


def _check_files(found: Findings, url: str) -> None:
    for (name, run), location in record.locations(url, "file").items():
        content = Path(location).read_text().split() if Path(location).exists() else []
        if content[1:] != [str(run)]:
            found.torn.append(f"file {name} of run {run} holds {content}")


def _check_stages(found: Findings, world: World, killed: Collection[int]) -> None:
    """A successful run that was not killed empties its stage; prune deletes the others'."""
    query = "SELECT run_id, number, pid FROM attempts WHERE outcome = 'succeeded'"
    spared = {(run, n) for run, n, pid in record.rows(world.ledger_url, query) if pid not in killed}
    left = sorted(spared & set(_stages(world)))
    found.wrong += [f"attempt {number} of run {run} left its stage" for run, number in left]
    world.call("prune", skew_s=_WHEN_SETTLED_S)
    found.wrong += [
        f"prune left the stage of attempt {n} of run {run}" for run, n in _stages(world)
    ]


def _stages(world: World) -> Iterator[tuple[int, int]]:
    """Yield run and attempt of each stage that is not empty."""
    for stage in (world.home / "runs").glob("*/*/stage"):
        if any(stage.iterdir()):
            yield int(stage.parent.parent.name), int(stage.parent.name)
