"""What preflight asks of the place where a notebook will run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.notebook import Outline
from jupyter_etl.model import CheckRule, Source
from jupyter_etl.scheduling.preflight.findings import Finding


class Environment(Protocol):
    """Answers questions about the kernel, the files and the ledger; executes nothing of a notebook.

    None as an answer means that it could not look.
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
        """The names of the publications that deployed notebooks, or those to come, will make."""
        ...

    def kernel(self, outline: Outline, *, needs_package: bool) -> list[Finding]:
        """Say what keeps the notebook's kernel from starting, or the package from being there."""
        ...

    def missing_modules(self, names: Collection[str]) -> Collection[str] | None:
        """Return those of the modules, and names in them, that the kernel could not import.

        Args:
            names: ``package.module``, or ``package.module:name``.
        """
        ...

    def runs_other_python(self) -> bool:
        """Tell whether the kernel's Python has another grammar than this one."""
        ...

    def reads_as_ipython(self, source: str) -> bool:
        """Tell whether IPython makes valid Python of a cell."""
        ...

    def has_file(self, path: str, *, pattern: bool) -> bool:
        """Tell whether a path, or a pattern, relative to the notebook, leads to something."""
        ...

    def near_file(self, path: str) -> str:
        """Suggest a file with a similar name, as `jupyter_etl.language.names.nearest`."""
        ...

    def declare(self, args: Mapping[str, object]) -> Source:
        """Read a declaration of a source; raises an `EtlError` as declaring it would."""
        ...

    def check_schedule(self, request: ScheduleRequest, outline: Outline) -> None:
        """Read the arguments of ``%etl schedule``; raises an `EtlError` as deploying would."""
        ...

    def check_rules(self, rules: Sequence[CheckRule]) -> None:
        """Raise `DeclarationError` for rules that no data could be checked by."""
        ...

    def tables_in(self, sql: str, dialect: str) -> list[str] | None:
        """Return the tables that a query reads; raises `DeclarationError` for no valid query."""
        ...

    def tables_of(self, source: Source) -> Collection[str] | None:
        """Return the tables of a source."""
        ...
