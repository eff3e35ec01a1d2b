"""The names that a notebook's cells define and use, in execution order."""

# A visit_ method is named after the node that it visits.
# ruff: noqa: D102

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

_KNOWN = frozenset(dir(builtins)) | frozenset(
    [
        "get_ipython", "display", "In", "Out", "exit", "quit", "_", "__", "___", "_i", "_ii",
        "_iii", "_ih", "_oh", "_dh", "__class__", "__builtins__", "__annotations__", "__session__",
    ]
)  # fmt: skip
_HISTORY = re.compile(r"_i?\d+")
_DYNAMIC = frozenset({"exec", "globals", "locals", "vars", "run_line_magic", "run_cell_magic"})
_SWALLOWS = frozenset({"NameError", "Exception", "BaseException"})

_Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_EVALUATED: Mapping[type[ast.AST], tuple[str, ...]] = {
    ast.Assign: ("value", "targets"),
    ast.AnnAssign: ("annotation", "value", "target"),
    ast.AugAssign: ("value", "target"),
    ast.NamedExpr: ("value", "target"),
    ast.For: ("iter", "target", "body", "orelse"),
    ast.AsyncFor: ("iter", "target", "body", "orelse"),
    ast.comprehension: ("iter", "target", "ifs"),
    ast.DictComp: ("generators", "key", "value"),
    **dict.fromkeys((ast.ListComp, ast.SetComp, ast.GeneratorExp), ("generators", "elt")),
}
"""Fields of nodes whose evaluation order differs from their order in the tree."""


