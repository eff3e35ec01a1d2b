"""Secrets in environment variables."""

from __future__ import annotations

import os

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.runner.kernel.kernels import SECRET


class EnvironmentSecrets:
    """Variables ``JUPYTER_ETL_SECRET_<NAME>``: upper case, with ``_`` for other characters."""

    def get(self, name: str) -> str | None:
        """Return the value, or None."""
        return os.environ.get(self.variable(name))

    def names(self) -> list[str]:
        """Return the names of the variables in lower case, with ``_`` for other characters."""
        found = (key.removeprefix(SECRET).lower() for key in os.environ if key.startswith(SECRET))
        return sorted(name for name in found if name)

    def set(self, name: str, value: str) -> None:
        """Raise `PermissionDenied`: environment variables would not outlast the process."""
        raise PermissionDenied(
            f"The secret {name!r} cannot be stored in the environment by this command.",
            hint=f"Set {self.variable(name)} where the scheduler is started, or store the secret "
            "in a file.",
        )

    def remove(self, name: str) -> bool:
        """Return False if it is not set; raise `PermissionDenied` if it is."""
        if self.get(name) is None:
            return False
        raise PermissionDenied(
            f"The secret {name!r} comes from the environment, which this command cannot change.",
            hint=f"Unset {self.variable(name)} where the process is started.",
        )

    @staticmethod
    def variable(name: str) -> str:
        """Return the environment variable of a secret."""
        return SECRET + "".join(c if c.isalnum() else "_" for c in name).upper()
