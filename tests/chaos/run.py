"""``make chaos``: battles with real processes, printed as a table; then the mutants.

``python tests/chaos/run.py [--seed N] [--scale X] [--kernel chaos] [--only NAME]``. The exit code
is 1 if a guarantee was broken, or a mutant was not detected.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS)]

from chaos.gateways import battle  # noqa: E402
from chaos.harness import Experiment, Report, run_experiment  # noqa: E402
from chaos.invariants import Expected, hours  # noqa: E402
from chaos.killer import Killer  # noqa: E402
from chaos.mutants import MUTANTS, caught, forget_unique  # noqa: E402
from chaos.power_cut import Workload  # noqa: E402
from chaos.publishers import crowd  # noqa: E402
from chaos.storage import damage, fill, log_entries, small_disk, unmount  # noqa: E402
from chaos.world import World, wait_until  # noqa: E402
from fakes.commits import MODES  # noqa: E402
from fakes.http_load import free_port  # noqa: E402 - the path comes first  # noqa: E402
from fakes.postgres import PostgresServer, find_binaries  # noqa: E402

HOUR = "rows"
COLUMNS = (
    "experiment", "seed", "sched", "forksrv", "runner", "kernel", "stops", "dark", "runs", "attempts",
    "reads", "lost", "doubled", "torn", "survive", "failed", "other", "seconds",
)  # fmt: skip
PARTITIONS = 400
PUBLISHERS, COMMITS = 16, 200
POWER_SEEDS = 10
SERVING_KILLS = 200
DOWN_S = 2.0
FULL_S = 4.0
COMMIT_S = 120.0


class Chaos:
    """The battles, with the sizes of the command line.

    Args:
        seed: Seed of all random choices.
        scale: Multiplies the kills: 1 for 1,000 on SQLite and 300 on PostgreSQL.
        kernel: Name of the kernelspec.
    """

    def __init__(self, *, seed: int, scale: float, kernel: str) -> None:
        self.seed = seed
        self.scale = scale
        self.kernel = kernel
        self.broken = False
        self.killed = 0

    def experiment(self, kills: int, **named: Any) -> Experiment:
        """Return an experiment with this number of kills, multiplied by the scale."""
        number = max(5, round(kills * self.scale))
        size = {
            "pipelines": 6,
            "every_s": 15,
            "workers": 3,
            "pauses_s": (0.02, 0.3),
            "blackout": 0.01,
            "kill_s": 60 + 6.0 * number,
            "patience_s": 600.0,
        }
        return Experiment(seed=self.seed, kills=number, **{**size, **named})

    def sqlite(self) -> None:
        """1,000 kills of processes that share a SQLite ledger, some with cold kernels."""
        with folder() as place:
            self._run_experiment(
                "sqlite", World(folder=place, kernel=self.kernel), self.experiment(900)
            )
        with folder() as place:
            world = World(folder=place, kernel="chaos", lease_s=8.0)
            self._run_experiment(
                "sqlite, cold kernels", world, self.experiment(100, pipelines=4, every_s=30)
            )

    def postgres(self) -> None:
        """300 kills on PostgreSQL, which is itself stopped immediately and restarted five times."""
        binaries = find_binaries()
        if binaries is None:
            log("postgres: left out, no server is installed")
            return
        server = PostgresServer(binaries)
        try:
            server.start()
            experiment = self.experiment(300)
            due = moments(experiment.kills)

            def between(killer: Killer) -> None:
                if due and killer.kills.total() >= due[0]:
                    due.pop(0)
                    server.stop(at_once=True)
                    time.sleep(DOWN_S)
                    server.start()

            with folder() as place:
                world = World(folder=place, kernel=self.kernel, ledger=server.create_database())
                self._run_experiment("postgres, 5 restarts", world, experiment, between=between)
        finally:
            server.remove()

    def backfill(self) -> None:
        """A table appended by 400 backfilled partitions under kills has one set of rows of each."""
        count = max(10, round(PARTITIONS * self.scale))
        start = datetime(2025, 1, 1, tzinfo=UTC)
        edges = hours(start, count)

        def prepare(world: World) -> dict[str, Expected]:
            world.deploy(HOUR, files=False)
            span = f"{edges[0][0]}..{edges[-1][1]}"
            world.call("backfill", HOUR, span, "--by", "hour", "--parallel", "4")
            return {HOUR: Expected(required=frozenset(f"{a}..{b}" for a, b in edges))}

        with folder() as place:
            # Slow enough that runs are killed from the first partition to the last.
            experiment = self.experiment(100, pipelines=1, every_s=60, pauses_s=(0.5, 2.0))
            experiment = replace(experiment, patience_s=60 + 3.0 * count)
            world = World(folder=place, kernel=self.kernel)
            self._run_experiment(f"backfill of {count}", world, experiment, prepare=prepare)

    def disk(self) -> None:
        """A disk of 64 MB, with ledger and lake on it, that is temporarily full."""
        with folder() as place, small_disk(place) as mounted:
            if not mounted:
                log("full disk: left out, a small disk can only be mounted by root")
                return
            experiment, ballast = self.experiment(60), place / "ballast"
            due = moments(experiment.kills)

            def between(killer: Killer) -> None:
                if due and killer.kills.total() >= due[0]:
                    due.pop(0)
                    fill(ballast)
                    time.sleep(FULL_S)
                    ballast.unlink(missing_ok=True)

            world = World(folder=place, kernel=self.kernel)
            self._run_experiment("full disk", world, experiment, between=between)

    def unmounted(self) -> None:
        """The lake is temporarily an empty folder, as if its disk were not mounted."""
        self._with_incidents("lake unmounted", unmount)

    def damaged(self) -> None:
        """The newest entry of the table's log is emptied or cut, and repaired later."""
        self._with_incidents("log entries damaged", partial(damage, draw=random.Random(self.seed)))

    def _with_incidents(
        self,
        name: str,
        blow: Callable[[World], None],
        *,
        patches: tuple[str, ...] = (),
        red: bool = False,
    ) -> Report:
        """Run an experiment with five incidents of the lake, each after a commit."""
        with folder() as place:
            # Slow enough for runs to commit between two kills, and many runs in each incident.
            experiment = self.experiment(60, every_s=8, file_every_s=3, pauses_s=(0.3, 2.0))
            if red:
                experiment = replace(experiment, skews_s=(0.0,))
            due = moments(experiment.kills)
            world = World(
                folder=place,
                kernel=self.kernel,
                patches=("impatient", *patches),
            )

            def between(killer: Killer) -> None:
                if due and killer.kills.total() >= due[0]:
                    due.pop(0)
                    if wait_until(lambda: has_committed(killer), patience_s=COMMIT_S):
                        blow(world)
                    else:
                        world.noticed.append(f"nothing was committed within {COMMIT_S:g} s")

            def has_committed(killer: Killer) -> bool:
                killer.restart()
                return bool(log_entries(world))

            return self._run_experiment(name, world, experiment, between=between, red=red)

    def power(self) -> None:
        """The power is cut at each fsync of a commit, and unsynced data is lost or kept."""
        seeds = range(self.seed, self.seed + max(1, round(POWER_SEEDS * self.scale)))
        for mode in MODES:
            with folder() as place:
                workload = Workload(place, mode, seeds)
                workload.run()
                found = list(workload.findings())
            log(f"power cuts, {mode}: {len(workload.images)} images, {len(found)} not whole")
            for text in found[:20]:
                log(f"  {text[:300]}")
            self.broken = self.broken or bool(found)

    def publishers(self) -> None:
        """16 publishers with 200 commits each on one table, a process killed every 40 commits."""
        commits = max(2, round(COMMITS * self.scale))
        kills = PUBLISHERS * commits // 40
        with folder() as place:
            found = crowd(place, workers=PUBLISHERS, commits=commits, kills=kills, seed=self.seed)
        whole = found.versions == tuple(range(1, PUBLISHERS * commits + 1))
        log(
            f"{PUBLISHERS} publishers x {commits}: {len(found.versions)} versions, contiguous: "
            f"{whole}; {found.kills} kills, {found.reads} reads, {len(found.torn)} torn rows, "
            f"{len(found.wrong)} wrong rows at the end"
        )
        for text in [*found.torn, *found.wrong][:20]:
            log(f"  {text[:300]}")
        self.killed += found.kills
        self.broken = self.broken or not whole or bool(found.torn or found.wrong)

    def serving(self) -> None:
        """Three gateways, 200 kills of them and their workers, while versions are promoted."""
        kills = max(10, round(SERVING_KILLS * self.scale))
        with folder() as place:
            ports = [free_port() for _ in range(3)]
            found = battle(place, ports, kills=kills, seed=self.seed, pauses_s=(0.1, 1.0))
        log("serving: " + ", ".join(f"{count} {what}" for what, count in found.counts().items()))
        for text in found.findings()[:20]:
            log(f"  {text[:300]}")
        self.killed += len(found.kills)
        self.broken = self.broken or bool(found.findings())

    def mutants(self) -> None:
        """Each mutant must be detected."""
        for name in MUTANTS:
            self.mutant(name)

    def mutant(self, name: str) -> None:
        """One mutant must be detected."""
        if name == "no_marker_check":
            report = self._with_incidents(name, unmount, patches=(name,), red=True)
            self._judge(name, report)
            return
        with folder() as place:
            patches = ("impatient", name)
            world = World(folder=place, kernel=self.kernel, patches=patches, linger_s=1.0)
            experiment = Experiment(
                seed=self.seed, kills=25, pipelines=3, every_s=4, kill_s=60, stop=0.0, blackout=0.0,
                # Schedulers whose clocks differ too much start nothing.
                skews_s=(0.0,),
            )  # fmt: skip
            changes = {
                # In a blackout several times of a schedule pass, of which only the latest is caught
                # up.
                "no_catch_up": {"blackout": 0.2, "every_s": 2},
                # The runs never end, so there is nothing to wait for.
                "no_reaping": {"kills": 8, "kill_s": 30, "patience_s": 20.0},
                # Two schedulers have to poll at the same instant: many instants.
                "no_unique": {"pipelines": 6, "every_s": 3},
                # Runners that continue after another one has executed their run: none is killed.
                "no_token": {"every_s": 10, "stop": 1.0, "kill_s": 40, "pauses_s": (0.3, 1.2)},
            }
            experiment = replace(experiment, **changes.get(name, {}))
            prepare = _without_unique if name == "no_unique" else _nothing
            report = self._run_experiment(name, world, experiment, prepare=prepare, red=True)
            self._judge(name, report)

    def _judge(self, name: str, report: Report) -> None:
        found = caught(name, report.findings)
        self.broken = self.broken or not found
        log(f"  caught: {found[0][:200]}" if found else "  NOT CAUGHT")

    def _run_experiment(
        self,
        name: str,
        world: World,
        experiment: Experiment,
        *,
        red: bool = False,
        between: Callable[[Killer], None] = lambda killer: None,
        prepare: Callable[[World], dict[str, Expected]] = lambda world: {},
    ) -> Report:
        try:
            report = run_experiment(world, experiment, between=between, prepare=prepare)
        finally:
            world.destroy()
        log(line_of(name, report))
        found = report.findings.all()
        killed = sum(report.kills.values())
        if killed < experiment.kills:
            found.append(
                f"only {killed} of {experiment.kills} kills happened in {experiment.kill_s:g} s"
            )
        if not red:
            self.killed += killed
            self.broken = self.broken or bool(found)
            for text in found[:20]:
                log(f"  {text[:300]}")
        return report


