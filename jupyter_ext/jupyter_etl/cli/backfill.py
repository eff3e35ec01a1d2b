"""The commands for missing partitions and watermarks."""

from __future__ import annotations

import sys
from collections.abc import Callable

from jupyter_etl.cli.output import print_message, write, write_json, write_table
from jupyter_etl.cli.pipelines import need_scheduler
from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.commands.declarations import JsonOutput
from jupyter_etl.language.commands.pipelines import (
    BackfillRequest,
)
from jupyter_etl.language.commands.watermarks import (
    WatermarkRequest,
    WatermarksRequest,
)
from jupyter_etl.model import Run
from jupyter_etl.scheduling.backfill import PartitionPlan
from jupyter_etl.services import Etl
from jupyter_etl.services.backfills import Backfill, failed
from jupyter_etl.services.watermarks import said

_SHOWN = 5


def backfill(etl: Etl, request: BackfillRequest) -> int:
    """Run the partitions that are missing or failed; exit code 1 if one fails while waiting."""
    asked = etl.backfills.plan(
        request.pipeline,
        request.span,
        by=request.by,
        parameters=request.parameters,
        parallel=request.parallel,
        include_done=request.all,
    )
    if request.dry_run:
        _tell(asked, as_json=request.json, after="Nothing was queued: this is a dry run.")
        return 0
    if asked.planned or asked.in_progress:
        need_scheduler(etl, waiting=request.wait)
    begun = etl.backfills.begin(asked)
    if not request.wait:
        queued = f"{len(begun.runs):,} queued. Follow them: jupyter etl runs --pipeline"
        _tell(
            begun, as_json=request.json, after=f"{queued} {request.pipeline}" if begun.runs else ""
        )
        return 0
    if not request.json:
        _tell(begun, as_json=False, after="")
    try:
        ended = etl.backfills.wait(begun, on_progress=_progress(quiet=request.json))
    except KeyboardInterrupt:
        print_message(f"The runs continue: jupyter etl runs --pipeline {request.pipeline}")
        raise
    return _conclude(begun, ended, as_json=request.json)


def _tell(asked: Backfill, *, as_json: bool, after: str) -> None:
    if as_json:
        write_json(_facts(asked))
        return
    write(asked.title)
    for note in asked.notes:
        write(f"  {note}")
    if after:
        print_message(f"  {after}")


def _conclude(begun: Backfill, ended: list[Run], *, as_json: bool) -> int:
    bad = failed(ended)
    if as_json:
        counts = {"succeeded": len(ended) - len(bad), "failed": [run.id for run in bad]}
        write_json({**_facts(begun), **counts})
    elif ended:
        write(f"{len(ended) - len(bad):,} of {len(ended):,} runs succeeded.")
        for run in bad[:_SHOWN]:
            write(f"  Run {run.id}, {run.new.logical_key}: {run.state}. {run.error}".rstrip())
        if len(bad) > _SHOWN:
            write(f"  ... and {len(bad) - _SHOWN:,} more.")
        if bad:
            print_message("  Repeat the command to retry the failed ones.")
    return 1 if bad else 0


def _facts(asked: Backfill) -> dict[str, object]:
    return {
        "pipeline": asked.pipeline.name,
        "timezone": asked.timezone,
        "planned": asked.planned,
        "done": asked.done,
        "active": asked.in_progress,
        "parallel": asked.parallel,
        "median_s": asked.median_s,
        "estimate_s": asked.estimate_s,
        "partitions": [_partition(plan) for plan in asked.plans],
        "runs": [run.id for run in asked.runs],
    }


def _partition(plan: PartitionPlan) -> dict[str, object]:
    return {
        "start": plan.partition.start,
        "end": plan.partition.end,
        "step": plan.step.value,
        "run": plan.found.id if plan.found else None,
    }


def _progress(*, quiet: bool) -> Callable[[int, int], None] | None:
    if quiet or not sys.stderr.isatty():
        return None

    def on_progress(done: int, of: int) -> None:
        sys.stderr.write(f"\r  {done:,} of {of:,} runs ended ")
        if done == of:
            sys.stderr.write("\r" + " " * 50 + "\r")
        sys.stderr.flush()

    return on_progress


_NONE = (
    "There are no watermarks yet. In a notebook: orders = %etl load wh.orders --since updated_at"
)


def watermarks(etl: Etl, request: WatermarksRequest) -> int:
    """List the watermarks of all pipelines, or of one."""
    return _show([said(one) for one in etl.watermarks.list(request.pipeline)], request)


def watermark(etl: Etl, request: WatermarkRequest) -> int:
    """Show or set the watermark of one table."""
    if request.set is not None and request.reset:
        raise DeclarationError("--set and --reset cannot be combined; use one of them.")
    if request.set is None and not request.reset:
        found = etl.watermarks.list(request.pipeline, request.table)
        return _show([said(one) for one in found], request)
    done = etl.watermarks.set(request.pipeline, request.table, request.set, column=request.since)
    return _show([said(done)], request)


def _show(rows: list[dict[str, object]], request: JsonOutput) -> int:
    if request.json:
        write_json(rows)
    else:
        write_table(rows, _NONE)
    return 0
