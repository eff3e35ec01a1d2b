"""Publishing outside a run: commit a staged output, and make it visible at once."""

from __future__ import annotations

from jupyter_etl.errors import PublishError, user_code_boundary
from jupyter_etl.model import PublicationVersion, Staged
from jupyter_etl.ports import Clock, Lake, Store
from jupyter_etl.runner.commit import newest_version
from jupyter_etl.services.publications.locks import publication_lock
from jupyter_etl.services.reading import publisher_for


def publish_staged(
    staged: Staged,
    *,
    store: Store,
    clock: Clock,
    lake: Lake,
    owner: str,
    pipeline: str = "",
    notebook: str = "",
    draft: bool,
) -> PublicationVersion:
    """Publish a staged output as the live version, or as a draft.

    Raises:
        PublishError: It cannot be committed.
        PermissionDenied: The name belongs to another owner.
        Conflict: It is of another kind, or another process holds the publication lock for too long.
    """
    store.check_publication(staged.name, staged.kind, owner)
    with publication_lock(store, clock, [staged.name], draft=draft) as token:
        with user_code_boundary(f"Publishing {staged.name!r}", PublishError):
            lake.claim()
            committed = publisher_for(staged.kind).commit(
                staged,
                lake=lake.root,
                draft=draft,
                number=store.next_publication_number(staged.name, draft=draft),
                token=f"{token}/{staged.name}",
                previous=newest_version(store, staged.name, draft=draft),
            )
        return store.publish(
            committed,
            owner=owner,
            pipeline=pipeline,
            notebook=notebook,
            draft=draft,
            now=clock.now(),
            token=token,
        )
