"""Static evaluation of paths in Python code."""

from __future__ import annotations

import ast
import os
from posixpath import dirname, join, normpath

_SAME = frozenset({"str", "Path", "PurePath", "PosixPath", "fspath", "expanduser", "as_posix"})
_ABSOLUTE = frozenset({"abspath", "realpath", "resolve", "absolute"})
_JOINED = frozenset({"join", "joinpath", "Path", "PurePath"})
_CONSTANTS = {"pardir": os.pardir, "curdir": os.curdir, "sep": os.sep}
_DEEPEST = 20


class PathReader:
    """Evaluates expressions that compute paths.

    Args:
        cwd: The working directory in a run: the notebook's folder.
        file: The value of ``__file__``; "" in a notebook.
    """

    def __init__(self, cwd: str, file: str = "") -> None:
        self._cwd = cwd
        self._file = file
        self._assigned: dict[str, ast.expr] = {}

    def learn(self, tree: ast.AST) -> None:
        """Record the values that are assigned to names."""
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        self._assigned[target.id] = node.value

    def folders_added(self, tree: ast.AST) -> list[str]:
        """Return the folders that code adds to ``sys.path``, absolute, in order."""
        found: list[str] = []
        for node in ast.walk(tree):
            for expression in _added_to_path(node):
                path = self.path(expression)
                if path is not None:
                    found.append(normpath(join(self._cwd, path)))
        return found

    def path(self, node: ast.expr, depth: int = 0) -> str | None:
        """Return the path that an expression evaluates to; None if it is not known."""
        if depth > _DEEPEST:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, str) else None
        if isinstance(node, ast.Name):
            return self._named(node.id, depth)
        if isinstance(node, ast.Attribute):
            if node.attr == "parent":
                return _dirname(self.path(node.value, depth + 1))
            return _CONSTANTS.get(node.attr)
        if isinstance(node, ast.Subscript):
            return self._ancestor(node, depth)
        if isinstance(node, ast.BinOp):
            return self._combined(node, depth)
        if isinstance(node, ast.JoinedStr):
            values = [v.value if isinstance(v, ast.FormattedValue) else v for v in node.values]
            parts = [self.path(value, depth + 1) for value in values]
            return None if None in parts else "".join(part for part in parts if part)
        return self._called(node, depth) if isinstance(node, ast.Call) else None

    def _named(self, name: str, depth: int) -> str | None:
        if name == "__file__":
            return self._file or None
        value = self._assigned.get(name)
        return None if value is None else self.path(value, depth + 1)

    def _ancestor(self, node: ast.Subscript, depth: int) -> str | None:
        """Evaluate ``path.parents[n]``."""
        value, index = node.value, node.slice
        if not (isinstance(value, ast.Attribute) and value.attr == "parents"):
            return None
        if not (isinstance(index, ast.Constant) and isinstance(index.value, int)):
            return None
        path = self.path(value.value, depth + 1)
        for _ in range(min(max(index.value, 0), _DEEPEST) + 1):
            path = _dirname(path)
        return path

    def _combined(self, node: ast.BinOp, depth: int) -> str | None:
        left, right = self.path(node.left, depth + 1), self.path(node.right, depth + 1)
        if left is None or right is None:
            return None
        if isinstance(node.op, ast.Div):
            return join(left, right)
        return left + right if isinstance(node.op, ast.Add) else None

    def _called(self, node: ast.Call, depth: int) -> str | None:
        function = node.func
        name = function.attr if isinstance(function, ast.Attribute) else _name(function)
        if name in {"cwd", "getcwd"}:
            return self._cwd
        values = list(node.args)
        # A method of a path, not a function of os.path: the path is its first argument.
        owner = (
            self.path(function.value, depth + 1) if isinstance(function, ast.Attribute) else None
        )
        parts = [self.path(value, depth + 1) for value in values]
        if owner is not None:
            parts.insert(0, owner)
        known = [part for part in parts if part is not None]
        if not known or len(known) < len(parts):
            return None
        if name in _ABSOLUTE:
            return normpath(join(self._cwd, known[0]))
        if name == "dirname":
            return dirname(known[0])
        if name == "normpath":
            return normpath(known[0])
        if name in _JOINED:
            return join(*known)
        return known[0] if name in _SAME else None


def _dirname(path: str | None) -> str | None:
    return None if path is None else dirname(path) or os.curdir


def _name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


def _added_to_path(node: ast.AST) -> list[ast.expr]:
    """Return the expressions that a statement adds to ``sys.path``."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        function = ast.unparse(node.func)
        if function in {"sys.path.append", "site.addsitedir"}:
            return node.args[:1]
        if function == "sys.path.insert":
            return node.args[1:2]
        return _listed(node.args[0]) if function == "sys.path.extend" and node.args else []
    if isinstance(node, ast.AugAssign) and _is_path(node.target):
        return _listed(node.value)
    if isinstance(node, ast.Assign) and any(map(_is_path, node.targets)):
        lists = (one for one in ast.walk(node.value) if isinstance(one, ast.List))
        return [element for one in lists for element in one.elts]
    return []


def _is_path(node: ast.expr) -> bool:
    bare = node.value if isinstance(node, ast.Subscript) else node
    return isinstance(bare, ast.Attribute) and ast.unparse(bare) == "sys.path"


def _listed(node: ast.expr) -> list[ast.expr]:
    return list(node.elts) if isinstance(node, ast.List | ast.Tuple) else []
