"""Launches the kernel of a run, bound to its runner and with limits."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from jupyter_etl.runner.kernel.command import HONOURED, why_other_command
from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel, KernelSettings, readable
from jupyter_etl.system.fork import read_at_import

_LAUNCHER = str(Path(__file__).parents[1] / "kernel" / "launcher.py")


class EtlLocalProvisioner(LocalProvisioner):
    """Launches a kernel that ends with the thread that launched it; registered as ``etl-local``.

    This needs Linux. On other systems kernels are launched as by jupyter_client.
    """

    address_space_bytes: int | None = None
    group: Path | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Launch a kernel with the launcher in front of its command.

        Raises:
            FileNotFoundError: The kernel's program does not exist.
        """
        if sys.platform == "linux":
            command = [str(Path(word).expanduser()) for word in cmd[:1]] + cmd[1:]
            _require(command[0], kwargs.get("env"))
            limit = str(self.address_space_bytes or 0)
            group = str(self.group or "")
            cmd = [sys.executable, "-I", "-S", _LAUNCHER, str(os.getpid()), limit, group, *command]
        return await super().launch_kernel(cmd, **kwargs)

    async def wait(self) -> int | None:
        """Return when the kernel's process has ended, without polling ten times a second."""
        if self.process is not None and self.pid is not None and sys.platform == "linux":
            with contextlib.suppress(ProcessLookupError):
                descriptor = os.pidfd_open(self.pid)
                try:
                    await readable(descriptor)
                finally:
                    os.close(descriptor)
        return await super().wait()


class NotWarm(Exception):
    """The runner's forked kernel cannot become this kernel; the message is the reason."""


class EtlWarmProvisioner(EtlLocalProvisioner):
    """Uses the runner's forked kernel as the kernel; registered as ``etl-warm``.

    Without a forked kernel the kernel is launched as by the base class.
    """

    forked_kernel: ForkedKernel | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Make the forked kernel the kernel.

        Raises:
            NotWarm: It cannot become this kernel.
        """
        forked_kernel = self.forked_kernel
        if forked_kernel is None:
            return await super().launch_kernel(cmd, **kwargs)
        env = environment_of(kwargs.get("env") or os.environ)
        cwd = Path(kwargs.get("cwd") or Path.cwd())
        other = why_other_command(cmd, env, cwd)
        why = other.why if other else why_used(forked_kernel, env)
        if why:
            raise NotWarm(why)
        forked_kernel.begin(KernelSettings(command=tuple(cmd), env=env, cwd=str(cwd)))
        process: Any = forked_kernel
        self.process, self.pid, self.pgid = process, forked_kernel.pid, forked_kernel.pid
        return self.connection_info

    async def wait(self) -> int | None:
        """Return when the kernel has ended, or only its memory remains to be freed."""
        forked_kernel: Any = self.process
        if not isinstance(forked_kernel, ForkedKernel):
            return await super().wait()
        await forked_kernel.left()
        self.process = None
        return forked_kernel.poll()


def environment_of(env: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a kernel: the given one, with the process id of its parent."""
    return {**env, "JPY_PARENT_PID": str(os.getpid())}


def why_used(forked_kernel: ForkedKernel, env: Mapping[str, str]) -> str:
    """Return why a forked kernel cannot run in this environment; "" if it can."""
    if forked_kernel.poll() is not None:
        return "the warm kernel of this attempt has ended"
    if not forked_kernel.is_free:
        return "the warm kernel of this attempt has been used before"
    asked = read_at_import(env)
    names = sorted(
        {name for name, _ in asked.items() ^ forked_kernel.imported_with.items()} - HONOURED
    )
    return f"its environment differs in {', '.join(names)}" if names else ""


def _require(program: str, env: Mapping[str, str] | None) -> None:
    path = None if env is None else env.get("PATH")
    if shutil.which(program, path=path) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
