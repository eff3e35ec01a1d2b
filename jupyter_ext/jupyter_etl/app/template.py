"""``python -m jupyter_etl.app.template LIFE ROOM``: the process whose forks make attempts."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

# `python -m` puts the working directory here; nothing is to be imported from there.
sys.path.pop(0)

import msgspec
import nbformat
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory

from jupyter_etl.app.attempt import Attempting, load_publishers, skip_slow_import
from jupyter_etl.app.rehearsal import write_script
from jupyter_etl.execution.fork import leave
from jupyter_etl.execution.standby import MakeReady
from jupyter_etl.execution.template import Life, serve


def prepare() -> MakeReady:
    """Find the installed blocks, compile the notebooks' schema, and write what is rehearsed."""
    load_publishers()
    untyped: Any = nbformat
    untyped.validate(untyped.v4.new_notebook())
    KernelProvisionerFactory.instance()
    KernelSpecManager().find_kernel_specs()
    return partial(Attempting, script=write_script())


if __name__ == "__main__":
    skip_slow_import()
    words = (sys.executable, "-m", "jupyter_etl.app.template")
    serve(msgspec.json.decode(sys.argv[1], type=Life), prepare, words)
    leave(0)
