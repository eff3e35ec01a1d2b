"""How a run's kernel is launched: bound to its runner, and with limits."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from jupyter_client.provisioning.local_provisioner import LocalProvisioner

_LAUNCHER = str(Path(__file__).with_name("launcher.py"))


class EtlLocalProvisioner(LocalProvisioner):
    """Launches a kernel that ends with the thread that launched it; known as ``etl-local``.

    Linux has the means for it. Elsewhere kernels are launched as jupyter_client does.
    """

    address_space_bytes: int | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        """Put the launcher in front of the kernel's command.

        Raises:
            FileNotFoundError: The kernel's program is not there.
        """
        prepared: dict[str, Any] = await super().pre_launch(**kwargs)
        if sys.platform == "linux":
            command = [str(Path(word).expanduser()) for word in prepared["cmd"][:1]]
            command += prepared["cmd"][1:]
            _require(command[0], prepared.get("env"))
            limit = str(self.address_space_bytes or 0)
            prepared["cmd"] = [
                *(sys.executable, "-I", "-S", _LAUNCHER),
                *(str(os.getpid()), limit),
                *command,
            ]
        return prepared


def _require(program: str, env: dict[str, str] | None) -> None:
    path = None if env is None else env.get("PATH")
    if shutil.which(program, path=path) is None:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
