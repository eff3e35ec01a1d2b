"""Strings and paths that a notebook's code builds from literals only."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Iterable

_PATHS = frozenset({"pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath", "str", "os.fspath"})
_SAME = frozenset({"resolve", "absolute", "expanduser", "as_posix"})


class Literals:
    """The statically known values of names.

    Args:
        dynamic: Names whose value may differ in a run, such as parameters.
    """

    def __init__(self, dynamic: Iterable[str] = ()) -> None:
        self._dynamic = frozenset(dynamic)
        self._texts: dict[str, str | None] = {}
        self._modules: dict[str, str] = {}

    def read_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Record the names that an import binds."""
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self._modules[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
            elif alias.asname:
                self._modules[alias.asname] = alias.name
            else:
                root = alias.name.partition(".")[0]
                self._modules[root] = root

    def assign(self, node: ast.Assign | ast.AnnAssign, *, certain: bool) -> None:
        """Record the values that an assignment binds to names."""
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        text = self.text(node.value) if certain and node.value is not None else None
        for target in targets:
            for inner in ast.walk(target):
                if isinstance(inner, ast.Name):
                    whole = inner is target
                    self._texts[inner.id] = text if whole else None

    def forget(self, name: str) -> None:
        """Mark the value of a name as unknown."""
        self._texts[name] = None

    def full_name(self, function: ast.expr) -> str:
        """Return the dotted name of a function, with its module if the import is known; else ""."""
        parts: list[str] = []
        while isinstance(function, ast.Attribute):
            parts.insert(0, function.attr)
            function = function.value
        if not isinstance(function, ast.Name):
            return ""
        return ".".join([self._modules.get(function.id, function.id), *parts])

    def is_imported(self, function: ast.expr) -> bool:
        """Return whether a function belongs to an imported module or is imported itself."""
        while isinstance(function, ast.Attribute):
            function = function.value
        return isinstance(function, ast.Name) and function.id in self._modules

    def text(self, node: ast.expr | None) -> str | None:
        """Return the string or path of an expression; None if it is not known."""
        match node:
            case ast.Constant(value=str(value)):
                return value
            case ast.Name(id=name):
                return None if name in self._dynamic else self._texts.get(name)
            case ast.JoinedStr(values=values):
                return _joined([self.text(value) for value in values])
            case ast.FormattedValue(value=value, conversion=-1, format_spec=None):
                return self.text(value)
            case ast.BinOp(left=left, op=ast.Add(), right=right):
                return _joined([self.text(left), self.text(right)])
            case ast.BinOp(left=left, op=ast.Div(), right=right):
                return _path([self.text(left), self.text(right)])
            case ast.Call():
                return self._call(node)
        return None

    def _call(self, node: ast.Call) -> str | None:
        name = self.full_name(node.func)
        inner = [self.text(argument) for argument in node.args]
        if name in _PATHS and not node.keywords:
            return _path(inner) if inner else "."
        if name == "os.path.join":
            return _path(inner)
        if name == "pathlib.Path.cwd":
            return "."
        if isinstance(node.func, ast.Attribute):
            owner = self.text(node.func.value)
            if node.func.attr == "joinpath":
                return _path([owner, *inner])
            if node.func.attr in _SAME and self._is_path(node.func.value):
                return owner
        return None

    def _is_path(self, node: ast.expr) -> bool:
        match node:
            case ast.Call(func=function):
                return self.full_name(function) in _PATHS or isinstance(function, ast.Attribute)
            case ast.Name() | ast.BinOp(op=ast.Div()):
                return True
        return False


def _joined(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return "".join(known) if len(known) == len(parts) else None


def _path(parts: list[str | None]) -> str | None:
    known = [part for part in parts if part is not None]
    return posixpath.join(*known) if known and len(known) == len(parts) else None
