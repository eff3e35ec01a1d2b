"""Command lines generated from requests; parsing one returns the same values."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from typing import Any

from jupyter_etl.language.commands.declarations import Argument, CommandSpec, Request, ValueKind
from jupyter_etl.language.commands.help import PREFIX, PROGRAM
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl.language.commands.tokenizer import quote_word
from jupyter_etl.language.durations import format_duration
from jupyter_etl.language.sizes import format_size


def magic_line(request: Request) -> str:
    """Return the ``%etl`` line for a request.

    The value of a parameter may be any JSON value. Defaults are omitted.

    Returns:
        The line; empty if a value has a line break, which an ``%etl`` line cannot contain.
    """
    spec = _find(MAGIC_COMMANDS, request)
    words = [quote_word(text) for text in _positionals(spec, request)]
    for flag, text in _options(spec, request):
        words += [flag] if text is None else [flag, quote_word(text)]
    line = " ".join([f"{PREFIX}{spec.title}", *words])
    return line if line.splitlines() == [line] else ""


def shell_line(request: Request) -> str:
    """Return the ``jupyter etl`` line for a request, for a POSIX shell; see `magic_line`.

    Returns:
        The line; empty if a value has a null character, which an argument of a process cannot
        contain.
    """
    spec = _find(CLI_COMMANDS, request)
    options: list[str] = []
    for flag, text in _options(spec, request):
        if text is not None and text.startswith("-"):
            # After a space it would be parsed as an option.
            options.append(f"{flag}={text}")
        else:
            options += [flag] if text is None else [flag, text]
    positionals = list(_positionals(spec, request))
    words = [*positionals, *options]
    if any(text.startswith("-") for text in positionals):
        words = [*options, "--", *positionals]
    line = f"{PROGRAM} {shlex.join([spec.title, *words])}"
    return "" if "\0" in line else line


def read_call(name: str, *, version: int | None = None, draft: bool = False) -> str:
    """Return the Python call that reads a publication."""
    arguments = [json.dumps(name, ensure_ascii=False)]
    arguments += [f"version={version}"] if version else []
    arguments += ["draft=True"] if draft else []
    return f"etl.read({', '.join(arguments)})"


def _find(table: Sequence[CommandSpec], request: Request) -> CommandSpec:
    return next(spec for spec in table if spec.request is type(request))


def _positionals(spec: CommandSpec, request: Request) -> Iterator[str]:
    for argument in spec.positionals:
        yield from _texts(argument, getattr(request, argument.name))


def _options(spec: CommandSpec, request: Request) -> Iterator[tuple[str, str | None]]:
    """Yield each option's flag and text; None for one without a value."""
    for argument in spec.options:
        value = getattr(request, argument.name)
        if argument.kind is ValueKind.FLAG:
            if value:
                yield argument.flags[0], None
            continue
        for text in _texts(argument, value):
            yield argument.flags[-1 if text.startswith("-") else 0], text


def _texts(argument: Argument, value: Any) -> Iterator[str]:
    if value is None or (value == argument.default and not argument.required):
        return
    match argument.kind:
        case ValueKind.PAIRS | ValueKind.OPTIONS:
            for key, one in value.items():
                shown = one if isinstance(one, str) else json.dumps(one, ensure_ascii=False)
                yield f"{key}={shown}"
        case ValueKind.NAMES:
            yield ",".join(value)
        case ValueKind.DURATION:
            yield format_duration(value).replace(" ", "")
        case ValueKind.SIZE:
            yield format_size(value).replace(" ", "")
        case _ if argument.repeated:
            yield from value
        case _:
            yield str(value)
