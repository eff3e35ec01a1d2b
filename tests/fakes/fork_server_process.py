"""``python fork_server_process.py STAND_IN STATE PADDING``: a fork server with scripted runners."""

from __future__ import annotations

import os
import runpy
import sys
from pathlib import Path

import msgspec

from jupyter_etl.runner.kernel.forked_kernel import ForkedKernel
from jupyter_etl.runner.warm.fork_server import ForkServerState, serve
from jupyter_etl.system.fork import leave

if __name__ == "__main__":
    script, state = sys.argv[1], msgspec.json.decode(sys.argv[2], type=ForkServerState)

    class Ready:
        """Runs the script for a folder, and exits with its status."""

        def __init__(self, forked_kernel: ForkedKernel) -> None:
            """Ignore the kernel."""
            self._warmed_up = Path(script).with_name("warmed-up")

        def warm_up(self) -> None:
            """Record the process, and fail if the test requests it."""
            with self._warmed_up.open("a") as file:
                file.write(f"{os.getpid()}\n")
            if self._warmed_up.with_name("fails").exists():
                raise RuntimeError("the warm-up failed")

        def run(self, folder: Path) -> int:
            """Run the script."""
            sys.argv = [script, str(folder)]
            try:
                runpy.run_path(script, run_name="__main__")
            except SystemExit as end:
                return int(end.code or 0)
            return 0

        def dismiss(self) -> None:
            """There are no resources to release."""

    class ForkTarget:
        """Prestarts runners of the script."""

        def plan_warm_up(self) -> None:
            """There is nothing to plan."""

        def make_ready(self, forked_kernel: ForkedKernel) -> Ready:
            """Return a runner of the script."""
            return Ready(forked_kernel)

    serve(state, ForkTarget, (sys.executable, __file__, script))
    leave(0)
