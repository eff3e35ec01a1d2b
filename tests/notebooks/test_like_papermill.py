"""Papermill's and nbclient's own test notebooks end here as they end in papermill.

How they end in papermill is on record for the versions that the record names. With any other
version papermill executes them anew; ``PAPERMILL_RECORD=1`` writes what it then finds.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.kernel

DATA = Path(__file__).parents[1] / "data"
RECORD = DATA / "papermill_outcomes.json"
PEERS = ("papermill", "nbclient", "ipykernel", "ipython")
ALL = tuple(sorted(str(path.relative_to(DATA)) for path in DATA.rglob("*.ipynb")))

EXPECTED_ERRORS = "nbclient/Skip Exceptions with Cell Tags.ipynb"
"""Its cell is tagged raises-exception: nbclient goes on, as we do; papermill fails at the end."""

Outcomes = dict[str, dict[str, dict[str, Any]]]
VERSIONS = {
    "python": f"{sys.version_info.major}.{sys.version_info.minor}",
    **{name: version(name) for name in PEERS},
}


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory, user_home: Path) -> Outcomes:
    """All notebooks, executed both ways, side by side."""
    folder = tmp_path_factory.mktemp("outcomes")
    _execute(folder, user_home, ALL)
    return _ended(folder, ALL)


def _execute(folder: Path, user_home: Path, names: tuple[str, ...]) -> None:
    env = {
        **{name: value for name, value in os.environ.items() if "JUPYTER" not in name},
        "HOME": str(user_home),
        "IPYTHONDIR": str(user_home / "ipython"),
        "JUPYTER_ETL_HOME": str(folder / "etl"),
        "JUPYTER_ETL_PRESTART": "0",
        "PYTHONPATH": os.pathsep.join([str(DATA.parent), os.environ.get("PYTHONPATH", "")]),
    }
    running = []
    for number, (who, part) in enumerate(_parts(names)):
        made = folder / f"{number}-{who}"
        shutil.copytree(DATA, made / "data")
        words = [who, made / "data", made / "out.json", *part]
        with (made / "log").open("wb") as log:
            running.append(
                subprocess.Popen(
                    [sys.executable, "-m", "fakes.outcomes", *map(str, words)],
                    env=env,
                    stdout=subprocess.DEVNULL,
                    stderr=log,
                )
            )
    for process in running:
        process.wait()


def _parts(names: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    """Papermill executes one after another, so it gets two processes; ours executes two itself."""
    if _recorded(names) is not None:
        return [("ours", names)]
    return [("papermill", names[::2]), ("papermill", names[1::2]), ("ours", names)]


def _recorded(names: tuple[str, ...]) -> dict[str, dict[str, Any]] | None:
    """Return how the notebooks ended in these versions of papermill and its like, if on record."""
    if "PAPERMILL_RECORD" in os.environ or not RECORD.exists():
        return None
    record = json.loads(RECORD.read_text())
    if record["versions"] != VERSIONS or not set(names) <= set(record["outcomes"]):
        return None
    return {name: record["outcomes"][name] for name in names}


def _record(outcomes: dict[str, dict[str, Any]]) -> None:
    """Keep what papermill said; an older version's answers go."""
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    known = kept["outcomes"] if kept.get("versions") == VERSIONS else {}
    record = {"versions": VERSIONS, "outcomes": {**known, **outcomes}}
    RECORD.write_text(json.dumps(record, indent=1, sort_keys=True) + "\n")


def _ended(folder: Path, names: tuple[str, ...]) -> Outcomes:
    ended: Outcomes = {"papermill": _recorded(names) or {}, "ours": {}}
    for made in folder.glob("[0-9]-*"):
        answer = made / "out.json"
        assert answer.exists(), (made / "log").read_text()[-3000:]
        ended[made.name.partition("-")[2]] |= json.loads(answer.read_text())
    if "PAPERMILL_RECORD" in os.environ:
        _record(ended["papermill"])
    return ended


def same(outcomes: Outcomes, name: str) -> None:
    theirs, ours = outcomes["papermill"][name], outcomes["ours"][name]
    if name == EXPECTED_ERRORS:
        assert (theirs["outcome"], ours["outcome"]) == ("failed", "succeeded")
        return
    assert ours["outcome"] == theirs["outcome"], (ours, theirs)
    if theirs["error"] == "CellExecutionError":
        # Papermill's name for an error that left no output; the platform tells the error itself.
        assert ours["source"] == theirs["source"]
    elif theirs["source"] is not None:
        assert ours == theirs
    elif theirs["error"] is not None:
        # Papermill does not say which cell it was in when the kernel died.
        assert theirs["error"] in {ours["error"], "NoSuchKernel"}
        assert ours["error"]


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", ALL)
def test_the_same_outcome(outcomes: Outcomes, name: str) -> None:
    same(outcomes, name)


def test_both_kinds_of_outcome_are_among_them(outcomes: Outcomes) -> None:
    ended = {found["outcome"] for found in outcomes["ours"].values()}
    assert ended == {"succeeded", "failed"}
