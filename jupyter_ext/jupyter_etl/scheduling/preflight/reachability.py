"""The code of a notebook that is evaluated in every run, whatever the data."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = _Function | ast.Lambda | ast.ClassDef
_Comprehension = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp
_SWALLOW = ("suppress", "raises", "ignore", "skip", "catch")


class Reachability:
    """Reads cells in order and collects the code that is certainly evaluated.

    When in doubt, code counts as uncertain: the body of a branch, of a loop that may be empty, of a
    ``try`` with handlers, of a lambda or of a function that is not certainly called; and all code
    after a possible end of the run.
    """

    def __init__(self) -> None:
        self._certain: set[int] = set()
        self._lines: dict[int, set[int]] = {}
        self._started: set[int] = set()
        self._functions: dict[str, _Function] = {}
        self._classes: set[str] = set()
        self._entered: set[str] = set()
        self._ended = False

    def read(self, cell: int, tree: ast.Module, *, may_fail: bool = False) -> None:
        """Analyse the next cell.

        Args:
            cell: Its index.
            tree: Its code. Nodes are remembered by identity, so the tree must stay alive.
            may_fail: Whether the run continues if the cell fails.
        """
        lines = self._lines.setdefault(cell, set())
        before = set(self._certain)
        if not self._ended and not may_fail:
            self._started.add(cell)
            self._ended = not self._block(tree.body)
        self._ended = self._ended or any(_ends_run(node) for node in _inside(tree))
        lines.update(
            node.lineno
            for node in ast.walk(tree)
            if isinstance(node, ast.stmt) and id(node) in self._certain - before
        )

    def has(self, node: ast.AST) -> bool:
        """Return whether a statement or expression is certainly evaluated."""
        return id(node) in self._certain

    def starts(self, cell: int) -> bool:
        """Return whether a cell is certainly executed and ends the run if it fails."""
        return cell in self._started

    def has_line(self, cell: int, line: int) -> bool:
        """Return whether the statement on a line, counted from 1, is certainly executed."""
        return line in self._lines.get(cell, ())

    def _block(self, body: Iterable[ast.stmt]) -> bool:
        """Mark statements; return False if the code after them is uncertain."""
        return all(self._statement(statement) for statement in body)

    def _statement(self, node: ast.stmt) -> bool:
        self._certain.add(id(node))
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                self._all([*node.decorator_list, *node.args.defaults, *node.args.kw_defaults])
                self._functions[node.name] = node
                return True
            case ast.ClassDef():
                self._all([*node.decorator_list, *node.bases, *(k.value for k in node.keywords)])
                self._classes.add(node.name)
                return self._block(node.body)
            case ast.Return() | ast.Raise() | ast.Break() | ast.Continue():
                self._children(node)
                return False
            case ast.Assert():
                self._expression(node.test)
                return True
            case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.Match():
                return self._branching(node)
            case ast.Try() | ast.TryStar():
                return self._try(node)
            case ast.With() | ast.AsyncWith():
                return self._with(node)
        return self._simple(node)

    def _simple(self, node: ast.stmt) -> bool:
        self._children(node)
        for child in ast.walk(node):
            if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
                self._functions.pop(child.id, None)
        return not (_ends_run(node) or self._calls_an_end(node))

    def _branching(self, node: ast.If | ast.For | ast.AsyncFor | ast.While | ast.Match) -> bool:
        match node:
            case ast.If():
                return self._branches(node)
            case ast.For() | ast.AsyncFor():
                self._all([node.iter, node.target])
                if _has_items(node.iter):
                    self._block(node.body)
            case ast.While():
                self._expression(node.test)
                if _truth(node.test):
                    self._block(node.body)
            case ast.Match():
                self._expression(node.subject)
        return not _leaves(node)

    def _with(self, node: ast.With | ast.AsyncWith) -> bool:
        self._all([part for i in node.items for part in (i.context_expr, i.optional_vars)])
        if any(self._may_swallow(item.context_expr) for item in node.items):
            return not _leaves(node)
        return self._block(node.body)

    def _may_swallow(self, manager: ast.expr) -> bool:
        """Return whether a context manager may suppress exceptions."""
        written = ast.unparse(manager).partition("(")[0]
        own = written in self._functions or written in self._classes
        return own or any(word in written.lower() for word in _SWALLOW)

    def _branches(self, node: ast.If) -> bool:
        self._expression(node.test)
        truth = _truth(node.test)
        if truth is None:
            return not _leaves(node)
        return self._block(node.body if truth else node.orelse)

    def _try(self, node: ast.Try | ast.TryStar) -> bool:
        if node.handlers:
            self._block(node.finalbody)
            return not _leaves(node)
        goes_on = self._block(node.body) and self._block(node.orelse)
        return self._block(node.finalbody) and goes_on

    def _children(self, node: ast.AST) -> None:
        self._all(ast.iter_child_nodes(node))

    def _all(self, nodes: Iterable[ast.AST | None]) -> None:
        for node in nodes:
            if node is not None:
                self._expression(node)

    def _expression(self, node: ast.AST) -> None:
        self._certain.add(id(node))
        match node:
            case ast.Lambda():
                self._all([*node.args.defaults, *node.args.kw_defaults])
            case ast.BoolOp():
                self._expression(node.values[0])
            case ast.IfExp():
                self._expression(node.test)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                self._comprehension(node)
            case ast.Await(value=ast.Call(func=ast.Name(id=name)) as call):
                self._children(call)
                self._enter(name, awaited=True)
            case ast.Call(func=ast.Name(id=name)):
                self._children(node)
                self._enter(name, awaited=False)
            case _:
                self._children(node)

    def _comprehension(self, node: _Comprehension) -> None:
        first = node.generators[0]
        self._expression(first.iter)
        lazy = isinstance(node, ast.GeneratorExp) or len(node.generators) > 1 or first.ifs
        if not lazy and _has_items(first.iter):
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            self._all(parts)

    def _enter(self, name: str, *, awaited: bool) -> None:
        """Mark the body of a called function."""
        function = self._functions.get(name)
        if function is None or name in self._entered or function.decorator_list:
            return
        is_generator = any(isinstance(n, ast.Yield | ast.YieldFrom) for n in _inside(function))
        if is_generator or isinstance(function, ast.AsyncFunctionDef) != awaited:
            return
        self._entered.add(name)
        self._block(function.body)

    def _calls_an_end(self, node: ast.AST) -> bool:
        """Return whether a statement calls a function of the notebook that may end the run."""
        called = (
            self._functions.get(call.func.id)
            for call in ast.walk(node)
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)
        )
        return any(
            _ends_run(inner) for function in called if function for inner in _inside(function)
        )


def _truth(test: ast.expr) -> bool | None:
    """Return the constant value of a condition; None if it is not known."""
    match test:
        case ast.Constant(value=value):
            return bool(value)
        case ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"):
            return False
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            inner = _truth(operand)
            return None if inner is None else not inner
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            sides = {ast.unparse(left), ast.unparse(right)}
            return True if sides == {"__name__", "'__main__'"} else None
    return None


def _has_items(iterable: ast.expr) -> bool:
    """Return whether the body of a loop over this iterable is certainly entered."""
    match iterable:
        case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
            return any(not isinstance(item, ast.Starred) for item in items)
        case ast.Constant(value=str() | bytes() as text):
            return bool(text)
        case ast.Dict(keys=keys):
            return bool(keys)
        case ast.Call(func=ast.Name(id="range"), args=[ast.Constant(value=int() as count)]):
            return count > 0
        case ast.Call(func=ast.Name(id="enumerate" | "list" | "sorted"), args=[inner, *_]):
            return _has_items(inner)
    return False


def _inside(function: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a module or function, without those of inner scopes."""
    for child in ast.iter_child_nodes(function):
        if not isinstance(child, _Scope):
            yield child
            yield from _inside(child)


def _ends_run(node: ast.AST) -> bool:
    match node:
        case ast.Raise(exc=ast.Name(id="SystemExit") | ast.Call(func=ast.Name(id="SystemExit"))):
            return True
        case ast.Expr(value=value):
            return _ends_run(value)
        case ast.Call(func=ast.Name(id="exit" | "quit")):
            return True
        case ast.Call(func=ast.Attribute(value=ast.Name(id="sys" | "os"), attr="exit" | "_exit")):
            return True
    return False


def _leaves(node: ast.AST, *, in_loop: bool = False) -> bool:
    """Return whether a statement may leave its block other than by an exception."""
    if isinstance(node, ast.Return) or _ends_run(node):
        return True
    if isinstance(node, ast.Break | ast.Continue):
        return not in_loop
    loop = in_loop or isinstance(node, ast.For | ast.AsyncFor | ast.While)
    return any(
        _leaves(child, in_loop=loop)
        for child in ast.iter_child_nodes(node)
        if not isinstance(child, _Scope)
    )
