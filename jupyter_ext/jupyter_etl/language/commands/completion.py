"""Completion of ``%etl`` lines."""

from __future__ import annotations

from jupyter_etl.language.commands.declarations import Argument, CommandSpec, ValueKind
from jupyter_etl.language.commands.tables import MAGIC_COMMANDS
from jupyter_etl.language.commands.tokenizer import Word, split_words


def complete(line: str, cursor: int) -> list[str]:
    """Complete the word at the cursor from the grammar: commands, options, choices.

    Args:
        line: The text after ``%etl ``.
        cursor: Index into ``line``; the text after it is ignored.

    Returns:
        Whole words that may replace the one before the cursor, in the grammar's order.
    """
    before, typed = _split(line, cursor)
    return [candidate for candidate in _candidates(before, typed) if candidate.startswith(typed)]


def completes(line: str, cursor: int) -> tuple[str, str]:
    """Return the kind of name at the cursor, for names that have to be looked up in a catalogue.

    Args:
        line: The text after ``%etl ``.
        cursor: Index into ``line``.

    Returns:
        The kind, as in `Argument.completes` (``source``, ``table``, ``frame``, ``column``,
        ``publication``, ``pipeline``, ``run`` ...; "" for none), and the part of the name that is
        typed.
    """
    before, typed = _split(line, cursor)
    spec, rest = _command(before)
    if spec is None or typed.startswith("-"):
        return "", typed
    argument = _expected(spec, rest)
    if argument is None:
        return "", typed
    if argument.kind is ValueKind.NAMES:
        typed = typed.rpartition(",")[2]
    return argument.completes, typed


def _split(line: str, cursor: int) -> tuple[list[Word], str]:
    """Split the text before the cursor into finished words and the one being typed."""
    words = split_words(line[:cursor], lenient=True)
    if words and words[-1].end == cursor:
        return words[:-1], words[-1].text
    return words, ""


def _candidates(before: list[Word], typed: str) -> list[str]:
    if not before:
        return list(dict.fromkeys(spec.name for spec in MAGIC_COMMANDS))
    spec, rest = _command(before)
    if spec is None:
        name = before[0].text
        variants = [s.form.variant for s in MAGIC_COMMANDS if s.name == name and s.form.variant]
        return variants if len(before) == 1 else []
    pending = _pending(spec, rest)
    if pending is not None:
        return list(pending.choices)
    if typed.startswith("-"):
        used = {word.text for word in rest}
        return [
            a.flags[-1]
            for a in spec.options
            if a.repeated or a.kind.makes_pairs or not used.intersection(a.flags)
        ]
    expected = _expected(spec, rest)
    if expected is None:
        return []
    if expected.completes == "command":
        return list(dict.fromkeys(s.name for s in MAGIC_COMMANDS))
    return list(expected.choices)


def _command(before: list[Word]) -> tuple[CommandSpec | None, list[Word]]:
    texts = [word.text for word in before]
    for spec in MAGIC_COMMANDS:
        title = spec.title.split()
        if texts[: len(title)] == title:
            return spec, before[len(title) :]
    return None, []


def _pending(spec: CommandSpec, rest: list[Word]) -> Argument | None:
    """Return the option whose value is missing."""
    option = spec.option(rest[-1].text) if rest else None
    return option if option is not None and option.kind is not ValueKind.FLAG else None


def _expected(spec: CommandSpec, rest: list[Word]) -> Argument | None:
    pending = _pending(spec, rest)
    if pending is not None:
        return pending
    taken, skip = 0, False
    for word in rest:
        option = spec.option(word.text)
        if skip or option is not None or word.text.startswith("-"):
            skip = not skip and option is not None and option.kind is not ValueKind.FLAG
        else:
            taken += 1
    positionals = spec.positionals
    return positionals[taken] if taken < len(positionals) else None
