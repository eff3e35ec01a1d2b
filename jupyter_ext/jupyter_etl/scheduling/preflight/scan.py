"""What the single scans of a notebook have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jupyter_etl.scheduling.preflight.environment import Environment
from jupyter_etl.scheduling.preflight.findings import Finding


@dataclass(kw_only=True)
class Scan:
    """Collects findings, and why cells could not be checked in full.

    Args:
        environment: Where the notebook will run; None where nobody can tell.
        findings: So far.
        reasons: By cell, what could not be checked; completes "Cell 3 could not be checked in full: ".
    """

    environment: Environment | None
    findings: list[Finding] = field(default_factory=list)
    reasons: dict[int, dict[str, None]] = field(default_factory=dict)

    def add(self, kind: str, cell: int, message: str, hint: str = "", *, certain: bool) -> None:
        """Add what fails in every run, or, where that is not certain, what may fail.

        Args:
            kind: As `Finding`.
            cell: Index of the cell.
            message: Continues "Cell 3 ".
            hint: The next step.
            certain: Whether the code is evaluated in every run.
        """
        self.findings.append(
            Finding(
                severity="error" if certain else "warning",
                cell=cell,
                message=f"Cell {cell + 1} {message}",
                hint=hint,
                kind=kind,
            )
        )

    def unsure(self, cell: int, reason: str) -> None:
        """Note what could not be checked."""
        self.reasons.setdefault(cell, {})[reason] = None

    def notes(self) -> Iterator[Finding]:
        """Yield a note for each cell that could not be checked in full."""
        for cell, reasons in self.reasons.items():
            yield Finding(
                severity="info",
                cell=cell,
                message=f"Cell {cell + 1} could not be checked in full: {'; '.join(reasons)}.",
                kind="unchecked",
                unchecked=(cell,),
            )
