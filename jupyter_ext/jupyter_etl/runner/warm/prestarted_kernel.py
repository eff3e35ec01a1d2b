"""The kernel that most notebooks need, started before the notebook is known."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty
from typing import Any

import zmq.asyncio
from IPython.paths import get_ipython_dir
from jupyter_client.kernelspec import KernelSpec
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase
from jupyter_core.utils import run_sync

from jupyter_etl.runner.channel.sockets import CHANNEL, make_folder, socket_in
from jupyter_etl.runner.execution.kernel_manager import EtlKernelManager, Gate
from jupyter_etl.runner.execution.provisioner import NotWarm, environment_of, why_used
from jupyter_etl.runner.kernel.command import (
    ARGUMENTS,
    LAUNCHER,
    launch_of,
    split_command,
    why_cold,
)
from jupyter_etl.runner.kernel.forked_kernel import NO_HISTORY, ForkedKernel
from jupyter_etl.runner.kernel.kernels import DEFAULT_KERNEL, kernel_environment

_START_S = 60.0
_NOTHING = "None"
_SCRIPTS = (".py", ".ipy")


def has_startup_code() -> bool:
    """Return whether the user has configured code that kernels execute when they start.

    Source:
        IPython's documentation: profiles, startup files, and ``InteractiveShellApp.exec_lines``.
    """
    profile = Path(get_ipython_dir()) / "profile_default"
    scripts = [path for path in profile.glob("startup/*") if path.suffix in _SCRIPTS]
    return bool(scripts) or any(profile.glob("ipython*_config.*"))


class PrestartedKernel:
    """A running IPython kernel of this environment that has replied and waits for a notebook.

    Args:
        forked_kernel: The runner's fork that becomes the kernel.

    Attributes:
        folder: Private folder with the sockets of the kernel and its runner.
        manager, client: Manager and client of the kernel.
        why_not: Why there is no kernel; "" if there is one.
    """

    def __init__(self, forked_kernel: ForkedKernel) -> None:
        self.forked_kernel = forked_kernel
        self.folder = make_folder()
        self.manager: Any = EtlKernelManager(kernel_name=DEFAULT_KERNEL)
        # Not the installed kernelspec of this name, which may belong to another environment.
        self.manager._kernel_spec = KernelSpec(
            argv=[sys.executable, "-m", LAUNCHER, *ARGUMENTS], language="python"
        )
        self.manager.connection_file = str(self.folder / "kernel.json")
        self.manager.socket_folder = self.folder
        self.manager.forked_kernel = forked_kernel
        # The process exits soon after the kernel, so nothing has to wait for ZeroMQ's threads.
        self.manager.context = zmq.asyncio.Context()
        self.client: Any = None
        self.why_not = ""
        try:
            run_sync(self._start)()
        except (NotWarm, RuntimeError, Empty) as problem:
            self.why_not = str(problem) or "the kernel that was started ahead did not answer"

    async def _start(self) -> None:
        env = kernel_environment({CHANNEL: str(socket_in(self.folder))})
        await self.manager.start_kernel(extra_arguments=[NO_HISTORY], env=env, cwd="/")
        self.client = self.manager.client()
        self.client.start_channels()
        await self.client.wait_for_ready(_START_S)
        self.client.allow_stdin = False
        # The first cell takes longest: this loads the code that it needs into memory.
        asked = self.client.execute(_NOTHING, silent=True, store_history=False)
        await self.client.shell_channel.get_msg(timeout=_START_S)
        await self.client.receives_output({asked})

    def why_cold(self, asked: KernelSpec, env: Mapping[str, str], cwd: str) -> str:
        """Return why a notebook needs another kernel; "" if it can use this one.

        Args:
            asked: Kernelspec of the notebook.
        """
        if self.why_not:
            return self.why_not
        cold = why_cold(asked, env, Path(cwd))
        return cold.why if cold else why_used(self.forked_kernel, launch_of(asked, env).env)

    def become(
        self,
        asked: KernelSpec,
        env: Mapping[str, str],
        cwd: str,
        *,
        address_space_bytes: int | None,
        gate: Gate,
    ) -> None:
        """Become the kernel of a run.

        Args:
            asked: Kernelspec of the notebook.
            env, cwd: Environment and working directory of the kernel.
            address_space_bytes: Limit of the address space; None for no limit.
            gate: Filters its output.
        """
        self.manager.gate = self.client.gate = gate
        provisioner = self.manager.provisioner
        launch = launch_of(asked, env)
        kwargs = run_sync(KernelProvisionerBase.pre_launch)(provisioner, env=dict(launch.env))
        self.forked_kernel.go(
            environment_of(kwargs["env"]),
            module=split_command(launch.command)[1],
            cwd=cwd,
            address_space_bytes=address_space_bytes,
        )

    def stop(self) -> None:
        """End the process; its folder stays."""
        self.forked_kernel.dismiss()

    def dismiss(self) -> None:
        """Kill it in any state, and delete its sockets."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
