"""Implementation of preflight's environment."""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from jupyter_etl.errors import EtlError, ExecutionError, NotFound
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.names import nearest, parse_name
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook
from jupyter_etl.language.sources import parse_source
from jupyter_etl.model import CheckRule, Policy, Publication, Source, SourceKind
from jupyter_etl.ports import Store
from jupyter_etl.runner.kernel.kernels import Kernel, kernel_of
from jupyter_etl.scheduling.preflight import Finding
from jupyter_etl.services.policies import make_policy
from jupyter_etl.services.preflight.kernel_modules import executable_of, interpreter_of
from jupyter_etl.services.reading import access_with, check_source, tables_of

_PACKAGE = "jupyter_etl"
_NAMED_OPTIONS = {"json": "path", "sheet": "sheet", "delimiter": "delimiter"}
"""Arguments of ``%etl source``, and the source options that they set."""

_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}


class NotebookPlace:
    """Implements `jupyter_etl.scheduling.preflight.Environment`; executes nothing of the notebook.

    Args:
        notebook: Absolute path.
        kernel: Name of its kernel; None if it does not name one.
        check_schedule: Raises an `EtlError` for arguments of ``%etl schedule`` that cannot be
            deployed.
        expected: Publications that it waits for and that may not exist yet.
    """

    def __init__(
        self,
        store: Store,
        notebook: Path,
        kernel: str | None,
        check_schedule: Callable[[ScheduleRequest, Outline], None],
        expected: Collection[str] = (),
    ) -> None:
        self._store = store
        self._notebook = notebook
        self._asked = kernel
        self._check_schedule = check_schedule
        self._expected = expected

    @cached_property
    def sources(self) -> Mapping[str, Source]:
        """The declared sources, by name."""
        return {source.name: source for source in self._store.load_sources()}

    @cached_property
    def publications(self) -> Collection[str]:
        """The names of all publications."""
        return frozenset(one.name for one in self._store.load_publications())

    @cached_property
    def expected(self) -> Collection[str]:
        """Names of the publications that deployed notebooks, or new ones, will create."""
        names = set(self._expected)
        for pipeline in self._store.load_pipelines():
            outline = parse_notebook(self._store.load_snapshot(pipeline.content_hash))
            names |= set(outline.outputs.values())
        return names

    def kernel(self, outline: Outline, *, needs_package: bool) -> list[Finding]:
        """Find reasons why the kernel cannot start or lacks the package."""
        cells = tuple(cell.index for cell in outline.cells if cell.kind == "code")
        kernel = self._kernel
        if isinstance(kernel, ExecutionError):
            return [_kernel_finding("error", kernel.message, kernel.hint)]
        executable = executable_of(kernel.spec)
        if executable is None:
            message = (
                f"The kernel '{kernel.name}' starts '{kernel.spec.argv[0]}', which does not exist."
            )
            return [_kernel_finding("error", message, "Install the kernel again.")]
        if outline.language != "python":
            return []
        interpreter = self._interpreter
        if interpreter is None:
            message = f"The environment of the kernel '{kernel.name}' cannot be checked."
            return [_kernel_finding("info", message, "", cells)]
        wanted = {interpreter.module, *([_PACKAGE] if needs_package else [])}
        missing = interpreter.missing(wanted, self._notebook.parent)
        if missing is None:
            message = f"The Python of the kernel '{kernel.name}', {executable}, does not answer."
            return [_kernel_finding("warning", message, "Check that it starts.", cells)]
        if interpreter.module in missing:
            message = f"The kernel '{kernel.name}' cannot start: {executable} has no ipykernel."
            return [_kernel_finding("error", message, f"{executable} -m pip install ipykernel")]
        if missing:
            message = f"The kernel '{kernel.name}' lacks the package jupyter-etl, which the notebook uses."
            return [_kernel_finding("error", message, f"{executable} -m pip install jupyter-etl")]
        return []

    def missing_modules(self, names: Collection[str]) -> Collection[str] | None:
        """Return the modules, and names in them, that the kernel cannot import."""
        interpreter = self._interpreter
        if interpreter is None:
            return None
        # Queried together with the modules that `kernel` needs.
        every = {*names, interpreter.module, _PACKAGE}
        missing = interpreter.missing(every, self._notebook.parent)
        return None if missing is None else missing & set(names)

    def runs_other_python(self) -> bool:
        """Return whether the kernel's Python has a different grammar from this one."""
        version = self._interpreter.version() if self._interpreter else None
        return version != sys.version_info[:2]

    def reads_as_ipython(self, source: str) -> bool:
        """Return whether IPython turns a cell into valid Python."""
        from IPython.core.inputtransformer2 import TransformerManager

        try:
            manager: Any = TransformerManager
            code = manager().transform_cell(source)
            compile(code, "<cell>", "exec", 0x2000, dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
        return True

    def has_file(self, path: str, *, pattern: bool) -> bool:
        """Return whether a path or pattern, relative to the notebook, matches a file."""
        full = str(self._notebook.parent / Path(path).expanduser())
        try:
            # Not Path.glob, which does not accept absolute patterns.
            found = glob.glob(full, recursive=True) if pattern else []  # noqa: PTH207
            return bool(found) or Path(full).exists()
        except OSError:
            return True

    def near_file(self, path: str) -> str:
        """Suggest a file with a similar name."""
        full = self._notebook.parent / Path(path).expanduser()
        try:
            return nearest(full.name, (one.name for one in full.parent.iterdir()))
        except OSError:
            return ""

    def declare(self, args: Mapping[str, object]) -> Source:
        """Parse the declaration of a source; raises `EtlError` as declaring it would."""
        given: dict[str, Any] = {**args}
        options = dict(given.get("options") or {})
        options |= {
            option: given[name]
            for name, option in _NAMED_OPTIONS.items()
            if given.get(name) is not None
        }
        source = parse_source(
            given["name"],
            given.get("location", ""),
            base=self._notebook.parent,
            kind=given.get("kind"),
            secrets=tuple(given.get("secrets") or ()),
            readonly=bool(given.get("readonly")),
            options=options,
            limit=given.get("limit"),
            notebook=str(self._notebook),
        )
        check_source(source)
        return source

    def check_schedule(self, request: ScheduleRequest, outline: Outline) -> None:
        """Check a ``%etl schedule`` of the notebook; raises an `EtlError` as deploying would."""
        if request.name:
            parse_name(request.name, what="pipeline")
        make_policy(Policy(), request)
        self._check_schedule(request, outline)

    def check_rules(self, rules: Sequence[CheckRule]) -> None:
        """Raise `DeclarationError` for rules that are invalid for any data."""
        from jupyter_etl.checks.rules_sql import check_syntax

        for rule in rules:
            check_syntax(rule)

    def tables_in(self, sql: str, dialect: str) -> list[str] | None:
        """Return the tables that a query reads; raises `DeclarationError` if it is not valid."""
        from jupyter_etl.sources.local_sql import check_local_query, table_names
        from jupyter_etl.sources.sql.statements import parse_statement

        if dialect == "duckdb":
            check_local_query(sql)
        elif not parse_statement(sql, (), dialect).asks:
            return None
        return table_names(sql, dialect=_DIALECTS.get(dialect, dialect))

    def tables_of(self, source: Source) -> Collection[str] | None:
        """Return the tables of an SQLite file; None for servers, which are not contacted."""
        if source.kind != SourceKind.SQL or not source.location.startswith("sqlite:///"):
            return None
        try:
            names = [one.name for one in tables_of(source, _without_secrets())]
        except EtlError:
            return None
        return frozenset(names) | {name.rpartition(".")[2] for name in names}

    @cached_property
    def _kernel(self) -> Kernel | ExecutionError:
        try:
            return kernel_of({"kernelspec": {"name": self._asked or ""}})
        except ExecutionError as problem:
            return problem

    @cached_property
    def _interpreter(self) -> Any:
        kernel = self._kernel
        return None if isinstance(kernel, ExecutionError) else interpreter_of(kernel.spec)


def _kernel_finding(
    severity: str, message: str, hint: str, unchecked: tuple[int, ...] = ()
) -> Finding:
    kind = "unchecked" if severity == "info" else "kernel"
    return Finding(
        severity=severity, cell=None, message=message, hint=hint, kind=kind, unchecked=unchecked
    )


def _without_secrets() -> Any:
    def no_secret(name: str) -> str:
        raise NotFound(f"Preflight resolves no secret {name!r}.")

    def no_publication(name: str) -> Publication:
        raise NotFound(f"Preflight opens no publication {name!r}.")

    return access_with(secret=no_secret, publication=no_publication)
