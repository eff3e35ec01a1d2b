"""The kernel of a warm run before it is one: a fork of the runner that waits for its orders.

It makes itself ready as soon as it is told what most kernels are told, while the runner looks into
the ledger and the notebook; it goes on when it is told what this run's kernel is told.
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
from jupyter_etl.runner.kernel.fork import (
    die_with,
    go_first,
    leave,
    limit_address_space,
    read_at_import,
    redirect,
    relabel,
    reseed,
    reset_signals,
    restore_threads,
    take_environment,
    widen_descriptors,
)
from jupyter_etl.runner.kernel.imports import add_to_path
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.kernel.output import bound_output
from jupyter_etl.runner.kernel.processes import has_children

NO_HISTORY = "--HistoryManager.hist_file=:memory:"
"""What nbclient adds to the kernel named python3; what a run executes is nobody's history."""

_BACKEND = "MPLBACKEND"
"""What a kernel sets only if it is not set yet."""

_MAX_ORDERS_BYTES = 200_000
_READY = b"1"


@dataclass(frozen=True, kw_only=True)
class Orders:
    """Instructions for a forked kernel.

    Args:
        command: Of the kernel, as it would be executed.
        env: Its environment.
        cwd: Its working directory.
        module: Which the interpreter executes.
        address_space_bytes: Its limit; None for none.
    """

    command: tuple[str, ...]
    env: Mapping[str, str]
    cwd: str
    module: str = LAUNCHER
    address_space_bytes: int | None = None


