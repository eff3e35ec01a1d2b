"""Checks of a notebook's incremental loads, from its commands."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_etl.language.commands.data import LoadRequest
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.publications import PublishTableRequest
from jupyter_etl.model import PublishMode
from jupyter_etl.scheduling.preflight.findings import Finding


def scan_increments(commands: Sequence[tuple[int, Request]], *, publishes: bool) -> list[Finding]:
    """Find loads whose watermark would never move, and rows that would be published twice.

    Args:
        commands: The notebook's commands, each with the index of its cell.
        publishes: Whether any cell of the notebook publishes.
    """
    loads = [(cell, one) for cell, one in commands if isinstance(one, LoadRequest) and one.since]
    findings = []
    for cell, load in loads:
        if not publishes:
            findings.append(
                Finding(
                    severity="warning",
                    cell=cell,
                    message=f"Cell {cell + 1} loads by --since, and the notebook publishes nothing: "
                    "the watermark never moves, and each run reads the same rows again.",
                    hint="Publish what was read: %etl publish table NAME FRAME --mode upsert --key ID.",
                )
            )
        elif load.lag and (at := _appends(commands)) is not None:
            findings.append(
                Finding(
                    severity="warning",
                    cell=at,
                    message=f"Cell {at + 1} appends, and cell {cell + 1} loads with --lag: rows "
                    "within the lag are read again, and would be duplicated in the table.",
                    hint="Use --mode upsert with a --key.",
                )
            )
    return findings


def _appends(commands: Sequence[tuple[int, Request]]) -> int | None:
    for cell, one in commands:
        if isinstance(one, PublishTableRequest) and one.mode is PublishMode.APPEND:
            return cell
    return None
