"""What would go wrong in a clean kernel, told from a notebook's text."""

from __future__ import annotations

import re

from jupyter_etl.engine.cell_code import names_of_functions, opens_namespace, parse_cell
from jupyter_etl.engine.cell_scans import scan_code, scan_magics, scan_text
from jupyter_etl.engine.finding import ORDER, Finding
from jupyter_etl.engine.incremental import scan_increments
from jupyter_etl.engine.name_reader import NameReader
from jupyter_etl.spec.commands import Command
from jupyter_etl.spec.notebook import Cell, Outline

__all__ = ["Finding", "preflight"]

_BOUND = re.compile(r"\{\{\s*([A-Za-z_]\w*)")
_GIVEN = frozenset({"start", "end", "logical_at", "run", "etl"})
_CELL_NOTE = re.compile(r"Cell (\d+): (%.*)", re.DOTALL)
_PARAMETER_NAME = re.compile(r"\s*([A-Za-z_]\w*)")


def preflight(outline: Outline) -> tuple[Finding, ...]:
    """Say what would go wrong when a notebook runs without a person and without their session.

    Nothing is run. The cells of another language than Python are only searched for secrets.

    Returns:
        The findings: errors first, then warnings, then what is worth knowing; by cell.
    """
    findings = [finding for cell in outline.cells for finding in scan_text(cell.index, cell.source)]
    code = [cell for cell in outline.cells if cell.kind == "code" and cell.source.strip()]
    findings += _from_notes(outline.notes)
    if outline.language == "python":
        findings += _python(outline, code)
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


def _python(outline: Outline, code: list[Cell]) -> list[Finding]:
    findings: list[Finding] = []
    reader = NameReader()
    for cell in code:
        findings += scan_magics(cell.index, cell.source)
        commands = [command for index, command in outline.commands if index == cell.index]
        for name in filter(None, map(_name_defined, commands)):
            reader.define(name, cell.index)
        try:
            tree = parse_cell(cell.source)
        except SyntaxError as problem:
            findings.append(_no_python(cell, problem))
            # What it defines is not known, and one mistake shall not be reported as twenty.
            reader.opened = True
            continue
        findings += scan_code(cell.index, tree)
        reader.opened = reader.opened or opens_namespace(cell.source)
        reader.read(cell.index, tree)
        of_functions = names_of_functions(tree)
        for command in commands:
            for name in _names_used(command):
                if name not in of_functions:
                    reader.use(name, cell.index)
    return findings + [_undefined(name, cell, reader) for name, cell in reader.undefined().items()]


def _no_python(cell: Cell, problem: SyntaxError) -> Finding:
    where = f" (line {problem.lineno})" if problem.lineno else ""
    return Finding(
        severity="error",
        cell=cell.index,
        message=f"Cell {cell.index + 1} is not valid Python{where}: {problem.msg}.",
        hint="Correct it, or turn the cell into a markdown cell.",
    )


def _undefined(name: str, cell: int, reader: NameReader) -> Finding:
    later = reader.defined.get(name)
    hint = "Only your session has it: define it in a cell above."
    if later is not None:
        hint = f"Cell {later + 1} defines it: move that cell up, or this one down."
    if later == cell:
        hint = "The cell defines it further down: turn the lines round."
    return Finding(
        severity="error",
        cell=cell,
        message=f"Cell {cell + 1} uses `{name}`, which no earlier cell defines.",
        hint=hint,
    )


def _name_defined(command: Command) -> str:
    if command.name == "sql":
        return str(command.args.get("target") or "")
    if command.name == "param":
        found = _PARAMETER_NAME.match(str(command.args.get("text", "")))
        return found[1] if found else ""
    return ""


def _names_used(command: Command) -> list[str]:
    """Return the variables that a command reads."""
    given = {str(one).partition("=")[0].strip() for one in _listed(command.args.get("param"))}
    texts = [str(value) for value in command.args.values()] + [command.cell or ""]
    names = [name for text in texts for name in _BOUND.findall(text)]
    if command.name == "check":
        names.append(str(command.args.get("name", "")))
    if command.name == "publish":
        names.append(str(command.args.get("data") or ""))
    return [name for name in names if name.isidentifier() and name not in _GIVEN | given]


def _listed(value: object) -> list[object]:
    return list(value) if isinstance(value, list | tuple) else []


def _publishes(outline: Outline, code: list[Cell]) -> bool:
    if any(command.name in ("publish", "api") for _, command in outline.commands):
        return True
    return any(
        re.search(r"\betl\.publish|%%?etl\s+(?:publish|api)\b", cell.source) for cell in code
    )


def _from_notes(notes: tuple[str, ...]) -> list[Finding]:
    findings = []
    for note in notes:
        if found := _CELL_NOTE.fullmatch(note):
            cell = int(found[1]) - 1
            findings.append(Finding(severity="error", cell=cell, message=note))
        else:
            findings.append(Finding(severity="info", cell=None, message=note))
    return findings
