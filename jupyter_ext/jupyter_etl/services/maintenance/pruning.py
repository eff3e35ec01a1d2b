"""Pruning of old versions, files of killed attempts, old run folders, snapshots and logs."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

from jupyter_etl.errors import (
    Conflict,
    EtlError,
    PublishError,
    StorageError,
    user_code_boundary,
)
from jupyter_etl.model import (
    TERMINAL,
    Decision,
    Publication,
    PublicationKind,
    PublicationVersion,
)
from jupyter_etl.ports import Clock, Store
from jupyter_etl.runner.bundles.placement import bundles_folder
from jupyter_etl.runner.folders import STAGE, attempt_folder
from jupyter_etl.services.lakes import LedgerLake
from jupyter_etl.services.reading import publisher_for
from jupyter_etl.services.settings import Settings

CALLS = timedelta(days=90)
"""How long the calls of endpoints are counted by the minute."""

READERS = timedelta(days=1)
"""Maximum time that a reader needs a version that was the newest when it started."""


def plan_kept(
    history: Sequence[PublicationVersion],
    *,
    now: datetime,
    versions: int,
    days: int,
    used: Collection[int] = (),
) -> list[PublicationVersion]:
    """Return the versions to keep: the newest, the recent, and those that may still be read.

    Args:
        history: All recorded versions, newest first; pruned ones do not count.
        versions: Number of the newest versions to keep.
        days: Versions younger than this many days are kept.
        used: Numbers of versions that answer calls.

    Returns:
        Newest first; the newest is always included.
    """
    present = [version for version in history if version.pruned_at is None]
    kept = []
    for place, version in enumerate(present):
        young = version.published_at >= now - timedelta(days=days)
        succeeded_at = present[place - 1].published_at if place else now
        needed = place < max(1, versions) or version.number in used
        if needed or young or succeeded_at >= now - READERS:
            kept.append(version)
    return kept


FRESH = timedelta(hours=1)
"""Younger files in the lake are never deleted."""

_SETTLED = timedelta(days=1)
_TURN = timedelta(hours=1)
_LOG_BYTES = 10_000_000
_LOGS = ("scheduler.log", "alerts.log", "prune.log")


Waiting = frozenset[tuple[int, int]]
"""Attempts, as (run, number), whose stage has a pending approval."""


@dataclass(frozen=True, kw_only=True)
class Pruned:
    """What was deleted of one kind.

    Args:
        kind: ``versions`` (of publications), ``files`` (in the lake), ``runs`` (their folders),
            ``stages`` (of lost attempts), ``holds`` (expired approvals), ``snapshots``, ``bundles``
            (copies of pinned files) or ``logs``.
        count: Number of deleted items.
        bytes: Their size; 0 for versions, whose files are counted separately.
    """

    kind: str
    count: int
    bytes: int = 0


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """The result of pruning.

    Args:
        pruned: One entry per kind, in a fixed order.
        busy: Publications that were locked by a writer; the next round prunes them.
        failed: Files that could not be deleted, and why; one sentence each.
    """

    pruned: tuple[Pruned, ...]
    busy: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()


def prune(settings: Settings, store: Store, clock: Clock, *, dry_run: bool = False) -> Pruning:
    """Delete what the retention settings do not keep.

    Args:
        settings: Retention, and the location of everything.
        clock: The time.
        dry_run: Only count; change nothing.
    """
    busy: list[str] = []
    failed: list[str] = []
    versions, files, size = 0, 0, 0
    for publication in _publications(settings, store, failed):
        for draft in (False, True):
            try:
                gone = _prune_publication(publication, draft, settings, store, clock, dry_run)
            except _Busy:
                busy.append(publication.name)
                continue
            except EtlError as problem:
                failed.append(problem.message)
                continue
            versions, files, size = versions + gone[0], files + gone[1], size + gone[2]
    holds, waiting = _expire_holds(settings, store, clock, dry_run)
    snapshots = store.prune_snapshots(before=clock.now() - _SETTLED, dry_run=dry_run)
    return Pruning(
        pruned=(
            Pruned(kind="versions", count=versions),
            Pruned(kind="files", count=files, bytes=size),
            _prune_runs(settings, store, clock, dry_run, failed, waiting),
            _prune_stages(settings, store, clock, dry_run, failed, waiting),
            Pruned(kind="snapshots", count=snapshots[0], bytes=snapshots[1]),
            Pruned(
                kind="call counts",
                count=store.prune_call_counts(before=clock.now() - CALLS, dry_run=dry_run),
            ),
            _prune_bundles(settings, clock, dry_run, failed),
            holds,
            _rotate_logs(settings.home, dry_run),
        ),
        busy=tuple(busy),
        failed=tuple(failed),
    )


def _publications(settings: Settings, store: Store, failed: list[str]) -> list[Publication]:
    """Return all publications; none if the lake is not mounted."""
    try:
        LedgerLake(root=settings.lake, store=store).check()
    except StorageError as problem:
        failed.append(problem.message)
        return []
    return store.load_publications()


def _prune_publication(
    publication: Publication,
    draft: bool,
    settings: Settings,
    store: Store,
    clock: Clock,
    dry_run: bool,
) -> tuple[int, int, int]:
    """Return the number of deleted versions and files, and the files' bytes."""
    name = publication.name
    with _publication_lock(store, clock, name, draft, dry_run):
        now = clock.now()
        history = store.load_publication_versions(name, draft=draft)
        kept = plan_kept(
            history,
            now=now,
            versions=settings.keep_versions,
            days=settings.keep_days,
            used=() if draft else _answering(publication, store),
        )
        if not kept:
            return 0, 0, 0
        numbers = {version.number for version in kept}
        gone = [v.number for v in history if v.pruned_at is None and v.number not in numbers]
        if gone and not dry_run:
            # Update the ledger before deleting files, so that readers get a clear error.
            store.save_pruned(name, gone, draft=draft, now=now)
        with user_code_boundary(f"Sweeping {name!r}", PublishError):
            swept = publisher_for(publication.kind).clean_up(
                kept,
                name=name,
                lake=settings.lake,
                draft=draft,
                older_than=now - FRESH,
                dry_run=dry_run,
            )
    return len(gone), swept.files, swept.bytes


