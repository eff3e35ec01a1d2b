"""Prunes once a day, while a scheduler runs, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_etl.services.settings import Settings

_DAY_S = 86_400.0
_LOOK_S = 600.0
_STAMP = "pruned"


@contextmanager
def daily_prune(settings: Settings) -> Iterator[None]:
    """Start ``jupyter etl prune`` whenever the last start is a day ago, as long as it is entered.

    Args:
        settings: Of the platform; the schedulers of one home start it once a day together.
    """
    done = threading.Event()

    def look() -> None:
        while not done.wait(_LOOK_S):
            prune = start_prune(settings) if is_due(settings) else None
            if prune is not None:
                # Or it would stay a zombie for a day.
                prune.wait()

    threading.Thread(target=look, name="etl-prune", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def is_due(settings: Settings) -> bool:
    """Tell whether the last prune of this home was started more than a day ago, or never."""
    try:
        started_at = (settings.home / _STAMP).stat().st_mtime
    except FileNotFoundError:
        return True
    # A stamp of the future is of a clock that was wrong.
    return not 0 <= time.time() - started_at < _DAY_S


def start_prune(settings: Settings) -> subprocess.Popen[bytes] | None:
    """Start a prune that outlives this process; None where it cannot be started."""
    home = settings.home
    try:
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        (home / _STAMP).touch(mode=0o600)
        with (home / "prune.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "jupyter_etl.cli", "prune"],
                env={**os.environ, **settings.environ()},
                cwd=home,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
    except OSError:
        # A full or a read-only disk: the doctor tells; the next look tries again after a day.
        return None
