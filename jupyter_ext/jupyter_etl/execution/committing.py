"""From staged outputs to the ledger: what a successful run does last."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from jupyter_etl.errors import NotFound, PublishError, StoreError, user_code_boundary
from jupyter_etl.execution.beat import Beats
from jupyter_etl.model import Committed, PublicationKind, PublicationVersion, Staged
from jupyter_etl.ports import Claim, Publisher, Store

_RETRY_S = 0.5

T = TypeVar("T")


def commit_outputs(
    staged: list[Staged],
    *,
    claim: Claim,
    store: Store,
    publishers: Mapping[PublicationKind, Publisher],
    lake: str,
    executed: Path,
    beats: Beats,
) -> tuple[Committed, ...]:
    """Move every staged output to its place; the ledger makes them visible afterwards.

    Args:
        staged: What the run has staged.
        claim: Whose run it is.
        store: The ledger, for numbers and previous versions.
        publishers: By kind.
        lake: Folder or URL under which all outputs lie.
        executed: The executed notebook, which reports are made of.
        beats: Tell whether the attempt still owns its run while the ledger is out of reach.

    Raises:
        EtlError: An output could not be committed. None of them becomes visible.
    """
    run = claim.run
    committed = []
    for one in staged:
        name, draft = one.name, run.new.draft
        number = outlast(lambda n=name, d=draft: store.next_publication_number(n, draft=d), beats)  # type: ignore[misc]
        previous = outlast(lambda n=name, d=draft: _previous(store, n, draft=d), beats)  # type: ignore[misc]
        ready = one
        if one.kind is PublicationKind.REPORT:
            ready = replace(one, options={**one.options, "notebook": str(executed)})
        with user_code_boundary(f"the publisher of {one.kind} {name!r}", PublishError):
            committed.append(
                publishers[one.kind].commit(
                    ready,
                    lake=lake,
                    draft=draft,
                    number=number,
                    token=f"run-{run.id}/{name}",
                    previous=previous,
                )
            )
    return tuple(committed)


def outlast(call: Callable[[], T], beats: Beats) -> T:
    """Call the ledger until it answers, for as long as the attempt owns its run.

    Args:
        call: What to ask.
        beats: Tell whether the attempt still owns its run.

    Raises:
        StoreError: The lease is over and the ledger still cannot be reached, or waiting is vain.
    """
    while True:
        try:
            return call()
        except StoreError as problem:
            if not problem.retryable or not beats.beat():
                raise
            threading.Event().wait(_RETRY_S)


def _previous(store: Store, name: str, *, draft: bool) -> PublicationVersion | None:
    try:
        publication = store.load_publication(name)
    except NotFound:
        return None
    return publication.draft if draft else publication.live
