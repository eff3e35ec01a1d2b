"""Backfill planning: one run for each partition that is missing or has failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import TERMINAL, Cause, NewRun, Partition, Pipeline, Run, RunState
from jupyter_etl.scheduling.partitions import format_span
from jupyter_etl.scheduling.planner import logical_key_of

BELOW_SCHEDULED = 201
"""Difference between the priority of a pipeline and that of its backfills; policies range from -100
to 100.
"""


class Step(StrEnum):
    """What a backfill does with a partition."""

    RUN = "run"
    """A new run is inserted."""
    REQUEUE = "requeue"
    """Its failed run is queued again, unchanged."""
    DONE = "done"
    """A run has succeeded: nothing."""
    IN_PROGRESS = "active"
    """A run is queued or running: it is left alone."""


@dataclass(frozen=True, kw_only=True)
class PartitionPlan:
    """The plan of a backfill for one partition.

    Args:
        partition: The partition.
        step: What the backfill does with it.
        run: The run to insert, for step ``run``.
        found: The recorded run that led to the decision; None for a partition that has never run.
    """

    partition: Partition
    step: Step
    run: NewRun | None = None
    found: Run | None = None


def plan_backfill(
    pipeline: Pipeline,
    partitions: Sequence[Partition],
    runs: Sequence[Run],
    *,
    now: datetime,
    timezone: str,
    parameters: Mapping[str, object],
    parallel: int | None = None,
    include_done: bool = False,
) -> tuple[PartitionPlan, ...]:
    """Decide what a backfill does with each partition.

    A partition is done if a run of the pipeline that is not a draft has succeeded for exactly its
    interval, whatever started that run. A partition whose run failed, was held or was cancelled
    runs again. The same run is reused if it came from a backfill with the same notebook, parameters
    and policy; otherwise a new run is created. Planning the same backfill twice therefore adds
    nothing.

    Args:
        partitions: In order, see `partitions_of`.
        runs: All runs of the pipeline whose interval overlaps the partitions.
        timezone: IANA name of the time zone for words such as ``yesterday``.
        parameters: Parameters of every run; they override those of the deployment.
        parallel: Maximum number of active runs; None uses the policy's.
        include_done: Whether to run partitions that are done again.

    Raises:
        DeclarationError: A partition has not ended yet.
    """
    _must_be_over(partitions, now, timezone)
    policy = pipeline.policy
    if parallel is not None:
        policy = replace(policy, parallel=parallel)
    by_interval: dict[Partition, list[Run]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: run.id):
        if not run.new.draft:
            by_interval[run.new.interval].append(run)
    taken = {run.new.logical_key for run in runs}
    plans = []
    for partition in partitions:
        new = NewRun(
            pipeline=pipeline.name,
            version=pipeline.version,
            content_hash=pipeline.content_hash,
            notebook=pipeline.notebook,
            logical_key=_free_key(partition, taken),
            logical_at=partition.end,
            interval=partition,
            due_at=now,
            owner=pipeline.owner,
            cause=Cause.BACKFILL,
            parameters={**pipeline.parameters, **parameters},
            policy=policy,
            priority=policy.priority - BELOW_SCHEDULED,
            timezone=timezone,
            sources=pipeline.sources,
        )
        plans.append(_plan(new, by_interval[partition], include_done=include_done))
    return tuple(plans)


def _plan(new: NewRun, found: Sequence[Run], *, include_done: bool) -> PartitionPlan:
    """Decide about one partition by its runs, which are ordered from oldest to newest."""
    partition = new.interval
    last = found[-1] if found else None
    in_progress = [run for run in found if run.state not in TERMINAL]
    done = [run for run in found if run.state is RunState.SUCCEEDED]
    if in_progress:
        return PartitionPlan(partition=partition, step=Step.IN_PROGRESS, found=in_progress[-1])
    if include_done:
        return PartitionPlan(partition=partition, step=Step.RUN, run=new, found=last)
    if done:
        return PartitionPlan(partition=partition, step=Step.DONE, found=done[-1])
    backfilled = [run for run in found if run.new.cause is Cause.BACKFILL]
    if backfilled and _same(backfilled[-1].new, new):
        return PartitionPlan(partition=partition, step=Step.REQUEUE, found=backfilled[-1])
    return PartitionPlan(partition=partition, step=Step.RUN, run=new, found=last)


def _same(old: NewRun, new: NewRun) -> bool:
    """Return whether running the old run again is equivalent to the new one."""
    return (
        old.content_hash == new.content_hash
        and old.notebook == new.notebook
        and old.parameters == new.parameters
        and old.policy == new.policy
        and old.timezone == new.timezone
    )


def _free_key(partition: Partition, taken: Collection[str]) -> str:
    """Return ``START..END``, with ``#2``, ``#3`` ... appended if that key is taken."""
    key = f"{logical_key_of(partition.start)}..{logical_key_of(partition.end)}"
    free, number = key, 1
    while free in taken:
        number += 1
        free = f"{key}#{number}"
    return free


def _must_be_over(partitions: Sequence[Partition], now: datetime, timezone: str) -> None:
    over = [partition for partition in partitions if partition.end <= now]
    if len(over) == len(partitions):
        return
    first = partitions[len(over)]
    hint = "None of them is over yet."
    if over:
        possible = Partition(start=over[0].start, end=over[-1].end)
        hint = f"The last one that is over is in {format_span(possible, timezone)}"
    raise DeclarationError(
        f"The partition {format_span(first, timezone)} has not ended yet, so it cannot be "
        "backfilled.",
        hint=hint,
    )
