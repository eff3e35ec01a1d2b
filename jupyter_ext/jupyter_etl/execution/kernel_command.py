"""Whether the command of a kernelspec starts what a fork of this process can be."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

LAUNCHER = "ipykernel_launcher"

_NO_EFFECT = {
    "-u": "a kernel replaces the standard streams",
    "-q": "it hides the banner of an interactive interpreter",
    "-Xfrozen_modules": "the same modules are imported from files",
    "-Xfrozen_modules=on": "it is the default",
    "-Xfrozen_modules=off": "the same modules are imported from files",
}
"""Options that change nothing in a kernel, with the reason.

Every other option is a cold start. The interpreter reads ``-b``, ``-B``, ``-d``, ``-E``, ``-I``, ``-O``,
``-P``, ``-s``, ``-S``, ``-v`` and ``-X dev`` into `sys.flags`, which cannot be changed later. The filters
of ``-W`` belong behind those that libraries add when they are imported. ``-X importtime`` and
``-X tracemalloc`` observe the imports, which are done.

Source:
    https://docs.python.org/3.11/using/cmdline.html
"""

_UTF8 = {"-Xutf8": 1, "-Xutf8=1": 1, "-Xutf8=0": 0}
_WITH_VALUE = ("-X", "-W", "-m")


def split_command(command: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Return the options of the interpreter, the module it executes and the module's arguments.

    Args:
        command: Of a kernel, the interpreter first. Each option is returned as one word, ``-Xdev``.
            The module is "" where the command executes none.
    """
    options: list[str] = []
    rest = list(command[1:])
    while rest and rest[0].startswith("-") and len(rest[0]) > 1:
        word = rest.pop(0)
        if word in _WITH_VALUE and rest:
            word += rest.pop(0)
        if word.startswith("-m"):
            return options, word[2:], rest
        options.append(word)
    return options, "", rest


def arguments_of(command: Sequence[str]) -> list[str]:
    """Return the arguments of IPython's kernel in its command."""
    return split_command(command)[2]


def why_other_command(command: Sequence[str], env: Mapping[str, str]) -> str:
    """Say why a fork of this process is not what a command starts; "" where it is.

    Args:
        command: Of a kernel.
        env: Its environment; ``PATH`` finds an interpreter without a folder.
    """
    options, module, _ = split_command(command)
    if module != LAUNCHER:
        return "it is not IPython's kernel"
    for option in options:
        if option not in _NO_EFFECT and _UTF8.get(option) != sys.flags.utf8_mode:
            return f"its interpreter is started with the option {option}"
    if not _is_this_environment(command[0], env):
        return f"it belongs to another interpreter: {command[0]}"
    return ""


def _is_this_environment(program: str, env: Mapping[str, str]) -> bool:
    """Return whether a program is this interpreter with the packages of this environment.

    The interpreters of all virtual environments may be links to one file: `pyvenv.cfg` decides.
    """
    if "/" not in program:
        program = shutil.which(program, path=env.get("PATH")) or ""
    # A relative path begins where the kernel will be started.
    asked = Path(program).expanduser()
    return (
        asked.is_absolute()
        and asked.resolve() == Path(sys.executable).resolve()
        and _prefix(asked) == _prefix(Path(sys.executable))
    )


def _prefix(program: Path) -> Path:
    """Return the root of a program's environment as Python finds it.

    Source:
        Modules/getpath.py: `pyvenv.cfg` is looked for without following the program's own link.
    """
    for folder in (program.parent, program.parent.parent):
        if (folder / "pyvenv.cfg").is_file():
            return folder.resolve()
    return program.resolve().parent.parent
