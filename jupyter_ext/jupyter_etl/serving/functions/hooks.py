"""What `jupyter_etl` calls inside an endpoint's worker, which has neither ledger nor runner."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jupyter_etl.errors import PermissionDenied


def _no_secret(name: str) -> str:
    raise PermissionDenied(f"The secret {name!r} is not available to this endpoint.")


def _no_lookup(name: str, **key: Any) -> Any:
    raise PermissionDenied(f"The table {name!r} is not available to this endpoint.")


@dataclass(frozen=True, kw_only=True)
class WorkerHooks:
    """What a worker resolves for the function that it calls.

    Args:
        secret: Returns the value of a secret: ``etl.secret("x")``.
        lookup: Returns rows of a publication by key: ``etl.lookup("sales.by_customer", cust=7)``.
    """

    secret: Callable[[str], str] = _no_secret
    lookup: Callable[..., Any] = _no_lookup


class _Installed:
    """The hooks of this process: one per process, in all of its threads."""

    hooks: WorkerHooks | None = None


def install_hooks(hooks: WorkerHooks | None) -> None:
    """Use some hooks in this process from now on; None removes them."""
    _Installed.hooks = hooks


def worker_hooks() -> WorkerHooks | None:
    """Return the hooks of this process; None outside workers."""
    return _Installed.hooks
