"""The home of one user: its permissions, and whether its ledger was lost."""

from __future__ import annotations

import stat
from pathlib import Path

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.publishing.lake.layout import is_local
from jupyter_etl.publishing.lake.marker import marker_path
from jupyter_etl.services.settings import Settings


def make_private(home: Path) -> None:
    """Make the home, and narrow one that others may read to its owner, whatever the umask is.

    Args:
        home: From the settings. Where it cannot be made, what needs it fails later.

    Raises:
        PermissionDenied: Others may write it: what is in it cannot be trusted. Or they may read it,
            and it belongs to somebody else.
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
    """Refuse to make a new ledger where runs or publications of another one are.

    Raises:
        StoreError: The ledger's file is gone or empty, and the home or the lake was used.
    """
    # SQLAlchemy is imported only where it is needed.
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
