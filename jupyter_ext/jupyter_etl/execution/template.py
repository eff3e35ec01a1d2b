"""The process whose forks are runners: it has imported what they need, and starts no thread.

It is alone with the process that started it on an unnamed pair of sockets: nobody else can ask it
for anything. When the other end is closed it ends; the runners live on.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import select
import socket
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

import msgspec

from jupyter_etl.execution.fork import (
    ROOM_BYTES,
    leave,
    relabel,
    reset_signals,
    take_environment,
    thread_pools,
)
from jupyter_etl.execution.stem import Stem, fork_stem

PRELOAD = (
    "ipykernel_launcher",
    "ipykernel.kernelapp",
    "ipykernel.kernelspec",
    "ipykernel.debugger",
    "ipykernel.heartbeat",
    "ipykernel.parentpoller",
    "ipykernel.shellchannel",
    "IPython.core.shellapp",
    "IPython.core.debugger",
    "IPython.core.oinspect",
    "IPython.utils.wildcard",
    "IPython.core.completerlib",
    "IPython.extensions.storemagic",
    "tornado.platform.asyncio",
    "jupyter_etl_magics",
    "jupyter_etl.app.notebook_api",
    "jupyter_etl.app.workbench",
    "jupyter_etl.execution.papermill_engine",
    "jupyter_etl.store.sql_store",
    "sqlalchemy.dialects.sqlite",
    "sqlalchemy.dialects.postgresql.psycopg",
    "psycopg",
    "numpy",
    "pandas",
    "pyarrow.parquet",
    "duckdb",
    "deltalake",
)
"""What runners and kernels need in any case, and what most notebooks import; as far as installed."""

MAX_REQUEST_BYTES = 180_000
_MAX_FORKS = 10_000
_LOOK_S = 1.0
_TASKS = Path("/proc/self/task")


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked of a template: a runner. The descriptor of its log comes with it.

    Args:
        number: The answer has it too.
        words: The command that a cold start would execute; the last is the attempt's folder.
        env, cwd, umask: Of the runner.
    """

    number: int
    words: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    umask: int


class _Number(msgspec.Struct, frozen=True):
    number: int


