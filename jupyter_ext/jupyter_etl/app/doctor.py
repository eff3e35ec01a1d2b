"""What is wrong with the setup, and the mend."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.app.settings import Settings
from jupyter_etl.errors import EtlError
from jupyter_etl.ports import SchedulerInfo, Store

_LOW = 0.05
"""Share of the disk that should stay free."""


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """One thing that was looked at.

    Args:
        what: Its name.
        ok: Whether it is well.
        message: What was found.
        hint: The mend; "" where it is well.
    """

    what: str
    ok: bool
    message: str
    hint: str = ""


def diagnose(
    settings: Settings, store: Store, schedulers: Sequence[SchedulerInfo]
) -> list[Diagnosis]:
    """Look at ledger, folders, disk, scheduler and kernels.

    Args:
        settings: Where everything is.
        store: The ledger, open.
        schedulers: Those that are alive.
    """
    return [
        _ledger(store),
        _folder("home", str(settings.home)),
        _folder("lake", settings.lake),
        _disk(settings.home),
        _scheduler(schedulers),
        _kernel(),
    ]


def _ledger(store: Store) -> Diagnosis:
    try:
        runs = store.count_runs()
    except EtlError as problem:
        return Diagnosis(what="ledger", ok=False, message=problem.message, hint=problem.hint)
    return Diagnosis(what="ledger", ok=True, message=f"readable, {runs:,} runs on record")


def _folder(what: str, location: str) -> Diagnosis:
    if "://" in location:
        return Diagnosis(what=what, ok=True, message=f"{location} (not looked into)")
    path = Path(location)
    nearest = next(p for p in (path, *path.parents) if p.exists())
    if not nearest.is_dir():
        return Diagnosis(
            what=what,
            ok=False,
            message=f"{path} cannot be made: {nearest} is a file",
            hint=f"Move that file away, or set another {what}.",
        )
    if os.access(nearest, os.W_OK):
        return Diagnosis(what=what, ok=True, message=f"{path} can be written")
    return Diagnosis(
        what=what, ok=False, message=f"{path} cannot be written", hint=f"chmod u+w {nearest}"
    )


def _disk(path: Path) -> Diagnosis:
    nearest = next(p for p in (path, *path.parents) if p.exists())
    usage = shutil.disk_usage(nearest)
    share = usage.free / usage.total
    message = f"{usage.free / 1e9:,.1f} GB free ({share:.0%})"
    if share >= _LOW:
        return Diagnosis(what="disk", ok=True, message=message)
    return Diagnosis(
        what="disk", ok=False, message=message, hint="Free some space, or move the home."
    )


def _scheduler(alive: Sequence[SchedulerInfo]) -> Diagnosis:
    if not alive:
        return Diagnosis(
            what="scheduler", ok=False, message="none is alive", hint="Run: jupyter etl up"
        )
    names = ", ".join(f"{info.host}:{info.pid}" for info in alive)
    return Diagnosis(what="scheduler", ok=True, message=f"{len(alive)} alive ({names})")


def _kernel() -> Diagnosis:
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    if "python3" in names:
        return Diagnosis(what="kernels", ok=True, message=", ".join(names))
    return Diagnosis(
        what="kernels",
        ok=False,
        message=f"python3 is not among: {', '.join(names) or 'none'}",
        hint="python -m ipykernel install --sys-prefix",
    )