def line_of(name: str, report: Report) -> str:
    """Return a row of the table."""
    kills, found = report.kills, report.findings
    values = [
        report.seed, *(kills.get(role, 0) for role in ("scheduler", "fork_server", "runner", "kernel")),
        report.stops, report.blackouts, report.runs, report.attempts, report.reads,
        len(found.lost), len(found.doubled), len(found.torn), len(found.survivors),
        len(found.failed), len(found.wrong), round(report.seconds),
    ]  # fmt: skip
    return f"{name:22}" + "".join(f"{value:>9}" for value in values)


def moments(kills: int) -> list[int]:
    """Return the five numbers of kills after which there is an incident."""
    return [kills * n // 6 for n in range(1, 6)]


@contextmanager
def folder() -> Iterator[Path]:
    """Yield a short path, because those of Unix sockets are limited."""
    with tempfile.TemporaryDirectory(prefix="chaos-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def log(text: str) -> None:
    """Print a line and flush."""
    print(text, flush=True)  # noqa: T201 - this is a command


def _nothing(world: World) -> dict[str, Expected]:
    return {}


def _without_unique(world: World) -> dict[str, Expected]:
    forget_unique(str(world.home / "ledger.sqlite"))
    return {}


BATTLES = (
    "sqlite", "postgres", "backfill", "disk", "unmounted", "damaged", "power", "serving", "mutants",
)  # fmt: skip


def main() -> int:
    """Run all battles, or one."""
    parser = argparse.ArgumentParser(description="Kill processes at random and check what is left.")
    parser.add_argument("--seed", type=int, default=int(time.time()) % 100_000)
    parser.add_argument("--scale", type=float, default=1.0, help="Of the number of kills.")
    parser.add_argument("--kernel", choices=("chaos", "python3"), default="python3")
    parser.add_argument("--only", choices=(*BATTLES, "publishers", *MUTANTS))
    args = parser.parse_args()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Also if a shell ignores it: ending this process ends its worlds.
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()
    chaos = Chaos(seed=args.seed, scale=args.scale, kernel=args.kernel)
    log(f"Repeat it with: make chaos SEED={args.seed}")
    log(f"{COLUMNS[0]:22}" + "".join(f"{name:>9}" for name in COLUMNS[1:]))
    for name in [args.only] if args.only else BATTLES:
        chaos.mutant(name) if name in MUTANTS else getattr(chaos, name)()
    said = f"{chaos.killed} kills in {time.monotonic() - began:.0f} s"
    mutants = "" if args.only in (*BATTLES[:-1], "publishers") else "; mutants caught"
    whole = f"whole: {said}, lost 0, doubled 0, torn 0, survivors 0{mutants}"
    if args.only in MUTANTS:
        whole = "caught"
    log(f"broken: {said}, and not all that was promised was kept" if chaos.broken else whole)
    return 1 if chaos.broken else 0


if __name__ == "__main__":
    sys.exit(main())
