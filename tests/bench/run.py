"""``make bench``: the speed goals, measured against the peers in the same run.

Every measure verifies what it timed. A figure is the median of several; against a peer the two are
taken in turn, so that a change of the machine's speed falls on both. A goal that is missed is
printed as missed. ``--json`` writes the same as JSON; names as arguments select measures.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parent))

from figures import Figure
from measures_of_data import DATA
from measures_of_runs import RUNS

MEASURES = {**RUNS, **DATA}


def machine() -> dict[str, object]:
    """Return what the figures depend on besides the code."""
    packages = (
        "jupyter-etl",
        "papermill",
        "pandas",
        "pyarrow",
        "duckdb",
        "deltalake",
        "sqlalchemy",
    )
    return {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load": [round(value, 2) for value in os.getloadavg()],
        **{name: version(name) for name in packages},
    }


def main() -> int:
    """Measure and print; 0 also where a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", choices=[[], *MEASURES], help="only these")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    about = machine()
    found: list[Figure] = []
    say = sys.stderr.write
    say(" ".join(f"{key}={value}" for key, value in about.items()) + "\n")
    for name, measure in MEASURES.items():
        if args.names and name not in args.names:
            continue
        with TemporaryDirectory(prefix="etl-bench-") as folder:
            for figure in measure(Path(folder)):
                found.append(figure)
                say(f"{figure.line()}\n")
    if args.json:
        rows = [figure.plain() for figure in found]
        sys.stdout.write(json.dumps({"machine": about, "figures": rows}, indent=2) + "\n")
    missed = [figure.what for figure in found if figure.met is False]
    say(f"\n{len(found)} figures, {len(missed)} goals missed{': ' if missed else ''}")
    say("; ".join(missed) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
