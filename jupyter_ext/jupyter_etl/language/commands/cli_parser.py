"""The command line's parser, built from its table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from itertools import groupby, takewhile
from typing import Any, NoReturn

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.cli import CLI_COMMANDS
from jupyter_etl.language.commands.declarations import CommandSpec, ValueKind, fill
from jupyter_etl.language.commands.tokenizer import Word
from jupyter_etl.language.names import listed, nearest

PROGRAM = "jupyter etl"
_HELP = ("-h", "--help")


class CommandParser(argparse.ArgumentParser):
    """An argparse parser whose words are read by the grammar that the magic uses.

    argparse gives the help, the nesting and the namespace. Its own reading of words is not used:
    it loses an optional positional behind an option, and ends the process on an error.
    """

    spec: CommandSpec | None = None

    def parse_known_args(  # type: ignore[override]  # argparse's overloads differ by namespace only
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read the words of one command.

        Raises:
            DeclarationError: A word is wrong or missing.
        """
        if self.spec is None or args is None:
            return super().parse_known_args(args, namespace)
        if any(word in _HELP for word in takewhile(lambda word: word != "--", args)):
            self.print_help()
            self.exit()
        words = [Word(text=text, start=0, end=0) for text in args]
        values = fill(self.spec, words, prefix=f"{PROGRAM} ")
        result = namespace if namespace is not None else argparse.Namespace()
        for name, value in values.items():
            setattr(result, name, value)
        return result, []

    def error(self, message: str) -> NoReturn:
        """Raise what argparse would print.

        Raises:
            DeclarationError: Always.
        """
        raise DeclarationError(f"{message[:1].upper()}{message[1:]}.", hint=f"See {self.prog} -h.")


class RootParser(CommandParser):
    """``jupyter etl``: finds the command."""

    def parse_known_args(  # type: ignore[override]  # as above
        self, args: Sequence[str] | None = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Find the command and hand it the other words.

        Raises:
            DeclarationError: There is no such command.
        """
        if args is not None and args:
            first = args[0]
            names = [spec.name for spec in CLI_COMMANDS]
            if first == "--version":
                args = ["version", *args[1:]]
            elif first not in names and first not in _HELP:
                raise DeclarationError(
                    f"There is no command '{first}'.{nearest(first, names)}",
                    hint=f"Commands are {listed(names, limit=len(names))}. See {PROGRAM} -h.",
                    data={"command": first},
                )
        return super().parse_known_args(args, namespace)


def cli_parser() -> argparse.ArgumentParser:
    """Build the parser of ``jupyter etl``.

    The namespace has ``command`` (None where no words are given) and every argument of the command
    by its name: ``vars(namespace)`` gives the same keys and types as the magic's `Command.args`.
    ``-h`` prints and exits with 0, as command lines do.

    Returns:
        A parser that raises `DeclarationError` where argparse would print and exit with 2.
    """
    root = RootParser(
        prog=PROGRAM,
        description="Schedule notebooks, run them, and read what they publish.",
        epilog=_overview(),
        usage=f"{PROGRAM} COMMAND ...",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = root.add_subparsers(
        dest="command", metavar="COMMAND", parser_class=CommandParser, help=argparse.SUPPRESS
    )
    for spec in CLI_COMMANDS:
        parser = commands.add_parser(
            spec.name,
            description=spec.summary,
            usage=spec.form(f"{PROGRAM} "),
            epilog="examples:\n" + "\n".join(f"  {PROGRAM} {text}" for text in spec.examples),
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        parser.spec = spec
        _describe(parser, spec)
    return root


def _describe(parser: argparse.ArgumentParser, spec: CommandSpec) -> None:
    """Add the arguments for the help; `fill` reads them."""
    for argument in spec.arguments:
        text = argument.explained.replace("%", "%%")
        if not argument.flags:
            parser.add_argument(argument.name, metavar=argument.metavar, nargs="?", help=text)
        elif argument.kind is ValueKind.FLAG:
            parser.add_argument(*argument.flags, dest=argument.name, action="store_true", help=text)
        else:
            parser.add_argument(
                *argument.flags, dest=argument.name, metavar=argument.metavar, help=text
            )


def _overview() -> str:
    lines = []
    for group, specs in groupby(CLI_COMMANDS, key=lambda spec: spec.group):
        lines.append(f"{group.lower()}:")
        lines += [f"  {spec.name:<12} {spec.summary.split('. ')[0]}" for spec in specs]
    return "\n".join([*lines, "", f"{PROGRAM} COMMAND -h shows the usage of a command."])
