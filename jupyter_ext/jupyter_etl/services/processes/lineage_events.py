"""Writes the lineage of attempts into the home's event log."""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from jupyter_etl.errors import EtlError, NotFound
from jupyter_etl.model import AttemptReport, Source
from jupyter_etl.runner.folders import SNAPSHOT, load_claim
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.lineage.open_lineage import Event, end_event, start_event
from jupyter_etl.services.notebooks import read_notebook

MOST_BYTES = 10_000_000
"""Size from which the file is rotated."""

KEPT = 2
"""Number of rotated files, ``NAME.1`` and ``NAME.2``."""


def append_event(path: Path, event: Mapping[str, object], *, most_bytes: int = MOST_BYTES) -> None:
    """Append one event; concurrent writers do not interleave within a line.

    Args:
        path: The file; it is created with access for this user only.
        event: JSON values.
        most_bytes: A file of this size is renamed to ``NAME.1`` first.

    Raises:
        OSError: It cannot be written.
    """
    line = msgspec.json.encode(event) + b"\n"
    while True:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            held = os.fstat(descriptor)
            if not _is_still(path, held):
                # Another process replaced the file while this one waited for the lock.
                continue
            if held.st_size >= most_bytes:
                _make_room(path)
                continue
            os.write(descriptor, line)
            return
        finally:
            os.close(descriptor)


def _is_still(path: Path, held: os.stat_result) -> bool:
    try:
        now = path.stat()
    except FileNotFoundError:
        return False
    return (now.st_dev, now.st_ino) == (held.st_dev, held.st_ino)


def _make_room(path: Path) -> None:
    for number in range(KEPT, 0, -1):
        before = path if number == 1 else path.with_name(f"{path.name}.{number - 1}")
        if before.exists():
            before.replace(path.with_name(f"{path.name}.{number}"))


LOG = "lineage.jsonl"
"""Name of the file in the home."""


def record_start(etl: Etl, folder: Path) -> None:
    """Record the start of an attempt; a failure to write the log does not fail the attempt."""
    try:
        _write(etl, start_event(load_claim(folder), at=etl.clock.now()))
    except (EtlError, OSError) as problem:
        _give_up(problem)


def record_end(etl: Etl, folder: Path, report: AttemptReport) -> None:
    """Record the end of an attempt, with its inputs and publications."""
    try:
        claim = load_claim(folder)
        names = {read.source for read in report.reads}
        names |= {origin.source for origins in report.origins.values() for origin in origins}
        wanted = {one.name for one in report.committed}
        written = etl.store.load_run(claim.run.id).published if wanted else ()
        event = end_event(
            claim,
            report,
            at=etl.clock.now(),
            sources=_sources(etl, names),
            versions={v.name: v.number for v in written if v.name in wanted},
            outputs=_outputs(folder) if report.checks else {},
        )
        # Errors and checks contain text from the notebook.
        text = etl.redacted_answer(msgspec.json.encode(event).decode())
        _write(etl, msgspec.json.decode(text))
    except (EtlError, OSError, ValueError) as problem:
        _give_up(problem)


def _sources(etl: Etl, names: set[str]) -> dict[str, Source]:
    found = {}
    for name in sorted(names):
        with suppress(NotFound):
            found[name] = etl.store.load_source(name)
    return found


def _outputs(folder: Path) -> dict[str, str]:
    with suppress(EtlError):
        return dict(read_notebook(folder / SNAPSHOT)[2].outputs)
    return {}


def _write(etl: Etl, event: Event) -> None:
    append_event(etl.settings.home / LOG, event)


def _give_up(problem: Exception) -> None:
    logging.getLogger(__name__).warning("No lineage event was written: %s", problem)
