"""What a function refers to: variables, closures, defaults, helper functions and modules."""

from __future__ import annotations

import dis
import importlib
import types
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_etl.errors import DeclarationError
from jupyter_etl.serving.functions.local_modules import LruCache, is_by_value

_ATOMS = (type(None), bool, int, float)


@dataclass(frozen=True, kw_only=True)
class Reference:
    """A value that is captured.

    Args:
        name: As written: ``model``, or ``helpers.model`` for a variable of a module.
        kind: ``function``, ``class``, ``module``, ``default``, or ``variable``.
        value: The object.
    """

    name: str
    kind: str
    value: Any

    @property
    def label(self) -> str:
        """The subject of a sentence about it."""
        nouns = {"default": "default of the parameter"}
        return f"The {nouns.get(self.kind, self.kind)} {self.name!r}"


class References:
    """Lists what a function refers to, each value after those it refers to itself.

    Args:
        local: Names of the modules that are captured by value.
    """

    def __init__(self, local: frozenset[str]) -> None:
        self._local = local
        self._seen: set[int] = set()
        self.found: list[Reference] = []
        self.imports: set[str] = set()
        """Names of modules that the bodies of captured functions import."""
        self.texts: set[str] = set()
        """Texts in the bodies of captured functions."""
        self.names: set[str] = set()
        """Names of globals and attributes in them."""

    def add_function(self, function: types.FunctionType) -> None:
        """Add a function and everything it refers to."""
        self._visit(function.__name__, function)

    def add_class(self, cls: type) -> None:
        """Add a class and everything that its methods refer to."""
        self._visit(cls.__name__, cls)

    def add_module(self, module: types.ModuleType) -> None:
        """Add a module and everything it refers to."""
        self._visit(module.__name__, module)

    def _visit(self, name: str, value: Any, kind: str = "variable") -> None:
        if id(value) in self._seen:
            return
        self._seen.add(id(value))
        if isinstance(value, types.ModuleType):
            if value.__name__ not in self._local:
                return
            kind = "module"
            self._module(value)
        elif isinstance(value, types.FunctionType):
            if is_by_value(value, self._local):
                kind = "function"
                self._function(value)
        elif isinstance(value, type):
            if is_by_value(value, self._local):
                kind = "class"
                self._class(value)
        elif isinstance(value, LruCache):
            self._visit(name, value.__wrapped__)
        elif is_by_value(type(value), self._local):
            self._visit(type(value).__name__, type(value))
        if kind != "variable" or not isinstance(value, types.FunctionType | type):
            self.found.append(Reference(name=name, kind=kind, value=value))

    def _globals(self, function: types.FunctionType) -> None:
        prefix = f"{function.__module__}." if function.__module__ in self._local else ""
        for name in global_names(function.__code__):
            if name in function.__globals__:
                self._visit(f"{prefix}{name}", function.__globals__[name])
        self.imports.update(_imports(function.__code__))
        for code in _codes(function.__code__):
            self.texts.update(one for one in code.co_consts if isinstance(one, str))
            self.names.update(code.co_names)

    def _function(self, function: types.FunctionType) -> None:
        self._globals(function)
        for name, cell in zip(
            function.__code__.co_freevars, function.__closure__ or (), strict=True
        ):
            try:
                self._visit(name, cell.cell_contents)
            except ValueError:  # not assigned yet
                continue
        for name, value in defaults_of(function):
            if type(value) not in _ATOMS:
                self._visit(name, value, "default")
        wrapped = vars(function).get("__wrapped__")
        if wrapped is not None:
            self._visit(function.__name__, wrapped)

    def _class(self, cls: type) -> None:
        for base in cls.__bases__:
            self._visit(base.__name__, base)
        for value in list(vars(cls).values()):
            inside = getattr(value, "__func__", value)  # of a classmethod or staticmethod
            functions = (
                [value.fget, value.fset, value.fdel] if isinstance(value, property) else [inside]
            )
            for one in functions:
                if isinstance(one, types.FunctionType) and id(one) not in self._seen:
                    # The methods themselves are part of their class.
                    self._seen.add(id(one))
                    self._globals(one)

    def _module(self, module: types.ModuleType) -> None:
        for name, value in list(vars(module).items()):
            if not (name.startswith("__") and name.endswith("__")):
                self._visit(f"{module.__name__}.{name}", value)


def defaults_of(function: types.FunctionType) -> Iterator[tuple[str, Any]]:
    """Yield the defaults of a function's parameters by name."""
    code = function.__code__
    positional = code.co_varnames[: code.co_argcount]
    defaults = function.__defaults__ or ()
    yield from zip(positional[len(positional) - len(defaults) :], defaults, strict=True)
    yield from (function.__kwdefaults__ or {}).items()


def global_names(code: types.CodeType) -> list[str]:
    """Return the global names that a code object uses, with its nested functions, in order."""
    names = {
        one.argval: None
        for each in _codes(code)
        for one in dis.get_instructions(each)
        if one.opname in ("LOAD_GLOBAL", "STORE_GLOBAL", "DELETE_GLOBAL")
    }
    return list(names)


def _imports(code: types.CodeType) -> set[str]:
    return {
        str(one.argval)
        for each in _codes(code)
        for one in dis.get_instructions(each)
        if one.opname == "IMPORT_NAME" and one.argval
    }


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    yield code
    for one in code.co_consts:
        if isinstance(one, types.CodeType):
            yield from _codes(one)


def import_from(folders: Iterable[Path], names: Collection[str], loaded: Collection[str]) -> bool:
    """Import modules that lie in some folders and are not imported yet.

    Args:
        names: Full names; those that lie elsewhere are left alone.
        loaded: Names of imported modules.

    Returns:
        Whether there were any.

    Raises:
        DeclarationError: One cannot be imported.
    """
    pending = [
        name
        for name in sorted(names)
        if name not in loaded
        and any(_lies_in(folder, name.partition(".")[0]) for folder in folders)
    ]
    for name in pending:
        try:
            importlib.import_module(name)
        except Exception as problem:
            raise DeclarationError(
                f"The module {name!r} beside the notebook cannot be imported: {problem}."
            ) from problem
    return bool(pending)


def _lies_in(folder: Path, top: str) -> bool:
    return (folder / f"{top}.py").is_file() or (folder / top / "__init__.py").is_file()
