"""Which runs a range of partitions gets: those that are missing or have failed."""

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
"""What a backfill's priority is below its pipeline's; a policy's is from -100 to 100."""


class Step(StrEnum):
    """What a backfill does about a partition."""

    RUN = "run"
    """It gets a new run."""
    REQUEUE = "requeue"
    """Its failed run is queued once more, as it was."""
    DONE = "done"
    """A run has succeeded: nothing."""
    IN_PROGRESS = "active"
    """A run is queued or running: it is left alone."""


@dataclass(frozen=True, kw_only=True)
class PartitionPlan:
    """What a backfill does about one partition.

    Args:
        partition: Which.
        step: What.
        run: The run to insert, for step ``run``.
        found: The run on record that decided; None for a partition that was never run.
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
    """Decide about each partition of a backfill.

    One is done when a run of the pipeline that is no draft has succeeded for exactly its interval,
    whatever its cause. What has failed, was held or cancelled is made again: by the same run, if it
    came from a backfill with the same notebook, parameters and policy, else by a new one. Planned
    again over what it has planned already, it finds nothing left to do.

    Args:
        partitions: In order, see `partitions_of`.
        runs: All of the pipeline's runs whose interval touches them.
        timezone: IANA name of the zone in which ``yesterday`` is meant.
        parameters: Of every run, over those of the deployment.
        parallel: Most runs in hand at once; by default what the policy says.
        include_done: Make also those that are done.

    Raises:
        DeclarationError: A partition is not over yet.
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
    """Decide about one partition by its runs, oldest first."""
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
    """Tell whether making the old run once more does what the new one would do."""
    return (
        old.content_hash == new.content_hash
        and old.notebook == new.notebook
        and old.parameters == new.parameters
        and old.policy == new.policy
        and old.timezone == new.timezone
    )


def _free_key(partition: Partition, taken: Collection[str]) -> str:
    """Return ``START..END``, or with ``#2``, ``#3`` behind it what no run has yet."""
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
