"""The Python code of a cell, without IPython's syntax."""

from __future__ import annotations

import ast
import re
import warnings

from jupyter_etl.language.notebooks.cells import PYTHON_CELLS, contains_python

_FOREIGN_CELLS = frozenset(
    [
        "etl", "sql", "bash", "sh", "script", "perl", "ruby", "cmd", "system", "sx", "html",
        "HTML", "javascript", "js", "latex", "markdown", "svg", "SVG", "writefile", "file",
    ]
)  # fmt: skip
"""Cell magics of other languages, which define no variables except through options or ``<<``."""

_LINE = re.compile(
    r"(?P<indent>\s*)(?P<target>[\w.,\[\]'\" ]+?=\s*)?(?P<mark>%(?=[A-Za-z])|!(?!=))(?P<rest>.*)"
)
# An extension may put variables into the session, as `%run` does.
_OPENING = re.compile(
    r"(?m)^\s*%(?:(?:run|pylab|load|store|loadpy|rerun|macro)\b"
    r"|(?:re)?load_ext\s+(?!(?:jupyter_etl|jupyter_etl_magics|autoreload)\s*$))"
)
_TIMED = re.compile(r"(?:time|timeit|prun|memit|lprun)\s+(?P<code>[^-].*)")
_HELP = re.compile(r"(?P<indent>\s*)(?:\?{1,2}[\w.]+|[\w.]+\?{1,2})\s*")
_CAPTURE = re.compile(r"capture\s+(?:-\S+\s+)*(?P<name>[A-Za-z_]\w*)")


def parse_cell(source: str) -> ast.Module:
    """Parse a cell; magics, shell commands and help become empty statements on the same lines.

    Raises:
        SyntaxError: The rest is not valid Python. This includes errors that only the compiler
            finds, such as a ``return`` outside a function.
    """
    try:
        return _parse(source)
    except SyntaxError:
        return _parse(_python_of(source))


def opens_namespace(source: str) -> bool:
    """Return whether a cell contains magics that define names which static analysis cannot find."""
    head = source.lstrip().partition("\n")[0]
    if head.startswith("%%") and not head.startswith("%%etl"):
        word = ([*head[2:].split(), ""])[0]
        if word not in PYTHON_CELLS | _FOREIGN_CELLS or re.search(r"<<|\s--?(?:out|o)\b", head):
            return True
    return _OPENING.search(source) is not None


def names_of_functions(tree: ast.Module) -> frozenset[str]:
    """Return the variables of the functions and classes in a cell, which magics there can use."""
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
        # Warnings about escapes in the user's strings are not the business of preflight.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(code)
            # In a notebook, await is allowed outside functions.
            compile(code, "<cell>", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            return tree
        except (ValueError, RecursionError, MemoryError) as problem:
            raise SyntaxError(str(problem) or "the cell is too deeply nested") from problem


def _python_of(source: str) -> str:
    head, _, body = source.lstrip().partition("\n")
    if head.startswith("%%"):
        if not contains_python(head):
            return ""
        kept = _CAPTURE.match(head[2:])
        above = "\n" * source[: len(source) - len(source.lstrip())].count("\n")
        source = f"{above}{kept['name']} = None\n{body}" if kept else f"{above}\n{body}"
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
