"""Publishers of one table: ``python -m chaos.publishers FOLDER COMMITS WORKER...``.

Each is a thread that executes a number of runs one after another, each of which appends to the
table. Their process can be killed at any moment, and started again: then they continue with the
remaining runs.
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from contracts.store_values import a_run
from fakes.commits import TABLE, Publishing, wrong_rows
from jupyter_etl.errors import NotFound, StoreError
from jupyter_etl.model import TERMINAL

_TOGETHER = 8


@dataclass(frozen=True, kw_only=True)
class Crowd:
    """Result of a crowd of publishers.

    Args:
        kills: Number of killed processes.
        versions: Numbers of the versions, oldest first.
        wrong: Missing, duplicate or unexpected rows of the table at the end.
        torn: The same, for every version that the reader read meanwhile.
        reads: Number of versions that it read.
    """

    kills: int
    versions: tuple[int, ...]
    wrong: tuple[str, ...]
    torn: tuple[str, ...]
    reads: int


def publish_all(world: Publishing, worker: int, commits: int) -> None:
    """Execute the remaining runs of one worker."""
    for number in range(commits):
        made = world.store.add_run(a_run(f"{worker}-{number}"), now=world.clock.now())
        while world.store.load_run(made.id).state not in TERMINAL:
            world.publish(world.attempt(made.id))


def crowd(base: Path, *, workers: int, commits: int, kills: int, seed: int) -> Crowd:
    """Run simultaneous publishers, kill some, and read all the time.

    Args:
        base: An empty folder.
        workers: Number of publishers, eight per process.
        commits: Commits of each publisher.
        kills: Number of processes to kill; each is started again.
        seed: Seed of the selection and times of the kills.
    """
    world, draw = Publishing(base), random.Random(seed)
    groups = [range(n, n + _TOGETHER) for n in range(0, workers, _TOGETHER)]
    running = {n: _start(base, group, commits) for n, group in enumerate(groups)}
    torn: list[str] = []
    reads = [0]
    done = threading.Event()
    reader = threading.Thread(target=_read, args=(world, done, torn, reads))
    reader.start()
    killed = 0
    try:
        while running:
            time.sleep(draw.uniform(0.05, 0.4))
            for number, process in list(running.items()):
                if process.poll() is not None:
                    _recover(world, groups[number])
                    del running[number]
                    if process.returncode != 0:
                        running[number] = _start(base, groups[number], commits)
            if killed < kills and running and _is_due(world, killed, kills, workers * commits):
                running[draw.choice(sorted(running))].send_signal(signal.SIGKILL)
                killed += 1
    finally:
        done.set()
        reader.join()
        for process in running.values():
            process.kill()
            process.wait()
    versions = world.store.load_publication_versions(TABLE)
    found = Crowd(
        kills=killed,
        versions=tuple(version.number for version in reversed(versions)),
        wrong=tuple(world.wrong()),
        torn=tuple(torn),
        reads=reads[0],
    )
    world.store.close()
    return found


def _is_due(world: Publishing, killed: int, kills: int, commits: int) -> bool:
    """Return whether enough has been published for the next kill."""
    made = world.store.load_publications()
    number = made[0].live.number if made and made[0].live else 0
    return number > killed * commits // (kills + 1)


def _start(base: Path, group: range, commits: int) -> subprocess.Popen[bytes]:
    numbers = [str(number) for number in (commits, *group)]
    words = [sys.executable, "-m", "chaos.publishers", str(base), *numbers]
    tests = str(Path(__file__).parent.parent)
    return subprocess.Popen(words, env={**os.environ, "PYTHONPATH": tests})


def _recover(world: Publishing, group: range) -> None:
    """Recover the lost attempts of a process that has ended."""
    for claim in world.store.load_live_attempts():
        if int(claim.run.new.logical_key.partition("-")[0]) in group:
            world.lose(claim)


def _read(world: Publishing, done: threading.Event, torn: list[str], reads: list[int]) -> None:
    while not done.wait(0.2):
        try:
            history = world.store.load_publication_versions(TABLE)
        except (NotFound, StoreError):
            continue
        torn += wrong_rows(world.read(history[0]), history)
        reads[0] += 1


def main(base: Path, commits: int, workers: list[int]) -> None:
    """Run some of the publishers; exit code 1 if one of them failed."""
    world = Publishing(base)
    with ThreadPoolExecutor(len(workers)) as pool:
        ends = [pool.submit(publish_all, world, worker, commits) for worker in workers]
        for end in as_completed(ends):
            if end.exception() is not None:
                # Exits like a killed process, in the middle of other threads' work.
                os._exit(1)
    world.store.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), [int(word) for word in sys.argv[3:]])
