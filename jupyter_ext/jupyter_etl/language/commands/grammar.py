"""Conversion of the words of a command line to a request, by the command's declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Argument, CommandSpec, Request, ValueKind
from jupyter_etl.language.commands.tokenizer import Word
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.freshness import parse_freshness
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.language.numbers import Range
from jupyter_etl.language.parameters.parameter import parse_assignment, split_assignment
from jupyter_etl.language.sizes import parse_size


def convert(argument: Argument, text: str, *, command: str) -> object:
    """Convert the text of an argument to its value.

    Returns:
        The value of its kind; for a repeated one, one element.

    Raises:
        DeclarationError: It is not of that kind; the message names command, argument and value.
    """
    if argument.choices and text not in argument.choices:
        raise DeclarationError(
            f"{argument.label} of '{command}' cannot be '{text}'; "
            f"allowed are {listed(argument.choices)}.{nearest(text, argument.choices)}",
            hint=f"See {command} -h.",
        )
    try:
        return _typed(argument, text)
    except DeclarationError as problem:
        raise DeclarationError(
            f"{argument.label} of '{command}': {problem.message}",
            hint=problem.hint,
            data=problem.data,
        ) from None


def _typed(argument: Argument, text: str) -> object:
    match argument.kind:
        case ValueKind.WHOLE:
            return Range(name=argument.name, least=argument.least, most=argument.most).parse(text)
        case ValueKind.DURATION:
            return parse_duration(text, bare_seconds=True)
        case ValueKind.FRESHNESS:
            return parse_freshness(text)
        case ValueKind.SIZE:
            return parse_size(text)
        case ValueKind.NAMES:
            return _names(text)
        case ValueKind.PAIRS:
            return parse_assignment(text)
        case ValueKind.OPTIONS:
            return split_assignment(text)
        case _:
            return argument.members(text) if argument.members else text


def _names(text: str) -> tuple[str, ...]:
    names = tuple(part.strip() for part in text.split(","))
    if not all(names):
        raise DeclarationError(
            f"'{text}' contains an empty name.", hint="Separate the names by single commas: a,b."
        )
    return names


@dataclass
class _Filling:
    """The values of a command while its words are parsed."""

    spec: CommandSpec
    values: dict[str, object]
    given: set[str] = field(default_factory=set)

    def put(self, argument: Argument, value: object) -> None:
        name = argument.name
        if argument.kind.makes_pairs and isinstance(value, tuple):
            # A positional argument that must be given has no default.
            pairs = dict(self.values[name] or {})  # type: ignore[call-overload]  # or a dict
            if value[0] in pairs:
                raise DeclarationError(
                    f"'{value[0]}' is given twice to {argument.label} of '{self.spec.title}'.",
                    hint="Keep one of them.",
                )
            value = {**pairs, value[0]: value[1]}
        elif argument.repeated or argument.kind is ValueKind.NAMES:
            more = value if isinstance(value, tuple) else (value,)
            value = (*self.values[name], *more)  # type: ignore[misc]  # its empty value is a tuple
        elif name in self.given:
            raise DeclarationError(
                f"{argument.label} of '{self.spec.title}' is given twice.",
                hint="Keep one of them.",
            )
        self.given.add(name)
        self.values[name] = value


def fill(spec: CommandSpec, words: Sequence[Word], *, prefix: str) -> Request:
    """Parse the words after a command's name.

    Args:
        spec: The command.
        words: The words after its title.
        prefix: Text before a command, for hints: ``%etl ``.

    Raises:
        DeclarationError: A word is unexpected, or one is missing.
    """
    filling = _Filling(spec=spec, values={a.name: a.default for a in spec.arguments})
    loose: list[Word] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word.text == "--" and not word.quoted:
            loose += rest
            break
        if _is_option(word):
            _take_option(filling, word, rest)
        else:
            loose.append(word)
    _take_positionals(filling, loose, prefix)
    return spec.request(**filling.values)


def _is_option(word: Word) -> bool:
    text = word.text
    return not word.quoted and len(text) > 1 and text[0] == "-" and not text[1].isdigit()


def _take_option(filling: _Filling, word: Word, rest: list[Word]) -> None:
    spec = filling.spec
    flag, equals, attached = word.text.partition("=")
    option = spec.option(flag if flag.startswith("--") else word.text)
    if option is None and not flag.startswith("--") and (option := spec.option(word.text[:2])):
        flag, equals, attached = word.text[:2], "=", word.text[2:]
    if option is None:
        raise _unknown_option(spec, flag)
    if option.kind is ValueKind.FLAG:
        if equals:
            raise DeclarationError(
                f"{flag} of '{spec.title}' takes no value, but got '{attached}'.",
                hint=f"Write {flag} alone.",
            )
        filling.put(option, True)
        return
    if not equals:
        if not rest or (_is_option(rest[0]) and rest[0].text.startswith("--")):
            raise DeclarationError(
                f"{flag} of '{spec.title}' needs a value: {option.help}",
                hint=f"Write {flag} {option.metavar}.",
            )
        attached = rest.pop(0).text
    filling.put(option, convert(option, attached, command=spec.title))
    while option.several and not equals and rest and not _is_option(rest[0]):
        filling.put(option, convert(option, rest.pop(0).text, command=spec.title))


def _unknown_option(spec: CommandSpec, flag: str) -> DeclarationError:
    flags = [f for option in spec.options for f in option.flags if f.startswith("--")]
    allowed = f"It takes {listed(flags, limit=20)}." if flags else "It takes no options."
    return DeclarationError(
        f"'{spec.title}' has no option {flag}.{nearest(flag, flags)}",
        hint=f"{allowed} Put text that starts with '-' in quotes.",
    )


def _take_positionals(filling: _Filling, loose: list[Word], prefix: str) -> None:
    spec = filling.spec
    for argument in spec.positionals:
        if argument.kind is ValueKind.WORDS and loose:
            filling.put(argument, " ".join(word.text for word in loose))
            loose = []
        elif argument.kind.makes_pairs and loose:
            for word in loose:
                filling.put(argument, convert(argument, word.text, command=spec.title))
            loose = []
        elif argument.repeated and loose:
            filling.put(
                argument, tuple(convert(argument, w.text, command=spec.title) for w in loose)
            )
            loose = []
        elif loose:
            word = loose.pop(0)
            filling.put(argument, convert(argument, word.text, command=spec.title))
        elif argument.required:
            raise DeclarationError(
                f"'{spec.title}' needs {argument.metavar}: {argument.help}",
                hint=f"Write {spec.usage(prefix)}",
            )
    if loose:
        extra = " ".join(word.text for word in loose)
        raise DeclarationError(
            f"'{spec.title}' got an unexpected argument '{extra}'.",
            hint=f"Put text with blanks in quotes. Write {spec.usage(prefix)}",
        )
