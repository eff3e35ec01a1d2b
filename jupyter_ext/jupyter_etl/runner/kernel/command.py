"""Whether a fork of this process can replace the command of a kernelspec, and if not, why."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

LAUNCHER = "ipykernel_launcher"
PACKAGE = "ipykernel"
ARGUMENTS = ("-f", "{connection_file}")
"""Arguments of IPython's kernel in the kernelspecs that it installs."""

_NO_EFFECT = {
    "-u": "a kernel replaces the standard streams",
    "-q": "it hides the banner of an interactive interpreter",
    "-Xfrozen_modules": "the same modules are imported from files",
    "-Xfrozen_modules=on": "it is the default",
    "-Xfrozen_modules=off": "the same modules are imported from files",
}
"""Options that have no effect in a kernel, with the reason.

Every other option requires a cold start. The interpreter reads ``-b``, ``-B``, ``-d``, ``-E``,
``-I``, ``-O``, ``-P``, ``-s``, ``-S``, ``-v`` and ``-X dev`` into `sys.flags`, which cannot be
changed later. The filters of ``-W`` must follow those that libraries add when they are imported.
``-X importtime`` and ``-X tracemalloc`` observe the imports, which have already happened.

Source:
    https://docs.python.org/3.11/using/cmdline.html
"""

_UTF8 = {"-Xutf8": 1, "-Xutf8=1": 1, "-Xutf8=0": 0}
_WITH_VALUE = ("-X", "-W", "-m")

HONOURED = frozenset({"PYTHONPATH", "PYTHONBREAKPOINT", "PYTHONUNBUFFERED"})
"""Variables of the interpreter that a fork can apply later, or that have no effect in a kernel."""

_AT_START = re.compile(
    r"(PYTHON|LD_|GLIBC_TUNABLES$|MALLOC_|LC_|LANG$|LANGUAGE$|OPENSSL_|HOME$|IPYTHON"
    r"|OMP_|GOMP_|KMP_|MKL_|OPENBLAS_(?!NUM_THREADS$)|GOTO_(?!NUM_THREADS$)"
    r"|NUMEXPR_MAX_|NPY_|NUMPY_|PANDAS_|ARROW_|SQLALCHEMY_|PSYCOPG_|TORNADO_|DEBUGPY_|PYDEVD_)"
)
"""Variables that the interpreter, a library or IPython reads once, before the first cell."""

_PYTHON = ("python", f"python{sys.version_info[0]}", "python{}.{}".format(*sys.version_info[:2]))
_PLACE = re.compile(r"\{(prefix|resource_dir)\}")
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*=")
_USE_OURS = f"use a kernel of the environment {sys.prefix}, such as python3"
_CUSTOMIZE = ("sitecustomize.py", "usercustomize.py")
_VIRTUAL_ENV, _PATH = "VIRTUAL_ENV", "PYTHONPATH"


@dataclass(frozen=True, kw_only=True)
class Cold:
    """The reason why a run starts cold.

    Args:
        why: The reason, without an initial capital and a full stop.
        remedy: What to do for a warm start, in the imperative.
    """

    why: str
    remedy: str

    def message(self) -> str:
        """Return one sentence for the user."""
        return f"Its runs start cold, because {self.why}; for a warm start, {self.remedy}."


@dataclass(frozen=True, kw_only=True)
class Launch:
    """The command and environment of a kernelspec.

    Args:
        command: Starts with the interpreter or program; the connection file is still a placeholder.
        env: The kernel's environment.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]


def launch_of(spec: Any, env: Mapping[str, str]) -> Launch:
    """Return the command and environment that jupyter_client would use for a kernelspec.

    A command such as ``/usr/bin/env NAME=value python`` becomes the program that ``PATH`` finds.

    Args:
        spec: A kernelspec of jupyter_client.

    Source:
        `jupyter_client.KernelManager.format_kernel_cmd`, `KernelProvisionerBase.pre_launch`.
    """
    known = {"{prefix}": sys.prefix, "{resource_dir}": str(spec.resource_dir)}
    command = [_PLACE.sub(lambda found: known.get(found[0], found[0]), word) for word in spec.argv]
    own = {name: Template(value).safe_substitute(env) for name, value in spec.env.items()}
    env = {**env, **own}
    if command and command[0] in _PYTHON:
        command[0] = sys.executable
    elif command and Path(command[0]).name == "env":
        command, env = _without_env(command, env)
    return Launch(command=tuple(command), env=env)


def _without_env(
    command: Sequence[str], env: Mapping[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Apply the program ``env``; a command that uses options of ``env`` is returned unchanged."""
    changed, rest = dict(env), list(command[1:])
    while rest and _ASSIGNMENT.match(rest[0]):
        name, _, value = rest.pop(0).partition("=")
        changed[name] = value
    if not rest or rest[0].startswith("-"):
        return list(command), dict(env)
    return [shutil.which(rest[0], path=changed.get("PATH")) or rest[0], *rest[1:]], changed