def _answering(publication: Publication, store: Store) -> tuple[int, ...]:
    """Return the versions of an endpoint that answer calls; they need not be the newest."""
    if publication.kind is not PublicationKind.API or publication.live is None:
        return ()
    traffic = store.load_traffic(publication.name)
    return (traffic.live, *traffic.served)


class _Busy(Exception):
    """Another process is committing to the publication."""


@contextmanager
def _publication_lock(
    store: Store, clock: Clock, name: str, draft: bool, dry_run: bool
) -> Iterator[None]:
    """Prevent commits to a publication while it is pruned; raises `_Busy`."""
    if dry_run:
        yield
        return
    token, now = f"prune-{uuid4().hex}", clock.now()
    if store.begin_commits([name], draft=draft, token=token, until=now + _TURN, now=now):
        raise _Busy
    try:
        yield
    finally:
        store.end_commits(token)


def _expire_holds(
    settings: Settings, store: Store, clock: Clock, dry_run: bool
) -> tuple[Pruned, Waiting]:
    """Discard held outputs whose time for approval is over; also return the others."""
    before = clock.now() - timedelta(days=settings.keep_held_days)
    held = store.load_holds()
    old = [hold for hold in held if hold.held_at < before]
    expired = 0
    for hold in old:
        # A user may be deciding at this moment: then the hold is no longer ours.
        with suppress(Conflict):
            if not dry_run:
                store.decide_hold(hold, Decision.EXPIRED, by="", now=clock.now())
            expired += 1
    waiting = {(hold.run_id, hold.attempt) for hold in held if hold not in old}
    return Pruned(kind="holds", count=expired), frozenset(waiting)


def _prune_runs(
    settings: Settings,
    store: Store,
    clock: Clock,
    dry_run: bool,
    failed: list[str],
    waiting: Waiting,
) -> Pruned:
    """Delete the folders of old runs beyond each pipeline's newest; their records stay."""
    before = clock.now() - timedelta(days=settings.keep_days)
    old = store.load_old_runs(before=before, keep=settings.keep_versions)
    held = {run_id for run_id, _ in waiting}
    folders = {
        run_id: attempt_folder(settings.home, run_id, 1).parent
        for run_id in old
        if run_id not in held
    }
    # Check right before each deletion: a user may retry an old run in the meantime.
    settled = (
        folder
        for run_id, folder in folders.items()
        if folder.is_dir() and store.load_run(run_id).state in TERMINAL
    )
    store.prune_lineage(before=before, keep=settings.keep_versions, dry_run=dry_run)
    return _delete_folders("runs", settled, dry_run, failed)


def _prune_stages(
    settings: Settings,
    store: Store,
    clock: Clock,
    dry_run: bool,
    failed: list[str],
    waiting: Waiting,
) -> Pruned:
    """Delete staged files that ended attempts did not clean up."""
    stages = {
        (int(stage.parent.parent.name), int(stage.parent.name)): stage
        for stage in (settings.home / "runs").glob(f"*/*/{STAGE}")
        if stage.parent.parent.name.isdecimal() and stage.parent.name.isdecimal()
    }
    run_ids = sorted({run_id for run_id, _ in stages})
    ended = store.load_ended_attempts(run_ids, before=clock.now() - _SETTLED)
    folders = [stages[one] for one in ended if one in stages and one not in waiting]
    return _delete_folders("stages", folders, dry_run, failed)


def _prune_bundles(settings: Settings, clock: Clock, dry_run: bool, failed: list[str]) -> Pruned:
    """Delete unused copies of pinned files; the ledger has the originals."""
    before = (clock.now() - timedelta(days=settings.keep_days)).timestamp()
    folders = bundles_folder(settings.home).glob("*")
    old = [folder for folder in folders if folder.stat().st_mtime < before]
    return _delete_folders("bundles", old, dry_run, failed)


def _delete_folders(kind: str, folders: Iterable[Path], dry_run: bool, failed: list[str]) -> Pruned:
    count, size = 0, 0
    for folder in folders:
        if not folder.is_dir() or folder.is_symlink():
            continue
        held = _bytes_in(folder)
        try:
            if not dry_run:
                shutil.rmtree(folder)
        except OSError as problem:
            failed.append(f"{folder} cannot be deleted: {problem.strerror}.")
            continue
        count, size = count + 1, size + held
    return Pruned(kind=kind, count=count, bytes=size)


def _bytes_in(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir())


def _rotate_logs(home: Path, dry_run: bool) -> Pruned:
    """Truncate logs that have become too large; their end is kept in ``NAME.1``.

    They are truncated in place, because other processes have them open for appending.
    """
    count, size = 0, 0
    for name in _LOGS:
        log = home / name
        if not log.is_file() or log.stat().st_size <= _LOG_BYTES:
            continue
        held = log.stat().st_size
        if not dry_run:
            with log.open("rb+") as file:
                file.seek(-_LOG_BYTES, 2)
                log.with_name(f"{name}.1").write_bytes(file.read())
                file.truncate(0)
        count, size = count + 1, size + held - _LOG_BYTES
    return Pruned(kind="logs", count=count, bytes=size)
