"""Preflight of a notebook: what would fail in a clean kernel, from its source alone."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.language.commands.data import SourceRequest
from jupyter_etl.language.commands.endpoints import PublishFunctionRequest, PublishQueryRequest
from jupyter_etl.language.commands.publications import (
    PublishFileRequest,
    PublishReportRequest,
    PublishTableRequest,
)
from jupyter_etl.language.commands.schedule import ScheduleRequest
from jupyter_etl.language.notebooks.notebook import Cell, Outline
from jupyter_etl.language.parameters.parameter import parse_parameter
from jupyter_etl.scheduling.preflight.cell_code import (
    names_of_functions,
    opens_namespace,
    parse_cell,
)
from jupyter_etl.scheduling.preflight.cells import scan_code, scan_magics, scan_text
from jupyter_etl.scheduling.preflight.data import DataScan, scan_increments
from jupyter_etl.scheduling.preflight.files import FileScan
from jupyter_etl.scheduling.preflight.findings import ORDER, Environment, Finding, Scan
from jupyter_etl.scheduling.preflight.imports import ImportScan
from jupyter_etl.scheduling.preflight.literals import Literals
from jupyter_etl.scheduling.preflight.names import NameReader
from jupyter_etl.scheduling.preflight.platform_calls import Use, uses_in
from jupyter_etl.scheduling.preflight.reachability import Reachability
from jupyter_etl.scheduling.preflight.undeclared import UndeclaredScan

_BOUND = re.compile(r"\{\{\s*([A-Za-z_]\w*)(?!\w|\s*\()")
_GIVEN = frozenset({"start", "end", "logical_at", "run", "etl"})
_CELL_NOTE = re.compile(r"Cell \d+: .*", re.DOTALL)
_PARAMETER_NAME = re.compile(r"\s*([A-Za-z_]\w*)")
_MAY_FAIL = "raises-exception"
_SPEAKS_ETL = re.compile(r"(?m)^\s*(?:[\w, ]+=\s*)?%%?etl\b|^\s*(?:import|from)\s+jupyter_etl\b")
_CHANGES_DATABASE = re.compile(
    r"(?i)\bto_sql\b|\bcreate\s+(?:temp\w*\s+)?(?:table|view)\b|\.execute\w*\(|write_database|create_all"
)


def preflight(outline: Outline, environment: Environment | None = None) -> tuple[Finding, ...]:
    """Find what would fail when a notebook runs unattended in a clean kernel.

    Nothing is executed. Cells in other languages than Python are only searched for secrets.

    Args:
        environment: Where the notebook will run. Without it, the kernel, modules, files,
            sources and tables are not checked.

    Returns:
        Errors first, then warnings, then notes, each ordered by cell. Cells that could not be
        checked are included.
    """
    findings = [finding for cell in outline.cells for finding in scan_text(cell.index, cell.source)]
    code = [cell for cell in outline.cells if cell.kind == "code" and cell.source.strip()]
    is_python = outline.language == "python"
    findings += _from_notes(outline.notes, is_python=is_python)
    if environment is not None:
        speaks = is_python and any(_SPEAKS_ETL.search(cell.source) for cell in code)
        findings += environment.kernel(outline, needs_package=speaks)
    if is_python:
        findings += _Notebook(outline, code, environment).findings()
    elif code:
        findings.append(_not_python(outline.language, code))
    publishes = _publishes(outline, code)
    findings += scan_increments(outline.commands, publishes=publishes)
    if not code:
        message = "The notebook has no code cells, so a run does nothing."
        findings.append(Finding(severity="warning", cell=None, message=message))
    elif not publishes:
        findings.append(
            Finding(
                severity="info",
                cell=None,
                message="The notebook publishes nothing, so others cannot build on its runs.",
                hint="Publish a frame: %etl publish table NAME FRAME.",
            )
        )
    return tuple(sorted(set(findings), key=_rank))


def _rank(finding: Finding) -> tuple[int, int, str]:
    cell = -1 if finding.cell is None else finding.cell
    return ORDER.index(finding.severity), cell, finding.message


@dataclass(frozen=True)
class _ParsedCell:
    cell: Cell
    tree: ast.Module


class _Notebook:
    """The checks of a Python notebook, cell by cell."""

    def __init__(self, outline: Outline, code: list[Cell], environment: Environment | None) -> None:
        self._outline = outline
        self._code = code
        self._environment = environment
        self._scan = Scan(environment=environment)
        self._reachability = Reachability()
        self._names = NameReader(certain=self._reachability.has)
        self._literals = Literals(parameter.name for parameter in outline.parameters)
        self._undeclared = UndeclaredScan(self._scan, self._literals)
        self._files = FileScan(self._scan, self._reachability, self._literals, self._undeclared)
        self._imports = ImportScan(self._scan, self._reachability)
        self._of_functions: frozenset[str] = frozenset()
        self._data = DataScan(
            self._scan,
            declared_later=_declared(outline),
            is_variable=self._is_variable,
            may_write=self._files.may_write,
        )

    def findings(self) -> list[Finding]:
        parsed = [self._parse(cell) for cell in self._code]
        for one in parsed:
            if isinstance(one, _ParsedCell):
                self._reachability.read(
                    one.cell.index, one.tree, may_fail=_MAY_FAIL in one.cell.tags
                )
        for cell, one in zip(self._code, parsed, strict=True):
            self._scan.findings += scan_magics(cell.index, cell.source)
            self._files.read_text(cell.source)
            self._undeclared.read_text(cell.index, cell.source)
            self._imports.read_text(cell.index, cell.source)
            if one is None:
                # The names that the cell defines are unknown, and one mistake must not be reported
                # twenty times.
                self._names.opened = True
            else:
                self._read(cell, one.tree)
        self._scan.findings += self._undeclared.findings(self._files.may_write)
        self._data.finish()
        self._files.finish()
        self._imports.finish()
        return [*self._scan.findings, *self._undefined(), *self._scan.notes()]

    def _parse(self, cell: Cell) -> _ParsedCell | None:
        try:
            return _ParsedCell(cell, parse_cell(cell.source))
        except SyntaxError as problem:
            self._no_python(cell, problem)
            return None

    def _no_python(self, cell: Cell, problem: SyntaxError) -> None:
        environment = self._environment
        if environment is not None and environment.reads_as_ipython(cell.source):
            self._scan.unsure(
                cell.index, "it uses a syntax of IPython that preflight does not read"
            )
            return
        where = f" (line {problem.lineno})" if problem.lineno else ""
        certain = _MAY_FAIL not in cell.tags
        if environment is not None and environment.runs_other_python():
            certain = False
            self._scan.unsure(cell.index, "its kernel runs another version of Python")
        self._scan.add(
            "syntax",
            cell.index,
            f"is not valid Python{where}: {problem.msg}.",
            "Correct it, or turn the cell into a markdown cell.",
            certain=certain,
        )

    def _read(self, cell: Cell, tree: ast.Module) -> None:
        index, source = cell.index, cell.source
        self._scan.findings += scan_code(index, tree)
        self._of_functions = names_of_functions(tree)
        uses, wrong = uses_in(index, source, tree, self._reachability, self._literals)
        for message, certain in wrong:
            self._scan.findings.append(_wrong(index, message, certain=certain))
        for name in filter(None, map(_name_defined, uses)):
            self._names.define(name, index)
        opened = self._names.opened
        self._names.opened = opened or opens_namespace(source)
        self._names.read(index, tree)
        self._files.read(index, tree)
        self._imports.read(index, tree)
        for use in uses:
            self._use(use)
        if self._names.opened and not opened:
            self._scan.unsure(index, "it may define names that cannot be derived from its text")
        if _CHANGES_DATABASE.search(source):
            self._data.change_databases()

    def _use(self, use: Use) -> None:
        if use.name == "param":
            self._parameter(use)
        if isinstance(use.request, ScheduleRequest):
            self._schedule(use.cell, use.request)
        self._data.read(use)
        self._undeclared.declare(use)
        if use.request is None:
            return
        for name in _names_used(use):
            if name not in self._of_functions and not self._data.knows(name):
                self._names.use(name, use.cell, certain=use.certain)

    def _parameter(self, use: Use) -> None:
        text = use.args.get("text")
        if not isinstance(text, str):
            return
        try:
            parse_parameter(text)
        except DeclarationError as problem:
            message = f"declares a parameter that cannot be read: {problem.message}"
            self._scan.add("command", use.cell, message, problem.hint, certain=use.certain)

    def _schedule(self, cell: int, request: ScheduleRequest) -> None:
        given = request.when or request.after or request.after_all
        if self._environment is None or not given:
            return
        try:
            self._environment.check_schedule(request, self._outline)
        except EtlError as problem:
            message = f"has a schedule that cannot be deployed: {problem.message}"
            self._scan.add("schedule", cell, message, problem.hint, certain=True)

    def _is_variable(self, name: str) -> bool:
        reader = self._names
        return reader.opened or name in reader.defined or name in self._of_functions

    def _undefined(self) -> list[Finding]:
        return [
            _undefined(name, cell, self._names, certain=certain)
            for certain in (True, False)
            for name, cell in self._names.undefined(certain=certain).items()
        ]


def _declared(outline: Outline) -> dict[str, int]:
    found: dict[str, int] = {}
    for cell, request in outline.commands:
        if isinstance(request, SourceRequest):
            found.setdefault(request.name, cell)
    return found


def _wrong(cell: int, message: str, *, certain: bool) -> Finding:
    return Finding(
        severity="error" if certain else "warning",
        cell=cell,
        message=f"Cell {cell + 1}: {message}",
        kind="command",
    )


def _not_python(language: str, code: list[Cell]) -> Finding:
    cells = "1 code cell is" if len(code) == 1 else f"{len(code)} code cells are"
    return Finding(
        severity="info",
        cell=None,
        message=f"{cells} in {language} and could not be checked; they were searched for secrets only.",
        kind="unchecked",
        unchecked=tuple(cell.index for cell in code),
    )


def _undefined(name: str, cell: int, reader: NameReader, *, certain: bool) -> Finding:
    later = reader.defined.get(name)
    hint = "Only your session has it: define it in a cell above."
    if later is not None:
        hint = f"Cell {later + 1} defines it: move that cell up, or this one down."
    if later == cell:
        hint = "The cell defines it further down: change the order of the lines."
    return Finding(
        severity="error" if certain else "warning",
        cell=cell,
        message=f"Cell {cell + 1} uses `{name}`, which no earlier cell defines.",
        hint=hint,
        kind="name",
    )


def _name_defined(use: Use) -> str:
    if use.name == "sql":
        return str(use.args.get("target") or "")
    if use.name == "param":
        found = _PARAMETER_NAME.match(str(use.args.get("text", "")))
        return found[1] if found else ""
    return ""


def _names_used(use: Use) -> list[str]:
    """Return the variables that a command reads."""
    if isinstance(use.request, PublishQueryRequest | PublishFunctionRequest):
        # The callers give the parameters of a query, and the code of a function is read as code.
        return []
    given = {str(one).partition("=")[0].strip() for one in _listed(use.args.get("parameters"))}
    texts = [str(value) for value in use.args.values()] + [use.text or ""]
    names = [name for text in texts for name in _BOUND.findall(text)]
    if use.name == "check":
        names += [str(use.args.get("name", "")), str(use.args.get("schema") or "")]
    if use.name == "publish":
        names.append(str(use.args.get("data") or ""))
    return [name for name in names if name.isidentifier() and name not in _GIVEN | given]


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple | dict) else []


def _publishes(outline: Outline, code: list[Cell]) -> bool:
    publishing = (
        PublishTableRequest,
        PublishFileRequest,
        PublishReportRequest,
        PublishQueryRequest,
        PublishFunctionRequest,
    )
    if any(isinstance(request, publishing) for _, request in outline.commands):
        return True
    return any(
        re.search(r"\betl\.publish|%%?etl\s+(?:publish|api)\b", cell.source) for cell in code
    )


def _from_notes(notes: tuple[str, ...], *, is_python: bool) -> list[Finding]:
    """Return findings about the notebook file itself; Python cells are checked separately."""
    return [
        Finding(severity="info", cell=None, message=note)
        for note in notes
        if not (is_python and _CELL_NOTE.fullmatch(note))
    ]