def split_command(command: Sequence[str]) -> tuple[list[str], str, list[str]]:
    """Return the interpreter's options, the module that it executes and the module's arguments.

    Args:
        command: A kernel's command, starting with the interpreter. Each option is returned as one
            word, for example ``-Xdev``. The module is "" if the command executes none.
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


def why_cold(spec: Any, env: Mapping[str, str], cwd: Path) -> Cold | None:
    """Return why a fork of this process cannot be the kernel of a kernelspec; None if it can.

    This function alone decides whether a run starts warm.

    Args:
        spec: A kernelspec of jupyter_client.
        cwd: Working directory of the kernel: the folder of its notebook.
    """
    if spec.metadata.get("kernel_provisioner"):
        return Cold(
            why="its kernelspec names a provisioner",
            remedy="remove kernel_provisioner from the metadata of its kernelspec",
        )
    launch = launch_of(spec, env)
    other = why_other_command(launch.command, launch.env, cwd)
    if other is not None:
        return other
    arguments = arguments_of(launch.command)
    if tuple(arguments) != ARGUMENTS:
        more = " ".join(word for word in arguments if word not in ARGUMENTS)
        return Cold(
            why=f"its kernel is started with arguments of its own: {more}",
            remedy="remove them from argv in its kernelspec",
        )
    return _why_other_environment(env, launch.env, cwd)


def why_other_command(command: Sequence[str], env: Mapping[str, str], cwd: Path) -> Cold | None:
    """Return why a fork of this process cannot replace a command; None if it can.

    Args:
        env: The command's environment; an interpreter without a folder is looked up in its
            ``PATH``.
        cwd: Working directory; a relative path of the interpreter is resolved against it.
    """
    options, module, _ = split_command(command)
    if module not in (LAUNCHER, PACKAGE):
        return Cold(why="it is not IPython's kernel", remedy=_USE_OURS)
    for option in options:
        if option not in _NO_EFFECT and _UTF8.get(option) != sys.flags.utf8_mode:
            return Cold(
                why=f"its interpreter is started with the option {option}",
                remedy=f"remove {option} from argv in its kernelspec",
            )
    if not _is_this_environment(command[0], env, cwd):
        return Cold(why=f"it belongs to another interpreter: {command[0]}", remedy=_USE_OURS)
    return None


def _why_other_environment(
    before: Mapping[str, str], after: Mapping[str, str], cwd: Path
) -> Cold | None:
    """Return which variable set by a kernelspec cannot be applied in a fork."""
    changed = sorted(name for name, value in after.items() if before.get(name) != value)
    for name in changed:
        early = _AT_START.match(name) and name not in HONOURED
        elsewhere = (
            name == _VIRTUAL_ENV and Path(after[name]).resolve() != Path(sys.prefix).resolve()
        )
        if early or elsewhere:
            return Cold(
                why=f"its kernelspec sets {name}, which is read before the first cell",
                remedy=f"remove {name} from its kernelspec, or set it for the scheduler instead",
            )
    if _PATH in changed and any(
        (folder / name).is_file() for folder in python_path(after, cwd) for name in _CUSTOMIZE
    ):
        return Cold(
            why="a folder in PYTHONPATH of its kernelspec has a sitecustomize.py, which an interpreter executes first",
            remedy="remove that folder from PYTHONPATH",
        )
    return None


def python_path(env: Mapping[str, str], cwd: Path) -> list[Path]:
    """Return the folders of ``PYTHONPATH`` as absolute paths."""
    words = env.get(_PATH, "")
    return [cwd / word for word in words.split(os.pathsep)] if words else []


def _is_this_environment(program: str, env: Mapping[str, str], cwd: Path) -> bool:
    """Return whether a program is this interpreter with the packages of this environment.

    The interpreters of all virtual environments may be links to one file: `pyvenv.cfg` decides.
    """
    if "/" not in program:
        program = shutil.which(program, path=env.get("PATH")) or ""
    if not program:
        return False
    asked = cwd / Path(program).expanduser()
    return asked.resolve() == Path(sys.executable).resolve() and _prefix(asked) == _prefix(
        Path(sys.executable)
    )


def _prefix(program: Path) -> Path:
    """Return the root of a program's environment as Python finds it.

    Source:
        Modules/getpath.py: `pyvenv.cfg` is searched without resolving the program's own link.
    """
    for folder in (program.parent, program.parent.parent):
        if (folder / "pyvenv.cfg").is_file():
            return folder.resolve()
    return program.resolve().parent.parent
