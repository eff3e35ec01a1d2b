"""Static analysis of code cells."""

from __future__ import annotations

import ast
import io
import re
import tokenize

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.parser import parse_line
from jupyter_etl.language.parameters.literals import read_literal
from jupyter_etl.language.parameters.parameter import type_of
from jupyter_etl.language.parameters.typed_code import annotated_type, made_type
from jupyter_etl.model import Parameter, ParameterType

_MAGIC = re.compile(r"(?P<indent>\s*)(?P<target>[^#'\"%!=]+?=\s*)?(?P<mark>%%?|!)(?P<rest>.*)")
_ETL = re.compile(r"etl(?![\w?])\s?(.*)", re.DOTALL)
_CELL_ETL = re.compile(r"\s*%%etl(?![\w?])[^\S\n]?([^\n]*)(?:\n(.*))?", re.DOTALL)
_MARKER = "_etl_line_{}_"
PYTHON_CELLS = frozenset(
    {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "python", "python3", "debug"}
)
"""Cell magics whose cells contain Python."""

_PUBLISH_FUNCTION = ["etl", "publish", "function"]

_TYPE_COMMENT = re.compile(r"type:\s*([^\s#]+)\s*(.*)", re.DOTALL)
_ASSIGNMENT = re.compile(
    r"\s*(?:(?:let|var|const|val|local|export)\s+)?([A-Za-z_]\w*)\s*(?:<-|=)\s*([^\s#;][^#;]*)"
)


def contains_python(head: str) -> bool:
    """Return whether the cell below a line that starts with ``%%`` contains Python."""
    words = head[2:].split()
    return not PYTHON_CELLS.isdisjoint(words[:1]) or words[:3] == _PUBLISH_FUNCTION


def commands_in(source: str) -> tuple[list[Request], list[str]]:
    """Find the ``%etl`` and ``%%etl`` of a Python code cell.

    Returns:
        The commands in order, and a note for each that is not valid.
    """
    commands: list[Request] = []
    notes: list[str] = []
    whole = source.lstrip().startswith("%%")
    for _, line, cell in command_lines(source):
        if whole and cell is None:
            # Below another cell magic, which decides whether it is executed.
            continue
        try:
            commands.append(parse_line(line, cell))
        except DeclarationError as problem:
            mark = "%etl" if cell is None else "%%etl"
            notes.append(f"{mark} {line.strip()}: {problem}")
    return commands, notes


def command_lines(source: str) -> list[tuple[int, str, str | None]]:
    """Find the ``%etl`` and ``%%etl`` commands of a Python code cell, without parsing them.

    Returns:
        The line number, from 1, the text after ``%etl``, and the text below for ``%%etl``; in
        order.
    """
    if whole := _CELL_ETL.fullmatch(source):
        return [(source[: whole.start(1)].count("\n") + 1, whole[1], whole[2] or "")]
    return [(number + 1, line, None) for number, line in _lines(source)]


def _lines(source: str) -> list[tuple[int, str]]:
    """Return the text after ``%etl`` on lines that are code, not part of a string."""
    code, magics = _python_of(source)
    tree = _parsed(code)
    if tree is None:
        live = set(magics)
    else:
        names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
        live = {number for number in magics if _MARKER.format(number) in names}
    found = ((number, _ETL.fullmatch(magics[number])) for number in sorted(live))
    return [(number, match[1]) for number, match in found if match]


def _python_of(source: str) -> tuple[str, dict[int, str]]:
    """Replace every line that may be a magic by a name.

    Returns:
        Python code with the same number of lines, and the text after ``%etl`` by line number.
    """
    if source.lstrip().startswith("%%"):
        head, _, body = source.lstrip().partition("\n")
        if not contains_python(head):
            return "", {}
        skipped = source[: len(source) - len(source.lstrip())].count("\n") + 1
        source = "\n" * skipped + body
    lines, out = source.split("\n"), []
    magics: dict[int, str] = {}
    position = 0
    while position < len(lines):
        first = position
        found = _MAGIC.fullmatch(lines[first])
        position += 1
        if found is None:
            out.append(lines[first])
            continue
        rest = found["rest"]
        while rest.endswith("\\") and position < len(lines):
            rest = f"{rest[:-1]} {lines[position].strip()}"
            position += 1
        magics[first] = rest
        out.append(f"{found['indent']}{found['target'] or ''}{_MARKER.format(first)}")
        out += [""] * (position - first - 1)
    return "\n".join(out), magics


