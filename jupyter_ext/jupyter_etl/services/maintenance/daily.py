"""Daily pruning in a separate process while a scheduler runs."""

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
_POLL_S = 600.0
_STAMP = "pruned"


@contextmanager
def daily_prune(settings: Settings) -> Iterator[None]:
    """Start ``jupyter etl prune`` once a day while the context is active.

    Args:
        settings: The settings; all schedulers of a home share one daily prune.
    """
    done = threading.Event()

    def poll() -> None:
        while not done.wait(_POLL_S):
            prune = start_prune(settings) if is_due(settings) else None
            if prune is not None:
                # Otherwise it would stay a zombie for a day.
                prune.wait()

    threading.Thread(target=poll, name="etl-prune", daemon=True).start()
    try:
        yield
    finally:
        done.set()


def is_due(settings: Settings) -> bool:
    """Return whether the last prune of this home started more than a day ago, or never."""
    try:
        started_at = (settings.home / _STAMP).stat().st_mtime
    except FileNotFoundError:
        return True
    # A time stamp in the future was written under a wrong clock.
    return not 0 <= time.time() - started_at < _DAY_S


def start_prune(settings: Settings) -> subprocess.Popen[bytes] | None:
    """Start a detached prune; return None if it cannot be started."""
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
        # A full or read-only disk is reported by the doctor; the next try is after a day.
        return None
