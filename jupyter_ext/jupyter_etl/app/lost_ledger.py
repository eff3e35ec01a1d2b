"""Whether a ledger that is not there was there before."""

from __future__ import annotations

from pathlib import Path

from jupyter_etl.app.settings import Settings
from jupyter_etl.publishing.lake import is_local
from jupyter_etl.publishing.lake_marker import marker_path


def refuse_lost_ledger(settings: Settings) -> None:
    """Refuse to make a new ledger where runs or publications of another one are.

    Args:
        settings: Where everything is.

    Raises:
        StoreError: The ledger's file is gone or empty, and the home or the lake was used.
    """
    # SQLAlchemy is imported only where it is needed.
    if not settings.ledger.startswith("sqlite"):
        return
    from jupyter_etl.store.connection import Ledger
    from jupyter_etl.store.ledger_file import refuse_lost

    ledger = Ledger(settings.ledger)
    if ledger.path is None:
        return
    traces = [settings.home / "runs"]
    if is_local(settings.lake):
        traces.append(Path(marker_path(settings.lake)))
    refuse_lost(ledger.path, ledger.place, *traces)