class Answer(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a template tells.

    Args:
        started: Number of a request; its runner lives.
        refused: Number of a request; its runner was not started.
        why: The reason.
        pid: Of the runner that was started or has ended.
        ended: Exit code of a runner, negative for a signal.
    """

    started: int | None = None
    refused: int | None = None
    why: str = ""
    pid: int = 0
    ended: int | None = None


class Life(msgspec.Struct, frozen=True, kw_only=True):
    """What outlasts the execution of a new interpreter in the same process.

    Args:
        line: Descriptor of the socket.
        modules: To import.
        left_out: Modules that cannot be in a template, with the reason.
        runners: Process ids of those that live.
    """

    line: int
    modules: tuple[str, ...] = PRELOAD
    left_out: dict[str, str] = {}
    runners: tuple[int, ...] = ()


Run = Callable[[Path, Stem], int]
"""``run(folder, stem)`` makes the attempt of a folder and returns the exit code."""

Rehearse = Callable[[], None]
"""Does, once for all forks, what a run would do in the same way each time."""


def serve(life: Life, run: Run, rehearse: Rehearse, command: Sequence[str]) -> None:
    """Fork runners until nobody is there to ask for them.

    Args:
        life: See there.
        run: What a runner does.
        rehearse: Is called after the imports; it starts no thread.
        command: That begins this process anew, without its life.
    """
    line = socket.socket(fileno=life.line)
    line.set_inheritable(False)
    _import_all(life, command)
    rehearse()
    seen = _stamp()
    looked_at = time.monotonic()
    gc.collect()
    # A collection in a fork would write to every object, and so copy all memory.
    gc.freeze()
    runners = {os.pidfd_open(pid): pid for pid in life.runners}
    waiting = select.poll()
    for descriptor in (life.line, *runners):
        waiting.register(descriptor, select.POLLIN)
    forks = 0
    while True:
        for descriptor, _ in waiting.poll():
            if descriptor != life.line:
                waiting.unregister(descriptor)
                os.close(descriptor)
                _tell_end(line, runners.pop(descriptor))
                continue
            now = time.monotonic()
            if forks >= _MAX_FORKS or (now - looked_at > _LOOK_S and _stamp() != seen):
                # The question stays in the socket, for the next.
                _begin_anew(life, command, left_out=life.left_out, runners=runners.values())
            looked_at = now
            message, descriptors, _, _ = socket.recv_fds(line, MAX_REQUEST_BYTES, 1)
            if not message:
                return
            pid = _fork(line, message, descriptors, runners, run)
            forks += 1
            os.close(descriptors[0])
            if pid:
                runner = os.pidfd_open(pid)
                runners[runner] = pid
                waiting.register(runner, select.POLLIN)


def _fork(
    line: socket.socket,
    message: bytes,
    descriptors: Sequence[int],
    runners: Mapping[int, int],
    run: Run,
) -> int:
    """Fork a runner and return its process id; 0 where it could not be."""
    number = msgspec.json.decode(message, type=_Number).number
    try:
        pid = os.fork()
    except OSError as problem:
        _say(line, Answer(refused=number, why=f"no process could be started: {problem.strerror}"))
        return 0
    if pid == 0:
        line.close()
        for runner in runners:
            os.close(runner)
        _become_runner(message, descriptors[0], run)
    _say(line, Answer(started=number, pid=pid))
    return pid


def _become_runner(message: bytes, log: int, run: Run) -> NoReturn:
    code = 1
    try:
        os.setsid()
        reset_signals()
        null = os.open(os.devnull, os.O_RDONLY)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.close(null)
        os.close(log)
        # Before the request is read: the kernel is not to hold what only the runner may know.
        stem = fork_stem()
        request = msgspec.json.decode(message, type=Request)
        if not relabel(request.words, request.env):
            relabel(request.words, {})
        take_environment(request.env)
        os.umask(request.umask)
        os.chdir(request.cwd)
        try:
            code = run(Path(request.words[-1]), stem)
        finally:
            stem.dismiss()
    except BaseException:  # noqa: BLE001 - whatever it is: this fork must not go on as a template
        sys.excepthook(*sys.exc_info())
    leave(code)


def _import_all(life: Life, command: Sequence[str]) -> None:
    """Import what can be in a template; a module that starts a thread is left out."""
    for name in life.modules:
        if name in life.left_out or not _is_installed(name):
            continue
        before = _threads()
        try:
            importlib.import_module(name)
        except Exception as problem:  # noqa: BLE001 - a run that needs it will say so again
            why = f"{type(problem).__name__}: {problem}"
            sys.stderr.write(f"{name} cannot be imported ahead of runs: {why}\n")
        if _threads() > before:
            sys.stderr.write(f"{name} is not imported ahead of runs: it starts a thread\n")
            left_out = life.left_out | {name: "it starts a thread"}
            _begin_anew(life, command, left_out=left_out, runners=life.runners)
    thread_pools()


def _is_installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


def _begin_anew(
    life: Life, command: Sequence[str], *, left_out: Mapping[str, str], runners: Iterable[int]
) -> NoReturn:
    """Execute this program again, in the same process: the runners stay its children."""
    os.set_inheritable(life.line, True)
    text = encode_life(msgspec.structs.replace(life, left_out=left_out, runners=tuple(runners)))
    os.execv(command[0], [*command, *text])  # noqa: S606 - becoming its successor is the purpose


def encode_life(life: Life) -> tuple[str, str]:
    """Return the last two words of a template's command: its life, and room to write over."""
    return msgspec.json.encode(life).decode(), " " * ROOM_BYTES


def _threads() -> int:
    return len(list(_TASKS.iterdir()))


def _stamp() -> int:
    """Return a number that changes when a package is installed or a file changes that was imported."""
    files = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    return hash(tuple(_changed_at(path) for path in sorted({*filter(None, files), *sys.path})))


def _changed_at(path: str) -> tuple[int, int]:
    try:
        found = os.stat(path)  # noqa: PTH116 - thousands of them while somebody waits
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_size


def _tell_end(line: socket.socket, pid: int) -> None:
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    _say(line, Answer(pid=pid, ended=code))


def _say(line: socket.socket, answer: Answer) -> None:
    # Who is gone needs no answer: the next look at the line ends this process.
    with contextlib.suppress(OSError):
        line.send(msgspec.json.encode(answer))
