"""From staged outputs to the ledger: what a successful run does last."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from jupyter_etl.errors import NotFound, PublishError, StoreError, user_code_boundary
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
from jupyter_etl.ports import Claim, Clock, Lake, Publisher, Store
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.watchdogs.cancellation import Cancellation
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats
from jupyter_etl.runner.watermarks import refuse_doubles

_RETRY_S = 0.5
_TURN_S = (0.1, 0.5)

T = TypeVar("T")

Gate = Callable[[Difference, Staged], Difference]
"""``gate(difference, staged)``: adds the reasons why a person has to look at it first."""


class HeldBack(Exception):
    """What was staged is not to be committed before a person has looked at it.

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
    staged: Sequence[Staged],
    *,
    claim: Claim,
    store: Store,
    publishers: Mapping[PublicationKind, Publisher],
    clock: Clock,
    lake: Lake,
    executed: Path,
    heartbeats: Heartbeats,
    cancellation: Cancellation,
    events: EventLog,
    gate: Gate | None = None,
    broken: tuple[CheckResult, ...] = (),
    moves: Sequence[CursorMove] = (),
) -> tuple[Committed, ...]:
    """Move every staged output to its place; the ledger makes them visible afterwards.

    The publications' turns are taken first. They last until the attempt has ended in the ledger,
    so that each commit is built on what is live, and the next one on what this run publishes.

    Args:
        store: The ledger, for turns, numbers and previous versions.
        publishers: By kind.
        clock: For the time of the turns.
        executed: The executed notebook, which reports are made of.
        heartbeats: Tell whether the attempt still owns its run while the ledger is out of reach.
        cancellation: Ends the wait for a turn.
        events: Hear whom the attempt waits for.
        gate: Says what a person has to look at first; None lets everything through.
        broken: The rules of severity error that failed.
        moves: What the run's incremental loads read.

    Raises:
        HeldBack: A check failed, or the gate has reasons; nothing was committed.
        EtlError: An output could not be committed, or the attempt has to stop. None of them
            becomes visible.
    """
    if staged:
        _wait_for_turns(staged, claim, store, clock, heartbeats, cancellation, events)
    run = claim.run
    if not run.new.draft:
        pipeline = run.new.pipeline
        load = store.load_watermark
        now = {m.cursor: outlast(lambda c=m.cursor: load(pipeline, c), heartbeats) for m in moves}  # type: ignore[misc]
        refuse_doubles(staged, moves, now)
    judged: tuple[Difference, ...] = ()
    if gate is not None and not run.new.draft:
        judged = _differences(staged, gate, store, publishers, heartbeats)
    if broken or any(one.reasons for one in judged):
        raise HeldBack(judged, broken)
    if staged:
        outlast(lake.claim, heartbeats)
    committed = []
    for one in staged:
        name, draft = one.name, run.new.draft
        number = outlast(partial(store.next_publication_number, name, draft=draft), heartbeats)
        previous = outlast(partial(newest_version, store, name, draft=draft), heartbeats)
        ready = replace(one, batch=one.batch or batch_of(run, one))
        if one.kind is PublicationKind.REPORT:
            ready = replace(ready, options={**one.options, "notebook": str(executed)})
        with user_code_boundary(f"the publisher of {one.kind} {name!r}", PublishError):
            committed.append(
                publishers[one.kind].commit(
                    ready,
                    lake=lake.root,
                    draft=draft,
                    number=number,
                    token=_token(claim, name),
                    previous=previous,
                )
            )
    if committed:
        # Its file system may have been unmounted meanwhile: what was written is not there then.
        outlast(lake.check, heartbeats)
    return tuple(committed)


def _differences(
    staged: Sequence[Staged],
    gate: Gate,
    store: Store,
    publishers: Mapping[PublicationKind, Publisher],
    heartbeats: Heartbeats,
) -> tuple[Difference, ...]:
    """Compare the tables with what is live; asked in the turn, so nothing changes since."""
    found = []
    for one in staged:
        if one.kind is not PublicationKind.TABLE:
            continue
        previous = outlast(partial(newest_version, store, one.name, draft=False), heartbeats)
        if previous is None or previous.pruned_at is not None:
            continue
        with user_code_boundary(f"the publisher of {one.kind} {one.name!r}", PublishError):
            difference = publishers[one.kind].compare(one, previous)
        if difference is not None:
            found.append(gate(difference, one))
    return tuple(found)


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


def _wait_for_turns(
    staged: Sequence[Staged],
    claim: Claim,
    store: Store,
    clock: Clock,
    heartbeats: Heartbeats,
    cancellation: Cancellation,
    events: EventLog,
) -> None:
    attempt, names = claim.attempt, [one.name for one in staged]
    said = False
    while True:
        taken = outlast(
            lambda: store.begin_commits(
                names,
                draft=claim.run.new.draft,
                token=attempt.token,
                run_id=attempt.run_id,
                number=attempt.number,
                now=clock.now(),
            ),
            heartbeats,
        )
        if not taken:
            return
        if not said:
            events.log(f"waits for the publication lock of {', '.join(taken)}")
            said = True
        # Spread, so that many who wait do not ask all at once.
        threading.Event().wait(random.uniform(*_TURN_S))
        if cancellation.reason is not None:
            raise PublishError(
                f"The attempt was stopped while it waited for the publication lock of {names[0]!r}."
            )


def outlast(call: Callable[[], T], heartbeats: Heartbeats) -> T:
    """Call the ledger until it answers, for as long as the attempt owns its run.

    Args:
        heartbeats: Tell whether the attempt still owns its run.

    Raises:
        StoreError: The lease is over and the ledger still cannot be reached, or waiting is vain.
    """
    while True:
        try:
            return call()
        except StoreError as problem:
            if not problem.retryable or not heartbeats.heartbeat():
                raise
            threading.Event().wait(_RETRY_S)


def newest_version(store: Store, name: str, *, draft: bool) -> PublicationVersion | None:
    """Return what the next version follows: the live version, or the newest draft."""
    try:
        publication = store.load_publication(name)
    except NotFound:
        return None
    return publication.draft if draft else publication.live
