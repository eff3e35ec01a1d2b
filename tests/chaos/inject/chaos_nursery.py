"""``python -m chaos_nursery ROOM``: a process of a chaos world that forks the product's commands.

It has imported the modules of schedulers and fork servers, so that a killed scheduler is replaced
in a fraction of a second. It reads requests, one line of JSON each, and answers each with a number.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

MODULES = (
    "jupyter_etl.cli.main",
    "jupyter_etl.runner.local_executor",
    "jupyter_etl.runner.warm.client",
)
"""Modules that a scheduler needs in addition to those of a fork server."""

_MAX_BYTES = 100_000
_PREPARED: list[Any] = []
"""The prepared state of all fork servers of this world, once it is there."""


class Spare:
    """A process that is forked before a scheduler opens its ledger, to be its first fork server.

    It replaces a `subprocess.Popen` of the product. If it is killed, the product starts its
    successors itself.
    """

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._used = False
        self.pid = _fork(lambda: self._wait(theirs))
        theirs.close()

    def start(self, words: list[str], *, env: dict[str, str], **named: Any) -> Any:
        """Start the process; `named` are arguments of `subprocess.Popen`."""
        if self._used:
            return subprocess.Popen(words, env=env, **named)
        self._used = True
        with self._line:
            message = json.dumps({"words": words, "env": env}).encode()
            socket.send_fds(self._line, [message], list(named["pass_fds"]))
        return self

    def kill(self) -> None:
        """Kill it."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self) -> None:
        """Wait for it to end."""
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, 0)

    def _wait(self, line: socket.socket) -> int:
        from jupyter_etl.system.fork import relabel, take_environment

        self._line.close()
        message, [descriptor], _, _ = (*socket.recv_fds(line, _MAX_BYTES, 1),)
        line.close()
        asked = json.loads(message)
        os.chdir("/")
        env = {name: value for name, value in asked["env"].items() if "ROOM" not in name}
        take_environment(env)
        words = asked["words"]
        # Without the padding at the end: the nursery has its own.
        if not relabel(words[:-1], env):
            raise AssertionError("the arguments of a fork server do not fit into the nursery's")
        return _run_fork_server(words[-2], descriptor, words[:-2])


def _run_fork_server(state: str, line: int, command: list[str]) -> int:
    import msgspec

    from jupyter_etl.runner.warm.fork_server import ForkServerState, serve

    reported = msgspec.json.decode(state, type=ForkServerState)
    serve(msgspec.structs.replace(reported, line=line), lambda: _PREPARED[0], command)
    return 0


def answer(request: dict[str, Any]) -> int:
    """Execute a request.

    Args:
        request: ``{"end": pid}`` waits for a fork to end and returns its exit code; any other
            request describes a command (see `_run`), and returns its process id.
    """
    if "end" in request:
        return os.waitstatus_to_exitcode(os.waitpid(request["end"], 0)[1])
    return _fork(lambda: _run(**request))


def _run(words: list[str], out: str, err: str, cwd: str, skew_s: float) -> int:
    """Run ``jupyter etl WORDS``, like a process started by a shell."""
    import jupyter_etl.runner.warm.client as warm
    from jupyter_etl.cli.main import main
    from jupyter_etl.system.fork import relabel

    relabel([sys.executable, "-m", "jupyter_etl.cli", *words], dict(os.environ))
    for target, path in enumerate((os.devnull, out, err)):
        how = os.O_WRONLY | os.O_CREAT | os.O_APPEND if target else os.O_RDONLY
        opened = os.open(path, how, 0o600)
        os.dup2(opened, target)
        os.close(opened)
    os.chdir(cwd)
    if skew_s:
        # Loaded by sitecustomize under this name.
        from chaos_mutants import skewed_clock

        skewed_clock(skew_s).apply(sys.modules["jupyter_etl.services.clock"])
    if words[0] == "up":
        warm.subprocess = SimpleNamespace(Popen=Spare().start, DEVNULL=subprocess.DEVNULL)
    return main(words)


def _fork(do: Callable[[], int]) -> int:
    """Return the process id of a fork that does this in a session of its own."""
    pid = os.fork()
    return pid or _become(do)


def _become(do: Callable[[], int]) -> NoReturn:
    from jupyter_etl.system.fork import leave, reset_signals

    code = 1
    try:
        os.setsid()
        reset_signals()
        code = do()
    except SystemExit as problem:
        code = problem.code if isinstance(problem.code, int) else 1
    except BaseException:  # noqa: BLE001 - whatever it is: this fork must not go on as a nursery
        sys.excepthook(*sys.exc_info())
    leave(code)


def prepare() -> None:
    """Import all modules, and prepare the state of all fork servers.

    Raises:
        AssertionError: A thread was started, which forks would lack.
    """
    from jupyter_etl.runner.warm.fork_server import PRELOAD
    from jupyter_etl.system.fork import QUIET, thread_pools

    before = dict(os.environ)
    os.environ.update(QUIET)
    # Before papermill, as in a fork server.
    importlib.import_module("jupyter_etl.services.processes.attempt").skip_slow_import()
    fork_target = importlib.import_module("jupyter_etl.services.processes.fork_server").Attempts()
    fork_target.plan_warm_up()
    _PREPARED.append(fork_target)
    for name in (*MODULES, *PRELOAD):
        if find_spec(name) is not None:
            importlib.import_module(name)
    thread_pools()
    os.environ.clear()
    os.environ.update(before)
    assert len(list(Path("/proc/self/task").iterdir())) == 1, "an import has started a thread"


def main() -> None:
    """Serve requests until standard input ends."""
    # Ctrl+C is for the parent.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.pop("CHAOS_ROOM", None)
    prepare()
    # Unbuffered: a fork must not have read the next request.
    requests, answers = os.fdopen(os.dup(0), "rb", buffering=0), os.dup(1)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.dup2(null, 1)
    while line := requests.readline():
        os.write(answers, f"{answer(json.loads(line))}\n".encode())


if __name__ == "__main__":
    main()
