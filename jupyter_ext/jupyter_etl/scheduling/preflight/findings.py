"""Findings of preflight, and what it asks about the environment in which a notebook will run."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Protocol

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.notebook import Outline
from jupyter_etl.model import CheckRule, Source

ORDER = ("error", "warning", "info")
"""Severities, the worst first: fails in a run, may behave unexpectedly, informational."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A problem, a possible problem or a note.

    Args:
        severity: ``error``, ``warning`` or ``info``.
        cell: Index of the cell, 0-based over all cells; None for the notebook as a whole.
        message: One sentence; it counts cells from 1.
        hint: The next step.
        kind: The topic: ``kernel``, ``syntax``, ``name``, ``import``, ``file``, ``source``,
            ``table``, ``check``, ``publish``, ``schedule``, ``command``, ``secret``,
            ``undeclared``, ``unchecked``; "" for anything else.
        unchecked: Indices of the cells that could not be checked, or only in part.
    """

    severity: str
    cell: int | None
    message: str
    hint: str = ""
    kind: str = field(default="", compare=False)
    unchecked: tuple[int, ...] = field(default=(), compare=False)


def errors_in(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings that prevent a deployment."""
    return [one for one in findings if one.severity == "error"]


def summarize(findings: Iterable[Finding]) -> str:
    """Summarize findings in one line, with the number of cells that could not be checked."""
    every = list(findings)
    counts = [
        _counted(sum(one.severity == severity for one in every), noun)
        for severity, noun in (("error", "error"), ("warning", "warning"), ("info", "note"))
    ]
    unchecked = {cell for one in every for cell in one.unchecked}
    if not every:
        return "No problems found."
    listing = ", ".join(filter(None, counts))
    rest = f"; {_counted(len(unchecked), 'cell')} could not be checked" if unchecked else ""
    return f"{listing}{rest}."


def refuse_errors(notebook: str, findings: Sequence[Finding]) -> None:
    """Raise `DeclarationError` if there are errors.

    Args:
        notebook: Name of the file.
    """
    errors = errors_in(findings)
    if not errors:
        return
    lines = [f"  {one.message} {one.hint}".rstrip() for one in errors]
    first = f"{notebook} would fail in a run, so it is not deployed. {summarize(findings)}"
    raise DeclarationError(
        "\n".join([first, *lines]),
        hint="Fix the errors, or deploy despite them: --anyway",
        data={"findings": [asdict(one) for one in findings]},
    )


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}" if number else ""


class Environment(Protocol):
    """Answers queries about the kernel, files and ledger; executes nothing of a notebook.

    None as an answer means that the fact could not be determined.
    """

    @property
    def sources(self) -> Mapping[str, Source]:
        """The declared sources, by name."""
        ...

    @property
    def publications(self) -> Collection[str]:
        """The names of all publications."""
        ...

    @property
    def expected(self) -> Collection[str]:
        """Names of the publications that deployed notebooks, or new ones, will create."""
        ...

    def kernel(self, outline: Outline, *, needs_package: bool) -> list[Finding]:
        """Find reasons why the notebook's kernel cannot start or lacks the package."""
        ...

    def missing_modules(self, names: Collection[str]) -> Collection[str] | None:
        """Return the modules, and names in them, that the kernel cannot import.

        Args:
            names: ``package.module``, or ``package.module:name``.
        """
        ...

    def runs_other_python(self) -> bool:
        """Return whether the kernel's Python has a different grammar from this one."""
        ...

    def reads_as_ipython(self, source: str) -> bool:
        """Return whether IPython turns a cell into valid Python."""
        ...

    def has_file(self, path: str, *, pattern: bool) -> bool:
        """Return whether a path or pattern, relative to the notebook, matches a file."""
        ...

    def near_file(self, path: str) -> str:
        """Suggest a file with a similar name, see `jupyter_etl.language.names.nearest`."""
        ...

    def declare(self, args: Mapping[str, object]) -> Source:
        """Parse the declaration of a source; raises `EtlError` as declaring it would."""
        ...

    def check_schedule(self, request: ScheduleRequest, outline: Outline) -> None:
        """Parse the arguments of ``%etl schedule``; raises `EtlError` as deploying would."""
        ...

    def check_rules(self, rules: Sequence[CheckRule]) -> None:
        """Raise `DeclarationError` for rules that are invalid for any data."""
        ...

    def tables_in(self, sql: str, dialect: str) -> list[str] | None:
        """Return the tables that a query reads; raises `DeclarationError` if it is not valid."""
        ...

    def tables_of(self, source: Source) -> Collection[str] | None:
        """Return the tables of a source."""
        ...


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
