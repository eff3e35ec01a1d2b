"""Secrets in the environment."""

from __future__ import annotations

import os

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.runner.kernel.kernels import SECRET


class EnvironmentSecrets:
    """``JUPYTER_ETL_SECRET_<NAME>`` in the environment, the name in capitals, others as ``_``."""

    def get(self, name: str) -> str | None:
        """Return the value, or None."""
        return os.environ.get(self.variable(name))

    def names(self) -> list[str]:
        """Return the names that are set, in small letters; what was no letter is ``_``."""
        found = (key.removeprefix(SECRET).lower() for key in os.environ if key.startswith(SECRET))
        return sorted(name for name in found if name)

    def set(self, name: str, value: str) -> None:
        """Refuse: the environment of a process ends with it; raises `PermissionDenied`."""
        raise PermissionDenied(
            f"The secret {name!r} cannot be stored in the environment by this command.",
            hint=f"Set {self.variable(name)} where the scheduler is started, or store the secret "
            "in a file.",
        )

    def remove(self, name: str) -> bool:
        """Return False where it is not set; refuse where it is, with `PermissionDenied`."""
        if self.get(name) is None:
            return False
        raise PermissionDenied(
            f"The secret {name!r} comes from the environment, which this command cannot change.",
            hint=f"Unset {self.variable(name)} where the process is started.",
        )

    @staticmethod
    def variable(name: str) -> str:
        """Return the variable that holds a secret."""
        return SECRET + "".join(c if c.isalnum() else "_" for c in name).upper()
