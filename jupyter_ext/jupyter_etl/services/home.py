"""The home of a user: permissions, and protection against a lost ledger."""

from __future__ import annotations

import stat
from pathlib import Path

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.publishing.lake.layout import is_local, marker_path
from jupyter_etl.services.settings import Settings


def make_private(home: Path) -> None:
    """Create the home, and restrict its permissions to its owner, regardless of the umask.

    Args:
        home: From the settings. If it cannot be created, later uses of it fail.

    Raises:
        PermissionDenied: Others can write to it, so its content cannot be trusted; or others
            can read it and it belongs to another user.
    """
    try:
        if not home.exists():
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            home.chmod(0o700)
        mode = home.stat().st_mode
    except OSError:
        return
    if mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise PermissionDenied(
            f"Other users can write to the home {home} ({stat.filemode(mode)}).",
            hint=f"Check it for files that are not yours; then: chmod 700 {home}",
        )
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        try:
            home.chmod(0o700)
        except OSError as problem:
            raise PermissionDenied(
                f"Other users can read the home {home} ({stat.filemode(mode)}), and this cannot "
                f"be changed: {problem.strerror}.",
                hint=f"Its owner has to run: chmod 700 {home}",
            ) from problem


def refuse_lost_ledger(settings: Settings) -> None:
    """Refuse to create a new ledger next to runs or publications of another one.

    Raises:
        StoreError: The ledger's file is missing or empty, but the home or the lake was used before.
    """
    # SQLAlchemy is imported only when needed.
    if not settings.ledger.startswith("sqlite"):
        return
    from jupyter_etl.ledger.connection import Ledger
    from jupyter_etl.ledger.databases.sqlite import refuse_lost

    ledger = Ledger(settings.ledger)
    if ledger.path is None:
        return
    traces = [settings.home / "runs"]
    if is_local(settings.lake):
        traces.append(Path(marker_path(settings.lake)))
    refuse_lost(ledger.path, ledger.place, *traces)
