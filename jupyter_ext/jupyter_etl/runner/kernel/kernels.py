"""Selection of a notebook's kernel, and the environment of kernels."""

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
"""Environment variable of kernels: the folder with the pinned files of the run's version."""

WORKING_FOLDER = "JUPYTER_ETL_FOLDER"
"""Environment variable of kernels that start in a folder of the attempt: that folder."""

SECRET = "JUPYTER_ETL_SECRET_"  # noqa: S105 - the beginning of a name, no value
"""Prefix of the environment variables that hold secrets; a kernel requests them from its runner."""

_PRIVATE = ("JUPYTER_ETL_LEDGER", "JUPYTER_ETL_ALERTS", SECRET)


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """An installed kernel.

    Args:
        name: Name of its kernelspec.
        language: The kernelspec's language in lower case.
        assumed: Whether the notebook named no kernel.
        spec: Kernelspec of jupyter_client.
    """

    name: str
    language: str
    assumed: bool
    spec: Any = None


def kernel_of(metadata: Mapping[str, Any]) -> Kernel:
    """Return the kernel that a notebook names, or ``python3`` if it names none.

    Raises:
        ExecutionError: The kernel is not installed; the message lists those that are.
    """
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel

    asked = str(metadata.get("kernelspec", {}).get("name") or "")
    # jupyter_client maps the old name "python" in the same way.
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
    """Return whether an environment variable is the platform's own, and hidden from kernels."""
    return variable.startswith(_PRIVATE)


def kernel_environment(own: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a kernel: the runner's, without the platform's private variables.

    Args:
        own: Additional variables of this kernel.
    """
    env = {name: value for name, value in os.environ.items() if not is_private(name)}
    return env | dict(own)
