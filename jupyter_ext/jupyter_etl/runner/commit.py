"""From staged outputs to committed ones: publication locks, publish gate, commits."""

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
    """What was staged must not be committed before a person has approved it.

    Args:
        differences: Of all its tables, those with reasons among them.
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
    """Move every staged output to its place; the ledger makes them visible afterwards.

    The publication locks are acquired first. They are held until the attempt has ended in the
    ledger, so that each commit is built on what is live, and the next one on what this run
    publishes.

    Args:
        failed_checks: The rules of severity error that failed.
        moves: What the run's incremental loads read.

    Raises:
        HeldBack: A check failed, or the gate has reasons; nothing was committed.
        EtlError: An output could not be committed, or the attempt has to stop. None of them
            becomes visible.
    """
    if staged:
        _acquire_locks(context, [one.name for one in staged])
    _check(context, policy, staged, failed_checks, moves)
    if not staged:
        return ()
    context.ask_ledger(context.lake.claim)
    committed = tuple([_commit(context, one) for one in staged])
    # The file system may have been unmounted meanwhile: then what was written is not there.
    context.ask_ledger(context.lake.check)
    return committed


def _check(
    context: AttemptContext,
    policy: AttemptPolicy,
    staged: Sequence[Staged],
    failed_checks: tuple[CheckResult, ...],
    moves: Sequence[CursorMove],
) -> None:
    """Raise `HeldBack` for what a person has to approve, `PublishError` for rows that were read twice."""
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
    """Compare the tables with what is live, under their locks, so that nothing changes afterwards."""
    found = []
    for one in staged:
        if one.kind is not PublicationKind.TABLE:
            continue
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
        return context.publishers[staged.kind].commit(
            ready,
            lake=context.lake.root,
            draft=draft,
            number=number,
            token=_token(context.claim, name),
            previous=previous,
        )


def batch_of(run: Run, staged: Staged) -> Batch:
    """Return what the rows are that a run appends.

    Runs of one pipeline for one interval append the same; a run for an upstream version appends
    what no other does; a run on request may be repeated, so its rows identify it.
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

    With the attempt's number: what an earlier attempt has committed and not recorded is undone,
    for the checks of this one have seen other rows.
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
        # Random, so that the attempts that wait do not all ask at the same time.
        threading.Event().wait(random.uniform(*_POLL_S))
        if context.cancellation.reason is not None:
            raise PublishError(
                f"The attempt was stopped while it waited for the publication lock of {names[0]!r}."
            )


def newest_version(store: PublicationStore, name: str, *, draft: bool) -> PublicationVersion | None:
    """Return what the next version follows: the live version, or the newest draft."""
    try:
        publication = store.load_publication(name)
    except NotFound:
        return None
    return publication.draft if draft else publication.live
