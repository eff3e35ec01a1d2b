"""The parser of ``jupyter etl``; `parser` is that of ``%etl``."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import takewhile

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import Request
from jupyter_etl.language.commands.general import HelpRequest
from jupyter_etl.language.commands.grammar import fill
from jupyter_etl.language.commands.help import HELP, PROGRAM
from jupyter_etl.language.commands.tables import CLI_COMMANDS
from jupyter_etl.language.commands.tokenizer import Word
from jupyter_etl.language.names import listed, nearest


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