def _parsed(code: str) -> ast.Module | None:
    try:
        return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def calls_in(source: str) -> list[tuple[str, str]]:
    """Find calls such as ``etl.param("day date = yesterday")`` and ``etl.load("wh.orders")``.

    Returns:
        The name of the function and its first argument if that is a string; in order.
    """
    tree = _parsed(_python_of(source)[0])
    if tree is None:
        return []
    return [
        (node.func.attr, node.args[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "etl"
        and node.args
        and isinstance(node.args[0], ast.Constant)
        and isinstance(node.args[0].value, str)
    ]


def published_in(source: str) -> list[tuple[str, str]]:
    """Find calls of ``etl.publish``.

    Returns:
        The kind and the first argument of each, if both are literals; in order.
    """
    tree = _parsed(_python_of(source)[0])
    found = []
    for node in ast.walk(tree) if tree is not None else ():
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="etl"), attr="publish"),
                args=[ast.Constant(value=str(name)), *_],
                keywords=keywords,
            ):
                kinds = [one.value for one in keywords if one.arg == "kind"]
                kind = kinds[0] if kinds else ast.Constant(value="table")
                if isinstance(kind, ast.Constant) and isinstance(kind.value, str):
                    found.append((kind.value, name))
    return found


def parameters_in_python(source: str) -> tuple[list[Parameter], list[str]]:
    """Parse papermill's parameters cell.

    Args:
        source: Assignments ``name = default``, with annotations, ``# type: int`` and comments.

    Returns:
        The parameters in order, and a note if the cell is not Python.

    Source:
        papermill, https://papermill.readthedocs.io/en/latest/usage-inspect.html
    """
    code, _ = _python_of(source)
    tree = _parsed(code)
    if tree is None:
        return [], ["The parameters cell is not valid Python; its parameters are unknown."]
    comments = _comments(code)
    found: dict[str, Parameter] = {}
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            targets: list[ast.expr] = [node.target]
            annotation = ast.unparse(node.annotation)
        elif isinstance(node, ast.Assign):
            targets, annotation = node.targets, ""
        else:
            continue
        if node.value is None or "_etl_line_" in ast.unparse(node.value):
            continue
        default = ast.get_source_segment(code, node.value) or ""
        comment = comments.get(node.end_lineno or node.lineno, "")
        for target in targets:
            if isinstance(target, ast.Name):
                found[target.id] = _parameter(target.id, annotation, default, comment)
    return list(found.values()), []


def _parameter(name: str, annotation: str, default: str, comment: str) -> Parameter:
    type_comment = _TYPE_COMMENT.fullmatch(comment)
    help_text = type_comment[2].lstrip("# ") if type_comment else comment
    kind, optional = annotated_type(annotation or (type_comment[1] if type_comment else ""))
    if kind is None:
        found, value = read_literal(default)
        kind = type_of(value) if found else made_type(default) or ParameterType.ANY
    return Parameter(
        name=name,
        type=kind,
        default=default,
        origin="cell",
        help=help_text.strip(),
        optional=optional,
    )


def _comments(code: str) -> dict[int, str]:
    """Return the comment of each line that has one, without the ``#``."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(code).readline))
    except (tokenize.TokenError, SyntaxError):
        return {}
    return {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }


def parameters_in_text(source: str) -> tuple[list[Parameter], list[str]]:
    """Parse assignments of a parameters cell in another language: ``x <- 1``, ``x=1``.

    Returns:
        The parameters, of type ``any``; never a note.
    """
    found = (_ASSIGNMENT.match(line) for line in source.splitlines())
    parameters = {
        match[1]: Parameter(name=match[1], default=match[2].strip()) for match in found if match
    }
    return list(parameters.values()), []
