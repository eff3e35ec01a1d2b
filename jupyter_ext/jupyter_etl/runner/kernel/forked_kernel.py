"""The kernel of a warm run before its use: a fork of the runner that waits for instructions.

It initializes itself with the parameters that most kernels have, while the runner reads the ledger
and the notebook. It starts when it receives the parameters of this run's kernel.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import select
import signal
import socket
import sys
import traceback
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

import msgspec
from tornado.ioloop import IOLoop

from jupyter_etl.runner.kernel.command import LAUNCHER, PACKAGE, arguments_of, python_path
from jupyter_etl.runner.kernel.exits import stop_at_exit
from jupyter_etl.runner.kernel.imports import add_to_path
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.kernel.output import bound_output
from jupyter_etl.system.fork import (
    exit_with_parent,
    leave,
    limit_address_space,
    prefer_for_oom_kill,
    read_at_import,
    redirect,
    relabel,
    reseed,
    reset_signals,
    restore_threads,
    take_environment,
    widen_descriptors,
)
from jupyter_etl.system.processes import has_children

NO_HISTORY = "--HistoryManager.hist_file=:memory:"
"""nbclient adds this to the kernel named python3; runs write no IPython history."""

_BACKEND = "MPLBACKEND"
"""A variable that a kernel sets only if it is not set."""

_MAX_SETTINGS_BYTES = 200_000
_READY = b"1"


@dataclass(frozen=True, kw_only=True)
class KernelSettings:
    """Instructions for a forked kernel.

    Args:
        command: The kernel's command, as it would be executed.
        env: The kernel's environment.
        cwd: The kernel's working directory.
        module: Module that the interpreter executes.
        address_space_bytes: Limit of the address space; None for no limit.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    module: str = LAUNCHER
    address_space_bytes: int | None = None


class ForkedKernel:
    """A runner's handle of the process that can become its kernel, once.

    It replaces the two calls of `subprocess.Popen` that jupyter_client makes.

    Args:
        pid: Process id of the fork.
        line: Connection to the fork.
        imported_with: The variables that were set when its modules were imported.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, line: socket.socket, imported_with: Mapping[str, str]) -> None:
        self.pid = pid
        self.imported_with = imported_with
        self.returncode: int | None = None
        self._line = line
        self.begun: KernelSettings | None = None
        self._went = False

    @property
    def is_free(self) -> bool:
        """Whether it has not become the kernel of a run yet."""
        return not self._went

    def begin(self, settings: KernelSettings) -> None:
        """Start the kernel's initialization; the environment may still change before it is used.

        Args:
            settings: Preliminary instructions.
        """
        self.begun = settings
        with contextlib.suppress(ConnectionError):
            self._line.send(msgspec.json.encode(settings))

    def go(
        self,
        env: Mapping[str, str],
        *,
        cwd: str,
        module: str = LAUNCHER,
        address_space_bytes: int | None = None,
    ) -> None:
        """Make the fork the kernel of a run; return when it is ready or has ended.

        Its output goes to the current output of this process.

        Args:
            env, cwd: Environment and working directory of the kernel.
            module: Module that the interpreter executes.
            address_space_bytes: Limit of the address space; None for no limit.
        """
        assert self.begun is not None  # noqa: S101 - it is asked of what has begun
        settings = replace(
            self.begun, env=env, cwd=cwd, module=module, address_space_bytes=address_space_bytes
        )
        self._went = True
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._line, [msgspec.json.encode(settings)], [2])
            self._line.recv(len(_READY))

    async def left(self) -> None:
        """Return when it has ended, or only its memory remains to be freed."""
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            await readable(process, self._line.fileno())
        finally:
            os.close(process)

    def dismiss(self) -> None:
        """Stop the fork in any state, and wait for it."""
        self._line.close()
        self.kill()
        self.wait()

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it is running."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Wait for it to end and return the exit code."""
        code = self._reap(0)
        assert code is not None  # noqa: S101 - a wait without WNOHANG returns at the end
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal if it is running."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def _reap(self, options: int) -> int | None:
        if self.returncode is None:
            pid, status = os.waitpid(self.pid, options)
            if pid:
                self.returncode = os.waitstatus_to_exitcode(status)
        return self.returncode


async def readable(*descriptors: int) -> None:
    """Return when a descriptor is readable; one of pidfd_open(2) is when its process has ended."""
    if select.select(descriptors, [], [], 0)[0]:
        return
    loop = asyncio.get_running_loop()
    ready = asyncio.Event()
    for descriptor in descriptors:
        loop.add_reader(descriptor, ready.set)
    try:
        await ready.wait()
    finally:
        for descriptor in descriptors:
            loop.remove_reader(descriptor)


