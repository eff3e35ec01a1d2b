"""What the checks of preflight have in common."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from jupyter_etl.scheduling.preflight.environment import Environment
from jupyter_etl.scheduling.preflight.findings import Finding


@dataclass(kw_only=True)
class Scan:
    """Collects findings, and the reasons why cells could not be checked completely.

    Args:
        environment: Where the notebook will run; None if that is not known.
        findings: The findings so far.
        reasons: By cell, what could not be checked; completes "Cell 3 could not be checked in
            full: ".
    """

    environment: Environment | None
    findings: list[Finding] = field(default_factory=list)
    reasons: dict[int, dict[str, None]] = field(default_factory=dict)

    def add(self, kind: str, cell: int, message: str, hint: str = "", *, certain: bool) -> None:
        """Add an error, or a warning if the code is not evaluated in every run.

        Args:
            kind: See `Finding`.
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
        """Record what could not be checked."""
        self.reasons.setdefault(cell, {})[reason] = None

    def notes(self) -> Iterator[Finding]:
        """Yield a note for each cell that could not be checked completely."""
        for cell, reasons in self.reasons.items():
            yield Finding(
                severity="info",
                cell=cell,
                message=f"Cell {cell + 1} could not be checked in full: {'; '.join(reasons)}.",
                kind="unchecked",
                unchecked=(cell,),
            )
