"""Publication locks for commits outside runs: approvals, rollbacks and interactive publishing."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import timedelta
from uuid import uuid4

from jupyter_etl.errors import Conflict, EtlError
from jupyter_etl.ports import Clock, PublicationLockStore

_TURN = timedelta(minutes=5)
"""Time after which a publication lock expires, because its process is assumed dead."""

_PATIENCE_S = 60.0
_POLL_S = 0.2


@contextmanager
def publication_lock(
    store: PublicationLockStore, clock: Clock, names: Sequence[str], *, draft: bool
) -> Iterator[str]:
    """Hold the publication lock; it is released if the body fails.

    On success, the transaction that records the commit releases the lock.

    Args:
        draft: Whether to lock the drafts.

    Raises:
        Conflict: Another process holds the lock for too long.
    """
    token = f"hand-{uuid4().hex}"
    _take(store, clock, names, draft, token)
    try:
        yield token
    except BaseException:
        with suppress(EtlError):
            store.end_commits(token)
        raise


def _take(
    store: PublicationLockStore, clock: Clock, names: Sequence[str], draft: bool, token: str
) -> None:
    deadline = clock.monotonic() + _PATIENCE_S
    while True:
        now = clock.now()
        taken = store.begin_commits(names, draft=draft, token=token, until=now + _TURN, now=now)
        if not taken:
            return
        if clock.monotonic() > deadline:
            raise Conflict(
                f"{taken[0]!r} has been locked by another publication for more than "
                f"{_PATIENCE_S:.0f} s.",
                hint="Publish again when it has finished: %etl runs",
            )
        time.sleep(_POLL_S)
