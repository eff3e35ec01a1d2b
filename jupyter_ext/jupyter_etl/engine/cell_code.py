"""The Python of a cell, without what IPython adds to the language."""

from __future__ import annotations

import ast
import re
import warnings

_PYTHON_CELLS = frozenset(
    {"time", "timeit", "capture", "prun", "memit", "mprun", "lprun", "python", "python3", "debug"}
)
_LINE = re.compile(
    r"(?P<indent>\s*)(?P<target>[\w.,\[\]'\" ]+?=\s*)?(?P<mark>%(?=[A-Za-z])|!(?!=))(?P<rest>.*)"
)
_TIMED = re.compile(r"(?:time|timeit|prun|memit|lprun)\s+(?P<code>[^-].*)")
_HELP = re.compile(r"(?P<indent>\s*)(?:\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*")
_CAPTURE = re.compile(r"capture\s+(?:-\S+\s+)*(?P<name>[A-Za-z_]\w*)")


def parse_cell(source: str) -> ast.Module:
    """Parse a cell; magics, shell commands and help become nothing, on lines of the same number.

    Raises:
        SyntaxError: It is not valid Python besides them.
    """
    try:
        return _parse(source)
    except SyntaxError:
        return _parse(_python_of(source))


def opens_namespace(source: str) -> bool:
    """Tell whether a cell has magics that define names nobody can tell from the text."""
    return re.search(r"(?m)^\s*%(?:run|pylab|load|store|loadpy|rerun|macro)\b", source) is not None


def names_of_functions(tree: ast.Module) -> frozenset[str]:
    """Return the variables of the functions and classes in a cell, which a magic there can use."""
    scopes = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef | ast.comprehension
    inside = [
        inner for node in ast.walk(tree) if isinstance(node, scopes) for inner in ast.walk(node)
    ]
    arguments = {node.arg for node in inside if isinstance(node, ast.arg)}
    stored = {
        node.id for node in inside if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    return frozenset(arguments | stored)


def _parse(code: str) -> ast.Module:
    with warnings.catch_warnings():
        # A doubtful escape in somebody's string is not this program's to complain about.
        warnings.simplefilter("ignore")
        try:
            return ast.parse(code)
        except (ValueError, RecursionError, MemoryError) as problem:
            raise SyntaxError(str(problem) or "the cell is too deeply nested") from problem


def _python_of(source: str) -> str:
    head, _, body = source.lstrip().partition("\n")
    if head.startswith("%%"):
        words = head[2:].split()
        if not words or words[0] not in _PYTHON_CELLS:
            return ""
        kept = _CAPTURE.match(head[2:])
        source = (f"{kept['name']} = None" if kept else "") + "\n" + body
    lines, out = source.split("\n"), []
    position = 0
    while position < len(lines):
        line = lines[position]
        position += 1
        replaced = _line_of(line)
        out.append(replaced)
        while replaced != line and line.endswith("\\") and position < len(lines):
            line = lines[position]
            out.append("")
            position += 1
            replaced = ""
    return "\n".join(out)


def _line_of(line: str) -> str:
    if help_line := _HELP.fullmatch(line):
        return f"{help_line['indent']}pass"
    found = _LINE.fullmatch(line)
    if found is None:
        return line
    if found["mark"] == "%" and (timed := _TIMED.fullmatch(found["rest"])):
        return f"{found['indent']}{found['target'] or ''}{timed['code']}"
    return f"{found['indent']}{found['target'] or ''}None"