class ForkedKernel:
    """A runner's side: the process that can become its kernel, once.

    It lies behind the two calls of `subprocess.Popen` that jupyter_client makes.

    Args:
        pid: Of the fork.
        line: On which it waits.
        imported_with: The variables that were set when its modules were imported.
    """

    stdin = stdout = stderr = None

    def __init__(self, pid: int, line: socket.socket, imported_with: Mapping[str, str]) -> None:
        self.pid = pid
        self.imported_with = imported_with
        self.returncode: int | None = None
        self._line = line
        self.begun: Orders | None = None
        self._went = False

    @property
    def is_free(self) -> bool:
        """Whether it is no run's kernel so far."""
        return not self._went

    def begin(self, orders: Orders) -> None:
        """Have it be a kernel; what it is told of its environment may change before it is used.

        Args:
            orders: For now.
        """
        self.begun = orders
        with contextlib.suppress(ConnectionError):
            self._line.send(msgspec.json.encode(orders))

    def go(
        self,
        env: Mapping[str, str],
        *,
        cwd: str,
        module: str = LAUNCHER,
        address_space_bytes: int | None = None,
    ) -> None:
        """Have it be the kernel of a run, and return when it is or has ended.

        It writes to where this process writes to by now.

        Args:
            env, cwd: Its environment and working directory.
            module: Which the interpreter executes.
            address_space_bytes: Its limit; None for none.
        """
        assert self.begun is not None  # noqa: S101 - it is asked of what has begun
        orders = replace(
            self.begun, env=env, cwd=cwd, module=module, address_space_bytes=address_space_bytes
        )
        self._went = True
        with contextlib.suppress(ConnectionError):
            socket.send_fds(self._line, [msgspec.json.encode(orders)], [2])
            self._line.recv(len(_READY))

    async def left(self) -> None:
        """Return when it has ended, or has nothing left to do but to give its memory back."""
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            await readable(process, self._line.fileno())
        finally:
            os.close(process)

    def dismiss(self) -> None:
        """Let it go, wherever it is, and wait for its end."""
        self._line.close()
        self.kill()
        self.wait()

    def poll(self) -> int | None:
        """Return its exit code, negative for a signal; None while it lives."""
        return self._reap(os.WNOHANG)

    def wait(self) -> int:
        """Wait for its end and return the exit code."""
        code = self._reap(0)
        assert code is not None  # noqa: S101 - a wait without WNOHANG returns at the end
        return code

    def send_signal(self, number: int) -> None:
        """Send a signal while it lives."""
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
    """Return when one of the descriptors can be read: that of a pidfd_open(2), when its process ends."""
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
    """Fork the kernel of this runner ahead of its run; to be called before anything starts a thread.

    Args:
        inherited: Descriptors of the runner that its kernel must not have.
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
        if not die_with(parent):
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
    orders, _ = _next(line)
    _show(orders)
    output = os.fstat(2)
    reset_signals()
    go_first()
    take_environment(orders.env)
    _allow_imports()
    reseed()
    from ipykernel.kernelapp import IPKernelApp

    arguments = arguments_of(orders.command)
    # What stands there in a kernel that was started by its command.
    sys.argv = [str(sys.modules[LAUNCHER].__file__), *arguments]
    app: Any = IPKernelApp
    kernel = app.instance(parent_handle=os.getppid())
    # When it ends: a process takes its sockets with it, they need not be closed one by one.
    kernel.close = kernel.reset_io
    kernel.initialize(arguments)
    _look_for_children_quickly(kernel.kernel)
    # It makes its formatters for the first result that is shown: they take longer than a small cell.
    kernel.shell.display_formatter.format(None)
    bound_output(kernel.shell)
    stop_at_exit(kernel.shell)  # type: ignore[no-untyped-call]  # see there
    # What the kernel sets itself: the backend of matplotlib, the kind of terminal.
    own = {name: value for name, value in os.environ.items() if orders.env.get(name) != value}
    loop = IOLoop.current()
    loop.add_handler(
        line.fileno(), lambda *_: _go(line, orders.env, own, output, kernel.shell), IOLoop.READ
    )
    kernel.start()


def _allow_imports() -> None:
    """Take back what runners forbid themselves to import, see `skip_slow_import`."""
    for name in [name for name, module in sys.modules.items() if module is None]:
        del sys.modules[name]


def _look_for_children_quickly(kernel: Any) -> None:
    """Have a kernel that ends list its children only where it has some.

    psutil asks every process of the machine for its parent.
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
    orders, logs = _next(line)
    _show(orders)
    redirect(output, logs[0])
    os.close(logs[0])
    backend = {_BACKEND: orders.env[_BACKEND]} if _BACKEND in orders.env else {}
    take_environment({**orders.env, **own, **backend})
    os.chdir(orders.cwd)
    _take_paths(before, orders)
    restore_threads(orders.env)
    limit_address_space(orders.address_space_bytes)
    # As far as its notebook can see it has executed nothing.
    shell.last_execution_result, shell.last_execution_succeeded = None, True
    # IPython collects garbage when it ends, and would look through all of its own.
    gc.freeze()
    line.send(_READY)


def _take_paths(before: Mapping[str, str], orders: Orders) -> None:
    """Import from where the kernel, started by its command, would import from."""
    if orders.module == PACKAGE:
        from ipykernel import __main__ as package

        sys.argv[0] = str(package.__file__)
    here = Path(orders.cwd)
    folders = [str(folder) for folder in python_path(orders.env, here)]
    # `python -m` puts the working directory first; only the launcher takes it away again.
    first = [orders.cwd] if orders.module == PACKAGE else []
    old = [str(folder) for folder in python_path(before, here)]
    if folders == old:
        folders = old = []
    add_to_path([*first, *folders], instead_of=old)


def _next(line: socket.socket) -> tuple[Orders, list[int]]:
    """Read what the runner says, and the descriptors that come with it.

    Where it says no more it needs no kernel of this kind.
    """
    message, descriptors, _, _ = socket.recv_fds(line, _MAX_ORDERS_BYTES, 1)
    if not message:
        os._exit(0)
    return msgspec.json.decode(message, type=Orders), list(descriptors)


def _show(orders: Orders) -> None:
    """Look like a process that was started by the command, as far as there is room."""
    # Where there is no room for all of it, for the part by which orphan cleanup finds the attempt.
    marked = {ATTEMPT: orders.env[ATTEMPT]} if ATTEMPT in orders.env else {}
    if not relabel(orders.command, orders.env):
        relabel(orders.command, marked)
