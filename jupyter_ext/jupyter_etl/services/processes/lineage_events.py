"""Write what an attempt reads and makes into the home's log of lineage events."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path

import msgspec

from jupyter_etl.errors import EtlError, NotFound
from jupyter_etl.model import AttemptReport, Source
from jupyter_etl.runner.folders import SNAPSHOT, load_claim
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.lineage.log import append_event
from jupyter_etl.services.lineage.open_lineage import Event, end_event, start_event
from jupyter_etl.services.notebooks import read_notebook

LOG = "lineage.jsonl"
"""The file's name, in the home."""


def record_start(etl: Etl, folder: Path) -> None:
    """Say that the attempt of a folder starts; an attempt does not fail of a log."""
    try:
        _write(etl, start_event(load_claim(folder), at=etl.clock.now()))
    except (EtlError, OSError) as problem:
        _give_up(problem)


def record_end(etl: Etl, folder: Path, report: AttemptReport) -> None:
    """Say how it ended, with all that it has read and published."""
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
        # Errors and checks hold what a notebook says.
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
