"""Typed requests, one per command, and what `%etl`, the command line and REST derive from them.

A request is a frozen struct. Each of its fields that a user can set has an `Argument` in its
annotation::

    class PauseRequest(Request):
        forms: ClassVar[tuple[Form, ...]] = (
            Form(on=Surface.CLI, name="pause", group="Watch", summary="Stop planning runs."),
        )
        pipeline: Annotated[str, Argument(required=True, help="The name of the pipeline.")] = ""

The parsers, ``-h``, completion, the request body of a route, the OpenAPI document and the lines that
the panel offers are made from it.
"""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, cached_property
from typing import Annotated, Any, ClassVar, Literal, Union, get_args, get_origin

import msgspec
from msgspec import NODEFAULT, Meta
from msgspec.structs import FieldInfo

from jupyter_etl.language.numbers import MOST_COUNT


class Surface(StrEnum):
    """Where a command can be given."""

    MAGIC = "magic"
    CLI = "cli"
    REST = "rest"


class ValueKind(StrEnum):
    """How the text of an argument is converted."""

    TEXT = "text"
    """``str``; a ``tuple[str, ...]`` where it may be repeated."""
    WORDS = "words"
    """All remaining words, joined by spaces: ``str``."""
    RAW = "raw"
    """The rest of the line unchanged: ``str``."""
    FLAG = "flag"
    """``bool``."""
    WHOLE = "whole"
    """``int``."""
    DURATION = "duration"
    """Seconds as ``float``; a bare number is seconds."""
    FRESHNESS = "freshness"
    """A `Freshness`."""
    SIZE = "size"
    """Bytes as ``int``: ``2GB``."""
    NAMES = "names"
    """``a,b``: ``tuple[str, ...]``."""
    PAIRS = "pairs"
    """``k=v``, repeated, where k is the name of a parameter: ``dict[str, str]``."""
    OPTIONS = "options"
    """``k=v``, repeated, where k may be any text: ``dict[str, str]``."""

    @property
    def makes_pairs(self) -> bool:
        """Whether its values are collected in one ``dict``."""
        return self in {ValueKind.PAIRS, ValueKind.OPTIONS}


@dataclass(frozen=True, kw_only=True)
class Argument:
    """How a user gives a field of a request.

    A field with several arguments has one per surface; the first whose ``on`` contains the surface
    counts.

    Args:
        help: One sentence.
        on: The surfaces on which it can be given.
        flags: Forms of an option (``("-n", "--limit")``); empty for a positional argument.
        aliases: Earlier names of an option, which are accepted but not shown.
        kind: How its text is converted; by default derived from the type of the field.
        required: Whether a positional argument, or a field of a request body, must be given.
        repeated: Whether it may be given several times.
        several: Whether several values may follow one flag.
        least, most: Smallest and largest integer.
        placeholder: Placeholder of its value in the usage.
        completes: Kind of names that completion offers for it: ``source``, ``table``, ``frame``,
            ``pipeline``, ``publication``, ``run``, ``notebook``, ``timezone``, ``command``,
            ``secret``; "" for none.
        name, default: Those of the field; set by `arguments_on`.
        choices: The allowed texts, from the type of the field; empty for any.
        members: The enumeration of the choices.
    """

    help: str
    on: tuple[Surface, ...] = tuple(Surface)
    flags: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    kind: ValueKind = ValueKind.TEXT
    required: bool = False
    repeated: bool = False
    several: bool = False
    least: int = 0
    most: int = MOST_COUNT
    placeholder: str = ""
    completes: str = ""
    name: str = ""
    default: object = None
    choices: tuple[str, ...] = ()
    members: type[StrEnum] | None = None

    @property
    def label(self) -> str:
        """Its name in messages: ``--limit`` or ``NAME``."""
        return self.flags[-1] if self.flags else self.metavar

    @property
    def metavar(self) -> str:
        """The placeholder of its value in the usage."""
        return self.placeholder or (
            "|".join(self.choices) if self.choices else self.name.upper().replace("_", "-")
        )

    @property
    def shown(self) -> str:
        """Its entry in a list of arguments: ``-n, --limit N``."""
        if not self.flags:
            return self.metavar
        flags = ", ".join(self.flags)
        return flags if self.kind is ValueKind.FLAG else f"{flags} {self.metavar}"

    @property
    def explained(self) -> str:
        """Its help with the default, if it has one."""
        bare = self.default in (None, "", (), {}) or self.kind is ValueKind.FLAG
        return self.help if bare else f"{self.help} Default: {self.default}."


class CellUse(StrEnum):
    """Whether a command uses the text below its line."""

    NONE = "none"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True, kw_only=True)
class Form:
    """A command that creates a request on one surface.

    Args:
        on: `Surface.MAGIC` or `Surface.CLI`.
        name: Its first word.
        variant: Its second word if a command has several forms (``publish table``).
        group: Its heading in the guide.
        summary: One sentence.
        examples: Example lines without the prefix.
        cell: Whether the text below the line becomes the field ``cell``.
        cell_help: Description of that text.
        stores: Whether ``NAME <<`` sets the variable for the result, as the field ``target``.
        ledger: Whether it opens the ledger. Inside a run the magic does not execute such commands.
    """

    on: Surface
    name: str
    group: str
    summary: str
    variant: str = ""
    examples: tuple[str, ...] = ()
    cell: CellUse = CellUse.NONE
    cell_help: str = ""
    stores: bool = False
    ledger: bool = False

    @property
    def title(self) -> str:
        """The words that select it."""
        return f"{self.name} {self.variant}".strip()


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """The arguments of a command or a route."""

    forms: ClassVar[tuple[Form, ...]] = ()


