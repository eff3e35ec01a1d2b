"""The parsers of ``%etl`` and ``%%etl``, and of ``jupyter etl``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from msgspec.structs import replace

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import CellUse, CommandSpec, Request, ValueKind
from jupyter_etl.language.commands.endpoints import PublishFunctionRequest, PublishQueryRequest
from jupyter_etl.language.commands.general import HelpRequest
from jupyter_etl.language.commands.grammar import fill
from jupyter_etl.language.commands.help import HELP, PREFIX, PROGRAM
from jupyter_etl.language.commands.queries import CheckRequest, SqlRequest
from jupyter_etl.language.commands.tables import CLI_COMMANDS, MAGIC_COMMANDS
from jupyter_etl.language.commands.tokenizer import Word, split_words
from jupyter_etl.language.names import listed, nearest


def parse_line(line: str, cell: str | None = None) -> Request:
    """Parse the text after ``%etl`` or ``%%etl``.

    ``%etl`` alone is ``help``; ``CMD -h`` is ``help`` about CMD.

    Args:
        line: The rest of the line.
        cell: The lines below for ``%%etl``; None for ``%etl``.

    Raises:
        DeclarationError: The command, an option or a value is unknown or missing; the message
            suggests the most similar one, and the hint is the usage.
    """
    head, rest = ([*line.split(None, 1), "", ""])[:2]
    spec = _find(head)
    if spec is not None and _is_raw(spec):
        if rest.strip() in HELP:
            return HelpRequest(command=spec.title)
        _cell(spec, cell)
        return _raw(spec, rest)
    words = split_words(line)
    if not words or words[0].text in HELP:
        if cell is not None and cell.strip():
            raise DeclarationError(
                "%%etl needs a command.", hint="Write %%etl sql SOURCE or %%etl check NAME."
            )
        return HelpRequest()
    spec, words = _select(words)
    if spec is None:
        return HelpRequest(command="publish")
    if any(word.text in HELP and not word.quoted for word in words):
        return HelpRequest(command=spec.title)
    target, words = _target(spec, words)
    required = spec.form.cell is CellUse.REQUIRED
    request = fill(spec, words, prefix="%%etl " if required else PREFIX)
    body = _cell(spec, cell)
    match request:
        case SqlRequest():
            _check_query(request, body)
            return replace(request, cell=body, target=target)
        case CheckRequest():
            _check_rules(spec, request, body)
            return replace(request, cell=body)
        case PublishQueryRequest() | PublishFunctionRequest():
            return replace(request, cell=body)
        case _:
            return request


def parse_command(words: Sequence[str]) -> Request:
    """Parse the words after ``jupyter etl``.

    No words are ``help``; ``CMD -h`` is ``help`` about CMD.

    Raises:
        DeclarationError: The command, an option or a value is unknown or missing.
    """
    if not words or words[0] in HELP:
        return HelpRequest()
    name, *rest = ("version", *words[1:]) if words[0] == "--version" else words
    names = [spec.name for spec in CLI_COMMANDS]
    if name not in names:
        raise DeclarationError(
            f"There is no command '{name}'.{nearest(name, names)}",
            hint=f"Commands are {listed(names, limit=len(names))}. See {PROGRAM} -h.",
            data={"command": name},
        )
    if any(word in HELP for word in takewhile(lambda word: word != "--", rest)):
        return HelpRequest(command=name)
    spec = CLI_COMMANDS[names.index(name)]
    return fill(spec, [Word(text=text, start=0, end=0) for text in rest], prefix=f"{PROGRAM} ")


def _find(name: str) -> CommandSpec | None:
    return next((spec for spec in MAGIC_COMMANDS if spec.title == name), None)


def _is_raw(spec: CommandSpec) -> bool:
    return any(argument.kind is ValueKind.RAW for argument in spec.arguments)


def _raw(spec: CommandSpec, rest: str) -> Request:
    argument = spec.arguments[0]
    if not rest.strip():
        raise DeclarationError(
            f"'{spec.title}' needs {argument.metavar}: {argument.help}",
            hint=f"For example: {PREFIX}{spec.form.examples[0]}",
        )
    return spec.request(**{argument.name: rest.strip()})


def _select(words: list[Word]) -> tuple[CommandSpec | None, list[Word]]:
    """Find the command by its first word or two; None for help about a command with variants."""
    name = words[0].text
    variants = {spec.form.variant: spec for spec in MAGIC_COMMANDS if spec.name == name}
    if not variants:
        names = dict.fromkeys(spec.name for spec in MAGIC_COMMANDS)
        raise DeclarationError(
            f"There is no command '{name}'.{nearest(name, names)}",
            hint=f"Commands are {listed(names, limit=len(names))}; {PREFIX.strip()} lists them.",
            data={"command": name},
        )
    if "" in variants:
        return variants[""], words[1:]
    if len(words) > 1 and words[1].text in HELP:
        return None, []
    given = words[1].text if len(words) > 1 else ""
    if given not in variants:
        what = f"not '{given}'.{nearest(given, variants)}" if given else "but nothing follows."
        example = variants[next(iter(variants))].form.examples[0]
        raise DeclarationError(
            f"'{name}' must be followed by {listed(variants)}, {what}",
            hint=f"For example: {PREFIX}{example}",
        )
    return variants[given], words[2:]


def _target(spec: CommandSpec, words: list[Word]) -> tuple[str | None, list[Word]]:
    """Remove ``NAME <<`` (or ``NAME<<``) from the words."""
    marks = [i for i, w in enumerate(words) if not w.quoted and w.text.endswith("<<")]
    if not marks:
        return None, words
    if not spec.form.stores:
        raise DeclarationError(
            f"'{spec.title}' does not support '<<'.",
            hint=f"Assign its result: name = {PREFIX}{spec.form.examples[0]}",
        )
    mark = marks[0]
    attached = words[mark].text.removesuffix("<<")
    first = mark if attached else mark - 1
    name = attached or (words[first].text if first >= 0 else "")
    if len(marks) > 1 or not name.isidentifier():
        raise DeclarationError(
            f"'<<' must follow a single variable, not '{name}'.",
            hint="Write %%etl sql SOURCE NAME <<",
        )
    return name, words[:first] + words[mark + 1 :]


def _cell(spec: CommandSpec, cell: str | None) -> str | None:
    if spec.form.cell is CellUse.NONE:
        if cell is not None and cell.strip():
            raise DeclarationError(
                f"'{spec.title}' takes no lines below the command.",
                hint=f"Write {PREFIX}{spec.title} with one '%', and put other code into a "
                "separate cell.",
            )
        return None
    if cell is not None and not cell.strip():
        raise DeclarationError(
            f"%%etl {spec.title} needs lines below the command.",
            hint=f"Add them: {spec.form.cell_help}",
        )
    if cell is None and spec.form.cell is CellUse.REQUIRED:
        raise DeclarationError(
            f"'{spec.title}' needs lines below the command.",
            hint=f"Write {spec.usage('%%etl ')} with two '%', and below: {spec.form.cell_help}",
        )
    return cell


def _check_rules(spec: CommandSpec, request: CheckRequest, cell: str | None) -> None:
    if cell is None and request.schema is None:
        raise DeclarationError(
            "'check' needs lines below the command.",
            hint=f"Write {spec.usage('%%etl ')} with two '%', and below: {spec.form.cell_help}",
        )
    if cell is not None and request.schema is not None:
        raise DeclarationError(
            f"'check' has both the schema {request.schema} and lines below the command.",
            hint="Use the schema in a separate cell, with one '%'.",
        )


def _check_query(request: SqlRequest, cell: str | None) -> None:
    query = request.query
    if cell is None and query is None:
        raise DeclarationError(
            f"The query for '{request.source}' is missing.",
            hint=f"Write %%etl sql {request.source} NAME << and the query below, or "
            f'name = %etl sql {request.source} "select ..."',
        )
    if cell is not None and query is not None:
        raise DeclarationError(
            f"'{query}' is unexpected: the query is below the command.",
            hint=f"To store the result in a variable write %%etl sql {request.source} {query} <<"
            if str(query).isidentifier()
            else "Keep one of the two queries.",
        )
