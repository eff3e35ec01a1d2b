"""The variables visible to a call of `%etl` or of ``jupyter_etl``: those of its caller."""

from __future__ import annotations

import inspect
import sys
from collections import ChainMap
from collections.abc import Collection, Iterator, Mapping, MutableMapping
from types import CodeType, FrameType, FunctionType
from typing import cast

from jupyter_etl.errors import DeclarationError

_OURS = frozenset({"jupyter_etl", "jupyter_etl_magics", "IPython", "ipykernel", "decorator"})
"""Packages between the calling code and the called function."""


class CallerNames(Mapping[str, object]):
    """Names as Python resolves them at the place of a call or of `%etl`.

    The order is: variables of the function, of the enclosing functions, of its module, and of the
    notebook.

    Args:
        inner: Variables of the function and of the enclosing ones.
        outer: Variables of the module and of the notebook.
        unset: Variables of the function, or of an enclosing one, without a value. They hide
            outer variables of the same name.
        beyond: Variables of an enclosing function that has returned, by name: why they have no
            value.
    """

    def __init__(
        self,
        inner: Mapping[str, object],
        outer: Mapping[str, object],
        *,
        unset: Collection[str] = (),
        beyond: Mapping[str, str] | None = None,
    ) -> None:
        self._inner = inner
        self._outer = outer
        self._unset = frozenset(unset)
        self._beyond = beyond or {}

    def __getitem__(self, name: str) -> object:
        """Return a variable.

        Raises:
            KeyError: There is none.
            DeclarationError: It belongs to an enclosing function that has returned.
        """
        if name in self._inner:
            return self._inner[name]
        if name in self._beyond:
            raise DeclarationError(
                self._beyond[name],
                hint="Use it in the function, pass it as an argument, or set parameters={...}.",
            )
        if name in self._unset:
            raise KeyError(name)
        return self._outer[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names that have a value."""
        yield from self._inner
        shadowed = {*self._inner, *self._beyond, *self._unset}
        yield from (name for name in self._outer if name not in shadowed)

    def __len__(self) -> int:
        """Count the names that have a value."""
        return sum(1 for _ in self)

    def of_function(self, name: str) -> bool:
        """Return whether a name is a variable of a function, not of a module."""
        return name in self._inner or name in self._unset or name in self._beyond


def caller_names(notebook: Mapping[str, object]) -> CallerNames:
    """Return the variables that are visible to the code that called this package."""
    frame = _caller(sys._getframe(1))
    if frame is None:
        return CallerNames({}, notebook)
    inner: dict[str, object] = {}
    unset: set[str] = set()
    beyond: dict[str, str] = {}
    if frame.f_code.co_name != "<module>":
        _take(frame, inner, unset)
        for around in _around(frame):
            if isinstance(around, FrameType):
                _take(around, inner, unset)
                continue
            for name in _variables(around) - inner.keys() - unset:
                beyond.setdefault(
                    name,
                    f"'{name}' is a variable of the function {around.co_name} that is not "
                    f"available here, because {_called(frame.f_code)} does not use it.",
                )
    return CallerNames(inner, _module_names(frame, notebook), unset=unset, beyond=beyond)


def in_turn(*names: Mapping[str, object]) -> Mapping[str, object]:
    """Join mappings; the first one with a name provides its value."""
    return ChainMap(*cast("list[MutableMapping[str, object]]", list(names)))


def _caller(frame: FrameType | None) -> FrameType | None:
    """Return the innermost frame outside this package, IPython, and Python itself."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", "__main__"))
        package = module.partition(".")[0]
        if package == "__main__" or package not in _OURS | sys.stdlib_module_names:
            return frame
        frame = frame.f_back
    return None


def _module_names(frame: FrameType, notebook: Mapping[str, object]) -> Mapping[str, object]:
    found = [frame.f_globals, notebook]
    if frame.f_code.co_name == "<module>":
        # Code passed to exec may have variables of its own.
        found.insert(0, frame.f_locals)
    return in_turn(*found)


def _take(frame: FrameType, inner: dict[str, object], unset: set[str]) -> None:
    """Add the variables of a running function, unless an inner function has them."""
    for name, value in frame.f_locals.items():
        if name not in unset:
            inner.setdefault(name, value)
    unset |= _variables(frame.f_code) - inner.keys()


def _variables(code: CodeType) -> frozenset[str]:
    return frozenset({*code.co_varnames, *code.co_cellvars, *code.co_freevars})


def _called(code: CodeType) -> str:
    return "this expression" if code.co_name.startswith("<") else f"{code.co_name}()"


def _around(frame: FrameType) -> Iterator[FrameType | CodeType]:
    """Yield the frames of enclosing functions; the code objects of those that have returned."""
    code = frame.f_code
    while "<locals>" in code.co_qualname:
        running = [one for one in _stack(frame) if _holds(one.f_code, code)]
        if running and (running[0] is frame.f_back or len(running) == 1):
            frame = running[0]
            yield frame
            code = frame.f_code
            continue
        found = running[0].f_code if running else _function_around(frame, code)
        if found is None:
            return
        yield found
        code = found


def _stack(frame: FrameType) -> Iterator[FrameType]:
    above = frame.f_back
    while above is not None:
        yield above
        above = above.f_back


def _holds(outer: CodeType, code: CodeType) -> bool:
    """Return whether a function is defined in another one, possibly in a local class."""
    if not outer.co_flags & inspect.CO_OPTIMIZED:
        return False
    return any(_is_or_has(const, code) for const in outer.co_consts)


def _is_or_has(const: object, code: CodeType) -> bool:
    if const is code:
        return True
    if not isinstance(const, CodeType) or const.co_flags & inspect.CO_OPTIMIZED:
        return False
    # The body of a class is not an enclosing scope of its functions.
    return any(_is_or_has(one, code) for one in const.co_consts)


def _function_around(frame: FrameType, code: CodeType) -> CodeType | None:
    """Find an enclosing function that has returned, by its name in the module."""
    outermost = code.co_qualname.split(".<locals>")[0].split(".")
    found: object = frame.f_globals.get(outermost[0])
    for name in outermost[1:]:
        found = getattr(found, name, None)
    if found is None or not callable(found):
        return None
    function = inspect.unwrap(found)
    return _code_around(function.__code__, code) if isinstance(function, FunctionType) else None


def _code_around(outer: CodeType, code: CodeType) -> CodeType | None:
    if _holds(outer, code):
        return outer
    inside = (one for one in outer.co_consts if isinstance(one, CodeType))
    return next(filter(None, (_code_around(one, code) for one in inside)), None)
