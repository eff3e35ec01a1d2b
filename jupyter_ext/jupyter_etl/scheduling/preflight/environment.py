"""What preflight queries about the environment in which a notebook will run."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Protocol

from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.notebook import Outline
from jupyter_etl.model import CheckRule, Source
from jupyter_etl.scheduling.preflight.findings import Finding


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