@dataclass(kw_only=True)
class NameReader(ast.NodeVisitor):
    """Reads cells in order and finds names that are undefined where they are used.

    It prefers to miss a problem over reporting a false one: a name that a branch may define counts
    as defined, and no name is reported after ``import *``, ``exec`` or ``%run`` may have defined
    it.

    Args:
        certain: Returns whether an expression is evaluated in every run.
        defined: Index of the first cell that defines a name.
        missing: Index of the first cell that uses a name before any cell has defined it.
        doubtful: The same for uses that may never be evaluated.
        deferred: Index of the first cell with a function whose body uses a name, which may be
            defined later, and whether the use is certainly evaluated.
        opened: Whether unknown names may have been defined.
    """

    certain: Callable[[ast.AST], bool] = lambda _: True
    defined: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    doubtful: dict[str, int] = field(default_factory=dict)
    deferred: dict[str, tuple[int, bool]] = field(default_factory=dict)
    opened: bool = False
    _cell: int = 0
    _quiet: int = 0
    _scopes: list[set[str]] = field(default_factory=list)

    def read(self, cell: int, tree: ast.Module) -> None:
        """Read the next cell."""
        self._cell = cell
        self.visit(tree)

    def define(self, name: str, cell: int) -> None:
        """Record that a cell defines a name."""
        self.defined.setdefault(name, cell)

    def use(self, name: str, cell: int, *, certain: bool = True) -> None:
        """Record that a cell uses a name, certainly or possibly."""
        if self.opened or self._quiet or _is_known(name) or name in self.defined:
            return
        if not any(name in scope for scope in self._scopes):
            (self.missing if certain else self.doubtful).setdefault(name, cell)

    def undefined(self, *, certain: bool = True) -> dict[str, int]:
        """Return the names that are missing when their cell runs, with its index.

        Args:
            certain: True for names that are missing in every run; False for those that are
                missing only if their code is evaluated.
        """
        never = {
            name: cell
            for name, (cell, surely) in self.deferred.items()
            if surely == certain
            and name not in self.defined
            and not _is_known(name)
            and not self.opened
        }
        if certain:
            return {**never, **self.missing}
        sure = self.undefined()
        return {k: c for k, c in {**never, **self.doubtful}.items() if k not in sure}

    def _bind(self, name: str) -> None:
        if self._scopes:
            self._scopes[-1].add(name)
        else:
            self.define(name, self._cell)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Store):
            self._bind(node.id)
        elif isinstance(node.ctx, ast.Load):
            self.use(node.id, self._cell, certain=self.certain(node))

    def visit_Call(self, node: ast.Call) -> None:
        self.generic_visit(node)
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name):
            name = node.func.id
        self.opened = self.opened or name in _DYNAMIC

    def generic_visit(self, node: ast.AST) -> None:
        """Visit the children of a node in evaluation order."""
        for name in _EVALUATED.get(type(node), node._fields):
            held = getattr(node, name, None)
            self._visit_all(held if isinstance(held, list) else [held])

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        if isinstance(node.target, ast.Name):
            self.use(node.target.id, self._cell, certain=self.certain(node))
        self.generic_visit(node)

    def visit_Try(self, node: ast.Try) -> None:
        caught = any(_swallows(handler) for handler in node.handlers)
        self._quiet += caught
        self._visit_all(node.body)
        self._quiet -= caught
        self._visit_all([*node.handlers, *node.orelse, *node.finalbody])

    def visit_ExceptHandler(self, node: ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> None:
        if node.name:
            self._bind(node.name)
        self.generic_visit(node)

    visit_MatchAs = visit_MatchStar = visit_ExceptHandler  # noqa: N815

    def visit_MatchMapping(self, node: ast.MatchMapping) -> None:
        if node.rest:
            self._bind(node.rest)
        self.generic_visit(node)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            self.opened = self.opened or alias.name == "*"
            self._bind(alias.asname or alias.name.partition(".")[0])

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        self._visit_all([*node.decorator_list, *_defaults(node.args)])
        self._bind(node.name)
        self._defer(node)

    visit_AsyncFunctionDef = visit_FunctionDef  # noqa: N815

    def visit_Lambda(self, node: ast.Lambda) -> None:
        self._visit_all(_defaults(node.args))
        self._defer(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_all([*node.decorator_list, *node.bases, *node.keywords])
        self._scopes.append(set())
        self._visit_all(node.body)
        self._scopes.pop()
        self._bind(node.name)

    def visit_ListComp(self, node: _Comprehension) -> None:
        self._scopes.append(set())
        self.generic_visit(node)
        self._scopes.pop()

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp  # noqa: N815

    def _visit_all(self, nodes: Iterable[object]) -> None:
        for node in nodes:
            if isinstance(node, ast.AST):
                self.visit(node)

    def _defer(self, node: _Function) -> None:
        """Record the names that a function's body uses; they are looked up when it is called."""
        own = _bound_in(node)
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                for name in inner.names:
                    self.define(name, self._cell)
            elif isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Load):
                hidden = inner.id in own or any(inner.id in scope for scope in self._scopes)
                if not hidden and not self._quiet and not _catches_inside(node):
                    self._postpone(inner)

    def _postpone(self, use: ast.Name) -> None:
        known = self.deferred.get(use.id)
        if known is None or (self.certain(use) and not known[1]):
            self.deferred[use.id] = (self._cell, self.certain(use))


def _is_known(name: str) -> bool:
    return name in _KNOWN or name == "__name__" or _HISTORY.fullmatch(name) is not None


def _defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(one for one in arguments.kw_defaults if one is not None)]


def _swallows(handler: ast.ExceptHandler) -> bool:
    if handler.type is None:
        return True
    return any(
        isinstance(node, ast.Name) and node.id in _SWALLOWS for node in ast.walk(handler.type)
    )


def _catches_inside(node: ast.AST) -> bool:
    return any(
        isinstance(inner, ast.ExceptHandler) and _swallows(inner) for inner in ast.walk(node)
    )


def _bound_in(node: ast.AST) -> set[str]:
    """Return every name that is bound in a node, including inner scopes."""
    bound: set[str] = set()
    for inner in ast.walk(node):
        match inner:
            case ast.Name(id=name, ctx=ast.Store()) | ast.arg(arg=name):
                bound.add(name)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                bound.add(name)
            case ast.ClassDef(name=name):
                bound.add(name)
            case ast.alias(name=name, asname=alias):
                bound.add(alias or name.partition(".")[0])
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                bound.add(name)
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                bound.add(name)
            case _:
                bound.update(_type_parameter(inner))
    return bound


def _type_parameter(node: ast.AST) -> set[str]:
    # These classes exist in Python 3.12 and later.
    if type(node).__name__ in ("TypeVar", "ParamSpec", "TypeVarTuple"):
        return {str(getattr(node, "name", ""))}
    return set()
