"""``make bench``: the performance goals, measured against the peers in the same run.

Every measurement verifies its result. Ours and a peer's are measured alternately, so that changes
of the machine's speed affect both. A missed goal is printed as missed and is not an error; a failed
measurement is one.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS)]

from bench import (  # noqa: E402 - the path comes first
    of_csv,
    of_data,
    of_endurance,
    of_ledger,
    of_panel,
    of_runs,
    of_serving,
    of_surfaces,
    of_traffic,
    peers,
)
from bench.figures import Figure  # noqa: E402
from bench.page import write_page  # noqa: E402
from bench.processes import Watch, adopt_orphans, descendants  # noqa: E402
from bench.sizes import FULL, QUICK, Size  # noqa: E402

Measure = Callable[[Path, Size], Iterator[Figure]]
MEASURES: dict[str, Measure] = {
    **of_runs.MEASURES,
    **of_ledger.MEASURES,
    **of_data.MEASURES,
    **of_csv.MEASURES,
    **of_surfaces.MEASURES,
    **of_serving.MEASURES,
    **of_traffic.MEASURES,
    **of_panel.MEASURES,
    **of_endurance.MEASURES,
}
GROUPS = {"serving": (*of_serving.MEASURES, *of_traffic.MEASURES)}
"""Names that stand for several measurements."""

ON_REQUEST = frozenset(of_endurance.MEASURES)
"""Measurements that take so long that they are only run by name."""
PAGE = TESTS.parent / "docs" / "performance.md"
_OURS = ("papermill", "pandas", "pyarrow", "duckdb", "deltalake", "sqlalchemy", "ipykernel")


@dataclass(frozen=True, kw_only=True)
class Broken:
    """A measurement that failed.

    Args:
        name: Name of the measurement.
        error: Its exception with the traceback.
        brief: The same on one line.
    """

    name: str
    error: str
    brief: str


def machine() -> dict[str, object]:
    """Return the properties of the machine that affect the figures."""
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        "jupyter-etl": version("jupyter-etl"),
        **{name: version(name) for name in _OURS},
    }


def take(measure: Measure, name: str, size: Size) -> Iterator[Figure | Broken]:
    """Run one measurement in a folder of its own; exceptions become a `Broken`."""
    # Short: the path of a Unix socket is limited to 107 bytes.
    with TemporaryDirectory(prefix="etl-b-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        try:
            yield from measure(Path(folder), size)
        except Exception as problem:  # noqa: BLE001 - the other measures go on
            lines = traceback.format_exception(problem, limit=-4)
            brief = f"{type(problem).__name__}: {problem}".splitlines()[0]
            yield Broken(name=name, error="".join(lines).strip(), brief=brief)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the measurements and print the figures.

    Returns:
        0, even if a goal is missed; 1 if a measurement failed.
    """
    args = _parse(argv)
    adopt_orphans()
    # So that a terminated benchmark ends its processes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    size = QUICK if args.quick else FULL
    # A scheduler that is prevented from starting runs logs that; here it is intended.
    logging.getLogger("jupyter_etl").setLevel(logging.ERROR)
    about, whole = machine(), Watch()
    _log(" ".join(f"{key}={value}" for key, value in about.items()))
    if args.quick:
        _log("quick: small sizes show that it works, and say nothing about speed")
    found: list[Figure] = []
    broken: list[Broken] = []
    for name in args.names or [name for name in MEASURES if name not in ON_REQUEST]:
        watch = Watch()
        for one in take(MEASURES[name], name, size):
            if isinstance(one, Figure):
                found.append(one)
                _log(one.line())
            else:
                broken.append(one)
                _log(f"BROKEN {name}\n{one.error}")
        _kill_orphans()
        load = os.getloadavg()[0]
        _log(f"       ({name}: {watch.seconds:.0f} s, load {load:.2g}, steal {watch.steal:.2g} %)")
    about["peers"] = {k: v for one in peers.ALL if one.is_made for k, v in one.versions.items()}
    about["load at the end"] = [round(value, 2) for value in os.getloadavg()]
    about["steal"] = round(whole.steal, 1)
    about["seconds"] = round(whole.seconds)
    _conclude(about, found, broken, as_json=args.json)
    if args.write_docs:
        write_page(PAGE, about, found, [one.name for one in broken])
    return 1 if broken else 0


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"only: {', '.join([*GROUPS, *MEASURES])}"
    )
    parser.add_argument("--json", action="store_true", help="print JSON on stdout as well")
    parser.add_argument("--quick", action="store_true", help="small sizes, to see that it works")
    parser.add_argument("--write-docs", action="store_true", help=f"write docs/{PAGE.name}")
    args = parser.parse_args(argv)
    args.names = [name for given in args.names for name in GROUPS.get(given, (given,))]
    unknown = sorted(set(args.names) - set(MEASURES))
    if unknown:
        parser.error(f"no measure is called {', '.join(unknown)}; there are: {', '.join(MEASURES)}")
    if args.write_docs and (args.names or args.quick):
        parser.error("--write-docs takes all measures at full size")
    return args


def _conclude(
    about: dict[str, object],
    found: Sequence[Figure],
    broken: Sequence[Broken],
    *,
    as_json: bool,
) -> None:
    if as_json:
        rows = [figure.plain() for figure in found]
        errors = [{"name": one.name, "error": one.error} for one in broken]
        result = {"machine": about, "figures": rows, "broken": errors}
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
    counts = {state: [f for f in found if f.state == state] for state in ("met", "missed")}
    left = sum(figure.state == "not measured" for figure in found)
    _log(
        f"\n{len(found)} figures: {len(counts['met'])} goals met, {len(counts['missed'])} missed, "
        f"{left} not measured; {len(broken)} measures broken; {about['seconds']} s"
    )
    for figure in counts["missed"]:
        _log(f"  missed: {figure.what}: {figure.measured}, goal {figure.promised}")
    for one in broken:
        _log(f"  broken: {one.name}: {one.brief}")


def _kill_orphans() -> None:
    """Kill processes left by a measurement, which would affect the next one."""
    for pid in descendants(os.getpid()):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        while os.waitpid(-1, 0)[0]:
            pass


def _log(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
