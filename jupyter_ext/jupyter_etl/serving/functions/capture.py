"""Captures a function by value, with everything it refers to, as the bytes that a worker loads."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_etl.errors import DeclarationError, EtlError, LimitExceeded
from jupyter_etl.language.sizes import rounded_size
from jupyter_etl.serving.functions.code_hash import code_hash
from jupyter_etl.serving.functions.environment import environment_of, missing_modules
from jupyter_etl.serving.functions.local_modules import (
    is_by_value,
    local_modules,
    pickled_by_value,
)
from jupyter_etl.serving.functions.payload import NotCaptured, PayloadWriter
from jupyter_etl.serving.functions.references import Reference, References, import_from
from jupyter_etl.serving.functions.signature import Signature, signature_of

SecretSearch = Callable[[bytes], str]
"""Returns the name of a secret whose value is in some bytes, in any encoding; "" if there is none."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """Something that was captured.

    Args:
        name: As written in the notebook.
        kind: ``function``, ``class``, ``module``, or the type of a value, such as
            ``pandas.DataFrame``.
        bytes: Its share of the payload. What several parts refer to counts in the first.
    """

    name: str
    kind: str
    bytes: int


@dataclass(frozen=True, kw_only=True)
class Captured:
    """A captured function.

    Args:
        payload: For `load_function`.
        parts: What it contains, in the order of the notebook's references.
        python: Version of Python.
        packages: Versions of the distributions that the payload refers to.
        code_hash: See `code_hash`.
        signature: Its request and result.
        texts: Texts in its body and in those of the functions it calls: among them are the names of
            secrets and of tables that it looks rows up in.
        names: Names of globals and attributes there.
    """

    payload: bytes
    parts: tuple[Part, ...]
    python: str
    packages: Mapping[str, str]
    code_hash: str
    signature: Signature
    texts: frozenset[str]
    names: frozenset[str]


def capture(
    function: Any,
    *,
    module_folders: Iterable[Path] = (),
    secret_in: SecretSearch | None = None,
    anyway: bool = False,
) -> Captured:
    """Capture a function with its variables, closures, helper functions and local modules.

    Args:
        function: Defined in a notebook or in a module beside it.
        module_folders: Folders whose modules are captured by value: that of the notebook.
        secret_in: Searches for the values of known secrets.
        anyway: Whether values over 100 MB are captured too.

    Raises:
        DeclarationError: It cannot be an endpoint, or refers to something that cannot be captured.
        LimitExceeded: A value takes more than 100 MB.
    """
    signature = signature_of(function)
    folders = tuple(folder.resolve() for folder in module_folders)
    local, references = _references(function, signature, folders)
    writer = PayloadWriter(len(references.found), anyway=anyway, local=local)
    with pickled_by_value(local):
        parts = [_write(writer, one, secret_in) for one in references.found]
        record = {
            "function": function,
            "hints": signature.hints,
            "classes": [
                (cls, _own_hints(cls, signature)) for cls in _own_classes(signature, local)
            ],
            "modules": {
                name: sys.modules[name]
                for name in sorted(local & _with_parents(references.imports | writer.modules))
            },
        }
        whole = Reference(name=signature.name, kind="function", value=record)
        size = _write(writer, whole, secret_in).bytes
        hints = (signature.hints, list(signature.class_hints.items()))
        hashed = code_hash(function, hints, local)
    _refuse_missing(writer, references, local)
    # What the record adds to the function: its types.
    at = next(index for index, one in enumerate(references.found) if one.value is function)
    parts[at] = Part(name=signature.name, kind="function", bytes=parts[at].bytes + size)
    environment = environment_of((writer.modules | references.imports) - local)
    return Captured(
        payload=writer.payload(),
        parts=tuple(reversed(parts)),
        python=environment.python,
        packages=environment.packages,
        code_hash=hashed,
        signature=signature,
        texts=frozenset(references.texts),
        names=frozenset(references.names),
    )


def _references(
    function: types.FunctionType, signature: Signature, folders: tuple[Path, ...]
) -> tuple[frozenset[str], References]:
    """Return the local modules and what a function refers to.

    A module that is only imported in the body of a function is imported here.
    """
    while True:
        local = local_modules(folders)
        references = References(local)
        before: set[str] = set()
        for cls in _own_classes(signature, local):
            references.add_class(cls)
        references.add_function(function)
        while references.imports - before:
            before = set(references.imports)
            for name in sorted(local & _with_parents(before)):
                references.add_module(sys.modules[name])
        if not import_from(folders, references.imports, sys.modules):
            # The function itself comes last, as it refers to all others.
            references.found.sort(key=lambda one: one.value is function)
            return local, references


def _write(writer: PayloadWriter, one: Reference, secret_in: SecretSearch | None) -> Part:
    """Write a value.

    Raises:
        DeclarationError: It cannot be captured.
        LimitExceeded: It takes more than 100 MB.
    """
    try:
        written = writer.write(one.name, one.value)
    except NotCaptured as problem:
        raise _refusal(one, problem) from problem.__cause__
    found = secret_in(written) if secret_in is not None else ""
    if found:
        verb = "contains" if one.kind in ("function", "class", "module") else "holds"
        raise DeclarationError(
            f"{one.label} {verb} the value of the secret {found!r}; a payload has no secrets.",
            hint=f'Write etl.secret("{found}") inside the function: the worker resolves it.',
        )
    kind = one.kind if one.kind in ("function", "class", "module") else _type_name(one.value)
    return Part(name=one.name, kind=kind, bytes=len(written))


def _refusal(one: Reference, problem: NotCaptured) -> EtlError:
    kind = _type_name(one.value)
    if problem.too_large_bytes:
        size = (
            "more than 100 MB"
            if problem.too_large_bytes < 0
            else rounded_size(problem.too_large_bytes)
        )
        return LimitExceeded(
            f"{one.label} ({kind}) takes {size}; at most 100 MB is captured per value.",
            hint="Publish it as a table and read it with etl.lookup, or add --anyway.",
        )
    holder = one.label if one.kind != "variable" or problem.is_value else f"{one.label} ({kind})"
    verb = "is" if problem.is_value else "contains"
    return DeclarationError(
        f"{holder} {verb} {problem.what}, which another process cannot use.",
        hint="Open or create it inside the function, or leave it out.",
    )


def _refuse_missing(writer: PayloadWriter, references: References, local: frozenset[str]) -> None:
    """Refuse a module that is imported here but that a worker cannot import.

    Raises:
        DeclarationError: The message has the module and what refers to it.
    """
    needed = {name.partition(".")[0] for name in (writer.modules | references.imports) - local}
    for name in missing_modules(one for one in needed if one in sys.modules and one != "__main__"):
        holder = writer.user_of(name)
        raise DeclarationError(
            f"{holder!r} needs the module {name!r}, which a worker cannot import."
            if holder
            else f"The function needs the module {name!r}, which a worker cannot import.",
            hint="Install it, or put it beside the notebook.",
        )


def _own_classes(signature: Signature, local: frozenset[str]) -> list[type]:
    """Return the classes of the signature that are captured by value, with their bases."""
    every = {base: None for cls in signature.class_hints for base in cls.__mro__}
    return [cls for cls in every if is_by_value(cls, local)]


def _own_hints(cls: type, signature: Signature) -> dict[str, Any]:
    """Return the resolved annotations that a class itself has."""
    every: dict[str, Any] = {}
    for one, hints in signature.class_hints.items():
        if cls in one.__mro__ or one is cls:
            every.update(hints)
    return {name: every[name] for name in vars(cls).get("__annotations__", {}) if name in every}


def _with_parents(names: Collection[str]) -> set[str]:
    """Return names of modules with those of the packages that contain them."""
    return {
        ".".join(parts[: length + 1])
        for parts in (name.split(".") for name in names)
        for length in range(len(parts))
    }


def _type_name(value: object) -> str:
    kind = type(value)
    if kind.__module__ in ("builtins", "__main__"):
        return kind.__qualname__
    return f"{kind.__module__.partition('.')[0]}.{kind.__qualname__}"