class JsonOutput(Request, frozen=True, kw_only=True):
    """A request whose result the command line can print as JSON."""

    json: Annotated[
        bool,
        Argument(
            on=(Surface.CLI,),
            flags=("--json",),
            help="Write JSON, and only JSON, to standard output.",
        ),
    ] = False


@dataclass(frozen=True, kw_only=True)
class CommandSpec:
    """A request on one surface.

    Args:
        request: Its type.
        form: The command.
    """

    request: type[Request]
    form: Form

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """Positional arguments in order, then options."""
        return tuple(arguments_on(self.form.on, self.request))

    @property
    def name(self) -> str:
        """The first word."""
        return self.form.name

    @property
    def title(self) -> str:
        """The words that select it."""
        return self.form.title

    @property
    def positionals(self) -> tuple[Argument, ...]:
        """Positional arguments."""
        return tuple(a for a in self.arguments if not a.flags)

    @property
    def options(self) -> tuple[Argument, ...]:
        """Arguments with flags."""
        return tuple(a for a in self.arguments if a.flags)

    def option(self, flag: str) -> Argument | None:
        """Return the option with a flag, or None."""
        return next((a for a in self.options if flag in (*a.flags, *a.aliases)), None)

    def usage(self, prefix: str) -> str:
        """Return the one-line form: ``%etl load TARGET [--limit N]``."""
        parts = [f"{prefix}{self.title}"]
        for argument in self.arguments:
            shown = argument.metavar
            if argument.flags:
                flag = "|".join(argument.flags)
                shown = flag if argument.kind is ValueKind.FLAG else f"{flag} {argument.metavar}"
            repeats = argument.repeated or argument.kind.makes_pairs
            parts.append((shown if argument.required else f"[{shown}]") + "..." * repeats)
            if self.form.stores and argument is self.arguments[0]:
                parts.append("[NAME <<]")
        return " ".join(parts)


def commands_on(surface: Surface, requests: Iterable[type[Request]]) -> Iterator[CommandSpec]:
    """Yield the commands of a surface, in the order of the requests."""
    for request in requests:
        for form in request.forms:
            if form.on is surface:
                yield CommandSpec(request=request, form=form)


def arguments_on(surface: Surface, request: type[Request]) -> Iterator[Argument]:
    """Yield the arguments of a request on a surface: its own, then those of its bases."""
    fields = {field.name: field for field in msgspec.structs.fields(request)}
    own = [name for base in request.__mro__ for name in vars(base).get("__annotations__", ())]
    for name in own:
        field = fields.pop(name, None)
        argument = None if field is None else _argument(surface, field)
        if argument is not None:
            yield argument


def _argument(surface: Surface, field: FieldInfo) -> Argument | None:
    for argument in getattr(field.type, "__metadata__", ()):
        if isinstance(argument, Argument) and surface in argument.on:
            typed = _typed(argument, field.type)
            return replace(typed, name=field.name, default=default_of(field))
    return None


def default_of(field: FieldInfo) -> Any:
    """Return the default of a field; None if it is required."""
    if field.default_factory is not NODEFAULT:
        return field.default_factory()
    return None if field.default is NODEFAULT else field.default


def _typed(argument: Argument, declared: Any) -> Argument:
    """Return an argument with the kind and the choices that the type of its field implies."""
    bare = _bare_type(declared)
    if get_origin(bare) is tuple:
        bare = _bare_type(get_args(bare)[0])
    if get_origin(bare) is Literal:
        return replace(argument, choices=get_args(bare))
    if isinstance(bare, type) and issubclass(bare, StrEnum):
        return replace(argument, choices=tuple(str(value) for value in bare), members=bare)
    if argument.kind is not ValueKind.TEXT:
        return argument
    if get_origin(bare) is dict:
        return replace(argument, kind=ValueKind.PAIRS)
    return replace(argument, kind=_IMPLIED.get(bare, ValueKind.TEXT))


_IMPLIED = {bool: ValueKind.FLAG, int: ValueKind.WHOLE, float: ValueKind.DURATION}


def _bare_type(declared: Any) -> Any:
    """Return a type without its annotations and without None."""
    if get_origin(declared) is Annotated:
        return _bare_type(get_args(declared)[0])
    if get_origin(declared) in (Union, types.UnionType):
        [one] = [one for one in get_args(declared) if one is not type(None)]
        return _bare_type(one)
    return declared


@cache
def body_type(request: type[Request]) -> type[msgspec.Struct]:
    """Return the type of the body that a route accepts for a request.

    It has the fields that have an argument on `Surface.REST`, with the help as their description.
    """
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = []
    for field in msgspec.structs.fields(request):
        argument = _argument(Surface.REST, field)
        if argument is None:
            continue
        description = Meta(description=_without_flags(request, argument.help))
        described = Annotated[field.type, description]  # type: ignore[name-defined]  # only known here
        default = field.default if field.default_factory is NODEFAULT else field.default_factory
        if argument.required or default is NODEFAULT:
            fields.append((field.name, described))
        elif field.default_factory is NODEFAULT:
            fields.append((field.name, described, default))
        else:
            fields.append((field.name, described, msgspec.field(default_factory=default)))
    return msgspec.defstruct(
        request.__name__,
        fields,
        frozen=True,
        kw_only=True,
        forbid_unknown_fields=True,
        module=request.__module__,
        namespace={"__doc__": request.__doc__},
    )


def _without_flags(request: type[Request], text: str) -> str:
    """Replace options by fields in a help text."""
    names = {
        flag: argument.name
        for argument in arguments_on(Surface.CLI, request)
        for flag in argument.flags
    }
    return re.sub(r"--[a-z-]+", lambda found: f"``{names.get(found[0], found[0])}``", text)