def fork_kernel(*inherited: int) -> ForkedKernel:
    """Fork the kernel of this runner before its run; call this before any thread is started.

    Args:
        inherited: Descriptors of the runner that its kernel must close.
    """
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        here.close()
        for descriptor in inherited:
            os.close(descriptor)
        _wait_and_become(parent, there)
    there.close()
    return ForkedKernel(pid, here, read_at_import(os.environ))


def _wait_and_become(parent: int, line: socket.socket) -> NoReturn:
    code = 1
    try:
        if not exit_with_parent(parent):
            os._exit(0)
        os.setsid()
        widen_descriptors()
        _become(line)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 - whatever it is: this fork must not go on as a runner
        traceback.print_exc()
    leave(code, line)


def _become(line: socket.socket) -> None:
    settings, _ = _next(line)
    _show(settings)
    output = os.fstat(2)
    reset_signals()
    prefer_for_oom_kill()
    take_environment(settings.env)
    _allow_imports()
    reseed()
    from ipykernel.kernelapp import IPKernelApp

    arguments = arguments_of(settings.command)
    # The value of sys.argv in a kernel that was started by its command.
    sys.argv = [str(sys.modules[LAUNCHER].__file__), *arguments]
    app: Any = IPKernelApp
    kernel = app.instance(parent_handle=os.getppid())
    # Called when it exits. A process's sockets are closed with it, not one by one.
    kernel.close = kernel.reset_io
    kernel.initialize(arguments)
    _search_existing_children_only(kernel.kernel)
    # Creates the formatters, which otherwise happens at the first displayed result and takes longer
    # than a small cell.
    kernel.shell.display_formatter.format(None)
    bound_output(kernel.shell)
    stop_at_exit(kernel.shell)  # type: ignore[no-untyped-call]  # see there
    # Variables that the kernel sets itself: matplotlib's backend, the terminal type.
    own = {name: value for name, value in os.environ.items() if settings.env.get(name) != value}
    loop = IOLoop.current()
    loop.add_handler(
        line.fileno(), lambda *_: _go(line, settings.env, own, output, kernel.shell), IOLoop.READ
    )
    kernel.start()


def _allow_imports() -> None:
    """Remove the import restrictions of runners, see `skip_slow_import`."""
    for name in [name for name, module in sys.modules.items() if module is None]:
        del sys.modules[name]


def _search_existing_children_only(kernel: Any) -> None:
    """Make an exiting kernel list its children only if it has some.

    psutil reads the parent of every process on the machine.
    """
    children = kernel._process_children
    kernel._process_children = lambda: children() if has_children(os.getpid()) else []


def _go(
    line: socket.socket,
    before: Mapping[str, str],
    own: Mapping[str, str],
    output: os.stat_result,
    shell: Any,
) -> None:
    """Become the kernel of a run, between two messages."""
    IOLoop.current().remove_handler(line.fileno())
    settings, logs = _next(line)
    _show(settings)
    redirect(output, logs[0])
    os.close(logs[0])
    backend = {_BACKEND: settings.env[_BACKEND]} if _BACKEND in settings.env else {}
    take_environment({**settings.env, **own, **backend})
    os.chdir(settings.cwd)
    _take_paths(before, settings)
    restore_threads(settings.env)
    limit_address_space(settings.address_space_bytes)
    # Hide the initialization from the notebook: nothing has been executed.
    shell.last_execution_result, shell.last_execution_succeeded = None, True
    # IPython collects garbage when it exits, and would traverse all of its own objects.
    gc.freeze()
    line.send(_READY)


def _take_paths(before: Mapping[str, str], settings: KernelSettings) -> None:
    """Set up `sys.path` as in a kernel that was started by its command."""
    if settings.module == PACKAGE:
        from ipykernel import __main__ as package

        sys.argv[0] = str(package.__file__)
    here = Path(settings.cwd)
    folders = [str(folder) for folder in python_path(settings.env, here)]
    # `python -m` puts the working directory first; only the launcher removes it.
    first = [settings.cwd] if settings.module == PACKAGE else []
    old = [str(folder) for folder in python_path(before, here)]
    if folders == old:
        folders = old = []
    add_to_path([*first, *folders], instead_of=old)


def _next(line: socket.socket) -> tuple[KernelSettings, list[int]]:
    """Read the runner's next message, and the descriptors attached to it.

    If the runner closes the connection, it needs no kernel of this kind.
    """
    message, descriptors, _, _ = socket.recv_fds(line, _MAX_SETTINGS_BYTES, 1)
    if not message:
        os._exit(0)
    return msgspec.json.decode(message, type=KernelSettings), list(descriptors)


def _show(settings: KernelSettings) -> None:
    """Show the command's arguments and environment in /proc, as far as there is room."""
    # Without room for the whole environment, show the variable by which orphan cleanup finds the
    # attempt.
    marked = {ATTEMPT: settings.env[ATTEMPT]} if ATTEMPT in settings.env else {}
    if not relabel(settings.command, settings.env):
        relabel(settings.command, marked)
