"""``python -m jupyter_etl.services.processes.fork_server STATE PADDING``: the runners' fork server."""

from __future__ import annotations

import sys
from typing import Any

# `python -m` adds the working directory; nothing must be imported from there.
sys.path.pop(0)

import msgspec
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from jupyter_etl.runner.channel.sockets import clean_up_sockets
from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel
from jupyter_etl.runner.warm.fork_server import ForkServerState, serve
from jupyter_etl.services.processes.attempt import Attempting, load_publishers, skip_slow_import
from jupyter_etl.services.processes.warm_up import Script, write_script
from jupyter_etl.system.fork import leave


class Attempts:
    """Prepares runners; before that it loads the plug-ins and compiles the notebook schema."""

    def __init__(self) -> None:
        load_publishers()
        untyped: Any = nbformat
        untyped.validate(untyped.v4.new_notebook())
        KernelProvisionerFactory.instance()
        KernelSpecManager().find_kernel_specs()
        self._script: Script | None = None

    def plan_warm_up(self) -> None:
        """Write the warm-up script, and clean up after killed runners that had no attempt yet."""
        if self._script is None:
            clean_up_sockets()
            self._script = write_script()

    def make_ready(self, forked_kernel: ForkedKernel) -> Attempting:
        """Return the object that makes the attempt of a runner."""
        return Attempting(forked_kernel, script=self._script)


if __name__ == "__main__":
    skip_slow_import()
    words = (sys.executable, "-m", "jupyter_etl.services.processes.fork_server")
    serve(msgspec.json.decode(sys.argv[1], type=ForkServerState), Attempts, words)
    leave(0)
