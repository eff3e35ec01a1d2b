"""Which kernel executes a notebook, and in what environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jupyter_etl.errors import ExecutionError

DEFAULT_KERNEL = "python3"
ATTEMPT = "JUPYTER_ETL_ATTEMPT"
"""Environment variable that all processes of an attempt's kernel carry: the attempt's folder."""

COLD = "JUPYTER_ETL_COLD"
"""Environment variable with the reason why a runner was not forked from a fork server."""

BUNDLE = "JUPYTER_ETL_BUNDLE"
"""Environment variable of kernels: the folder that has the pinned files of the run's version."""

WORKING_FOLDER = "JUPYTER_ETL_FOLDER"
"""Environment variable of kernels that start in a folder of the attempt: that folder."""

SECRET = "JUPYTER_ETL_SECRET_"  # noqa: S105 - the beginning of a name, no value
"""Beginning of the environment variables that hold secrets; a kernel asks its runner for them."""

_PRIVATE = ("JUPYTER_ETL_LEDGER", "JUPYTER_ETL_ALERTS", SECRET)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A kernel that is installed.

    Args:
        name: Of its kernelspec.
        language: As the kernelspec says it, lower case.
        assumed: Whether the notebook named none.
        spec: Its kernelspec, of jupyter_client.
    """

    name: str
    language: str
    assumed: bool
    spec: Any = None


def kernel_of(metadata: Mapping[str, Any]) -> Kernel:
    """Return the kernel a notebook asks for; one that asks for none gets ``python3``.

    Raises:
        ExecutionError: The kernel is not installed; the message lists those that are.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    asked = str(metadata.get("kernelspec", {}).get("name") or "")
    # jupyter_client understands the old name "python" in the same way.
    name = DEFAULT_KERNEL if asked in ("", "python") else asked
    manager = KernelSpecManager()
    try:
        spec = manager.get_kernel_spec(name)
    except NoSuchKernel as problem:
        known = ", ".join(sorted(manager.find_kernel_specs())) or "none"
        raise ExecutionError(
            f"The kernel {name!r} is not installed where runs are executed; installed: {known}.",
            hint="Choose another kernel for the notebook and deploy it again, or install this one.",
        ) from problem
    return Kernel(name=name, language=str(spec.language).lower(), assumed=not asked, spec=spec)


def is_private(variable: str) -> bool:
    """Whether only the platform may know an environment variable, and no kernel."""
    return variable.startswith(_PRIVATE)


def kernel_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a kernel: the runner's, without what only the platform may know.

    Args:
        own: Additional variables of this kernel.
    """
    env = {name: value for name, value in os.environ.items() if not is_private(name)}
    return env | dict(own)
