"""Warm-up: an empty run made ahead of time, so that the next run finds its code in memory.

The first execution in a process is the slowest: code is compiled, lookups are cached, and each page
of memory that a fork writes to is copied.
"""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import msgspec

from jupyter_etl.ledger import elsewhere
from jupyter_etl.model import NewRun
from jupyter_etl.ports import Claim
from jupyter_etl.runner.folders import save_claim
from jupyter_etl.runner.kernel.kernels import DEFAULT_KERNEL
from jupyter_etl.runner.warm.prestarted_kernel import PrestartedKernel
from jupyter_etl.scheduling.occurrences import interval_of
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.settings import Settings

_NAME = "warm-up"
_LEDGER = "ledger.sqlite"
_NOTHING = "None"
_PATIENCE_S = 10.0


@dataclass(frozen=True, kw_only=True)
class Script:
    """The script of a warm-up.

    Args:
        ledger: File of a ledger that contains one claimed run.
        claim: The claim of that run, encoded.
    """

    ledger: bytes
    claim: bytes


def write_script() -> Script:
    """Create a ledger with a claimed run of an empty notebook."""
    # Not at module level: a runner that is started cold needs it later, or never.
    import nbformat

    v4: Any = nbformat.v4
    book = v4.new_notebook(cells=[v4.new_code_cell(_NOTHING)])
    book.metadata.kernelspec = {"name": DEFAULT_KERNEL, "display_name": _NAME, "language": "python"}
    with TemporaryDirectory(prefix="etl-") as folder:
        settings = Settings.from_env({}, home=folder)
        with closing(Etl.open(settings)) as etl:
            now = etl.clock.now()
            etl.store.add_run(
                NewRun(
                    pipeline=_NAME,
                    content_hash=etl.store.save_snapshot(v4.writes(book)),
                    notebook=f"/{_NAME}.ipynb",
                    logical_key=_NAME,
                    logical_at=now,
                    interval=interval_of(None, now),
                    due_at=now,
                    owner=_NAME,
                ),
                now=now,
            )
            [claim] = etl.store.claim(_NAME, now=now, limit=1)
        return Script(
            ledger=(Path(folder) / _LEDGER).read_bytes(), claim=msgspec.json.encode(claim)
        )


def warm_up(script: Script, etl: Etl, kernel: PrestartedKernel, make: Callable[..., int]) -> None:
    """Execute the run of a script with a ledger and lake of its own.

    Args:
        etl: The facade that the real run will use.
        kernel: The kernel that the real run will use. It creates and removes a folder.
        make: ``make(folder, etl=, kernel=)`` makes an attempt.
    """
    home = kernel.folder / _NAME
    home.mkdir(mode=0o700)
    try:
        logging.disable(logging.CRITICAL)
        (home / _LEDGER).write_bytes(script.ledger)
        claim = msgspec.json.decode(script.claim, type=Claim)
        with elsewhere(etl.store, home / _LEDGER) as store:
            settings = replace(etl.settings, home=home, lake=str(home / "lake"))
            stand_in: Any = _WarmUpKernel(home / "sockets", kernel)
            make(
                save_claim(home, claim),
                etl=replace(etl, settings=settings, store=store),
                kernel=stand_in,
            )
    finally:
        logging.disable(logging.NOTSET)
        shutil.rmtree(home, ignore_errors=True)


class _WarmUpKernel:
    """Replaces a `PrestartedKernel`, its manager, its client and its launcher during a warm-up.

    The kernel executes the cell without recording it, and continues afterwards. A kernel that does
    not respond is waited for no longer than `_PATIENCE_S`, because a run may be waiting.
    """

    pid = process = None
    ask_to_interrupt = None
    has_kernel = True

    def __init__(self, folder: Path, kernel: PrestartedKernel) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self._kernel = kernel
        self._until = time.monotonic() + _PATIENCE_S
        self.info = kernel.client.info
        self.shell_channel = kernel.client.shell_channel
        self.iopub_channel = kernel.client.iopub_channel

    @property
    def manager(self) -> _WarmUpKernel:
        return self

    client = provisioner = manager

    def why_cold(self, *_: object) -> str:
        return ""

    def become(self, *_: object, **__: object) -> None:
        """Do nothing: the kernel exists already."""

    def execute(self, code: str, **options: Any) -> Any:
        return self._kernel.client.execute(code, **{**options, "store_history": False})

    async def is_alive(self) -> bool:
        alive: bool = await self._kernel.manager.is_alive()
        return alive and time.monotonic() < self._until

    async def shutdown_kernel(self, **_: object) -> None:
        """Do nothing: the kernel continues."""

    async def cleanup_resources(self) -> None:
        """Do nothing: there is nothing to clean up."""

    def stop_channels(self) -> None:
        """Do nothing: the channels stay open."""
