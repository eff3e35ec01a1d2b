"""Commits staged outputs: publication locks, publish gate, commits."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from jupyter_etl.errors import NotFound, PublishError, user_code_boundary
from jupyter_etl.model import (
    Batch,
    Cause,
    CheckResult,
    Committed,
    CursorMove,
    Difference,
    Promotion,
    PublicationKind,
    PublicationVersion,
    Run,
    Staged,
)
from jupyter_etl.ports import AttemptPolicy, Claim, PublicationStore
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.watermarks import refuse_doubles

_POLL_S = (0.1, 0.5)


class HeldBack(Exception):
    """Staged outputs need approval before they can be committed.

    Args:
        differences: Those of all outputs that are compared, including those with reasons.
        checks: The rules of severity error that failed.
    """

    def __init__(
        self, differences: tuple[Difference, ...], checks: tuple[CheckResult, ...] = ()
    ) -> None:
        super().__init__(differences, checks)
        self.differences = differences
        self.checks = checks

    @property
    def sentence(self) -> str:
        """The failed checks by dataset, and the reasons of the gate by publication."""
        first = {one.dataset: one for one in reversed(self.checks)}
        count = Counter(one.dataset for one in self.checks)
        failed = [
            f"a check of {name!r} failed: {first[name].message}"
            + (f" (and {count[name] - 1} more)" if count[name] > 1 else "")
            for name in count
        ]
        reasons = [f"{d.name!r} is held: {r}" for d in self.differences for r in d.reasons]
        return "; ".join([*failed, *reasons])


def commit_outputs(
    context: AttemptContext,
    policy: AttemptPolicy,
    staged: Sequence[Staged],
    *,
    failed_checks: tuple[CheckResult, ...] = (),
    moves: Sequence[CursorMove] = (),
) -> tuple[Committed, ...]:
    """Commit every staged output; the ledger makes them visible afterwards.

    The publication locks are acquired first. They are held until the attempt has ended in the
    ledger, so that each commit is based on the live version, and the next commit on that of this
    run.

    Args:
        failed_checks: The rules of severity error that failed.
        moves: The moves of watermarks by the run's incremental loads.

    Raises:
        HeldBack: A check failed, or the gate has reasons; nothing was committed.
        EtlError: An output could not be committed, or the attempt has to stop. None of them becomes
            visible.
    """
    if staged:
        _acquire_locks(context, [one.name for one in staged])
    _check(context, policy, staged, failed_checks, moves)
    if not staged:
        return ()
    context.ask_ledger(context.lake.claim)
    committed = tuple([_commit(context, one) for one in staged])
    # The file system may have been unmounted meanwhile, and the written files with it.
    context.ask_ledger(context.lake.check)
    return committed


def _check(
    context: AttemptContext,
    policy: AttemptPolicy,
    staged: Sequence[Staged],
    failed_checks: tuple[CheckResult, ...],
    moves: Sequence[CursorMove],
) -> None:
    """Raise `HeldBack` if approval is needed, `PublishError` for rows that were read twice."""
    differences: tuple[Difference, ...] = ()
    new, load = context.claim.run.new, context.store.load_watermark
    if not new.draft:
        cursors = [move.cursor for move in moves]
        now = {one: context.ask_ledger(partial(load, new.pipeline, one)) for one in cursors}
        refuse_doubles(staged, moves, now)
        differences = _differences(context, policy, staged)
    if failed_checks or any(one.reasons for one in differences):
        raise HeldBack(differences, failed_checks)


def _differences(
    context: AttemptContext, policy: AttemptPolicy, staged: Sequence[Staged]
) -> tuple[Difference, ...]:
    """Compare the outputs with the live versions, under their locks, so that neither changes."""
    found = []
    for one in staged:
        previous = context.ask_ledger(partial(newest_version, context.store, one.name, draft=False))
        if previous is None or previous.pruned_at is not None:
            continue
        with user_code_boundary(f"the publisher of {one.kind} {one.name!r}", PublishError):
            difference = context.publishers[one.kind].compare(one, previous)
        if difference is not None:
            found.append(policy.gate(difference, one))
    return tuple(found)


def _commit(context: AttemptContext, staged: Staged) -> Committed:
    store, run, name = context.store, context.claim.run, staged.name
    draft = run.new.draft
    number = context.ask_ledger(partial(store.next_publication_number, name, draft=draft))
    previous = context.ask_ledger(partial(newest_version, store, name, draft=draft))
    ready = replace(staged, batch=staged.batch or batch_of(run, staged))
    if staged.kind is PublicationKind.REPORT:
        ready = replace(ready, options={**staged.options, "notebook": str(context.executed)})
    with user_code_boundary(f"the publisher of {staged.kind} {name!r}", PublishError):
        committed = context.publishers[staged.kind].commit(
            ready,
            lake=context.lake.root,
            draft=draft,
            number=number,
            token=_token(context.claim, name),
            previous=previous,
        )
    return replace(committed, promote=run.new.policy.promote is Promotion.AUTO)


def batch_of(run: Run, staged: Staged) -> Batch:
    """Return the batch that identifies the rows that a run appends.

    Runs of one pipeline for one interval append the same rows; a run for an upstream version
    appends unique ones; a run on request may be repeated, so its rows identify it.
    """
    if run.new.cause in (Cause.SCHEDULE, Cause.BACKFILL):
        return Batch(key=run.new.pipeline, interval=run.new.interval)
    if run.new.cause is Cause.MANUAL and staged.digest:
        return batch_of_rows(staged)
    return Batch(key=f"run:{run.id}", apart=run.new.cause is Cause.MANUAL)


def batch_of_rows(staged: Staged) -> Batch:
    """Return the batch of an append that is identified by its rows alone."""
    return Batch(key=f"rows:{staged.digest}", apart=True)


def _token(claim: Claim, name: str) -> str:
    """Return the token of a commit.

    It contains the attempt's number: an unrecorded commit of an earlier attempt is undone, because
    the checks of this attempt read other rows.
    """
    return f"run-{claim.run.id}.{claim.attempt.number}/{name}"


def _acquire_locks(context: AttemptContext, names: Sequence[str]) -> None:
    claim, waits = context.claim, False
    attempt = claim.attempt
    while True:
        locked = context.ask_ledger(
            lambda: context.store.begin_commits(
                names,
                draft=claim.run.new.draft,
                token=attempt.token,
                run_id=attempt.run_id,
                number=attempt.number,
                now=context.clock.now(),
            )
        )
        if not locked:
            return
        if not waits:
            context.remark(f"waits for the publication lock of {', '.join(locked)}")
            waits = True
        # Random, so that waiting attempts do not all poll at the same time.
        threading.Event().wait(random.uniform(*_POLL_S))
        if context.cancellation.reason is not None:
            raise PublishError(
                f"The attempt was stopped while it waited for the publication lock of {names[0]!r}."
            )


def newest_version(store: PublicationStore, name: str, *, draft: bool) -> PublicationVersion | None:
    """Return the version that the next one follows: the live version, or the newest draft."""
    try:
        publication = store.load_publication(name)
    except NotFound:
        return None
    return publication.draft if draft else publication.live
