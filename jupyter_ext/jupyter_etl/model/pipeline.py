"""A notebook that runs by itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from jupyter_etl.model.bundle import BundleFile, FileChange
from jupyter_etl.model.schedule import Schedule

FAILURES_TO_PAUSE = 5
"""Planned runs that fail in a row before the platform pauses their pipeline."""

STARTS_TO_ALERT = 10
"""Attempts at a run that a fault of the platform ends before they begin, until people are told."""


class Catchup(StrEnum):
    """What to do with times that passed while no scheduler was alive."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class Overlap(StrEnum):
    """What to do when a run is due while another of the same pipeline is not finished."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel-previous"


class OnLost(StrEnum):
    """What becomes of a run whose attempt was lost: its cells may have run."""

    RETRY = "retry"
    FAIL = "fail"


class ParameterType(StrEnum):
    """The types a parameter can have."""

    STR = "str"
    INT = "int"
    FLOAT = "float"
    BOOL = "bool"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    TIMEDELTA = "timedelta"
    DECIMAL = "decimal"
    PATH = "path"
    UUID = "uuid"
    LIST = "list"
    DICT = "dict"
    ANY = "any"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A parameter that a notebook declares.

    Args:
        name: A Python identifier.
        type: Its type; ``any`` where the notebook does not say.
        default: The default as written (Python literal, or ``yesterday`` ...); None without one.
        origin: ``cell`` for papermill's parameters cell, ``command`` for ``%etl param``.
        help: The comment behind it, if any.
        optional: Whether None is a value too.
    """

    name: str
    type: ParameterType = ParameterType.ANY
    default: str | None = None
    origin: str = "cell"
    help: str = ""
    optional: bool = False


DEFAULT_TIMEOUT_S = 3600.0
"""Seconds that an attempt may take where nobody gave a limit and past runs do not tell."""


@dataclass(frozen=True, kw_only=True)
class TimeLimit:
    """How long an attempt may take.

    Args:
        seconds: Wall-clock time.
        why: Where that is from; "" for what a person gave.
    """

    seconds: float
    why: str = ""


NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a pipeline's runs are treated.

    Args:
        retries: The most retries, for failures that can succeed on one.
        timeout_s: Wall-clock seconds an attempt may take; None lets the platform decide, see
            `jupyter_etl.scheduling.time_limits.time_limit`.
        catchup: What becomes of times that passed unseen.
        overlap: What becomes of a run that is due while another is not finished.
        on_lost: What becomes of a run whose attempt was lost.
        priority: Higher first; a pipeline of low priority waits longer, but never for ever.
        parallel: Most runs of a backfill in hand at once.
        memory_bytes: Most resident memory of an attempt's kernel with all it started; None for
            the machine's setting.
        checkpoint: Keep the variables of a failed attempt, so that it can go on from there.
        warm: Fork the attempts' processes from one that has the usual packages imported; else
            start each from nothing.
        shared: Whether it may publish a name that another pipeline publishes, too.
        tags: What pipelines and their runs are filtered by.
    """

    retries: int = 3
    timeout_s: float | None = None
    catchup: Catchup = Catchup.LATEST
    overlap: Overlap = Overlap.SKIP
    on_lost: OnLost = OnLost.RETRY
    priority: int = 0
    parallel: int = 1
    memory_bytes: int | None = None
    checkpoint: bool = False
    warm: bool = True
    shared: bool = False
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A notebook, its schedule, parameters, policy and owner.

    Args:
        name: Unique; by default the notebook's stem.
        notebook: Absolute path of the file that was deployed; its folder is the working directory.
        version: Number of the live version, 1 for the first.
        content_hash: SHA-256 (hex) of the live version's snapshot.
        schedule: When it runs; None for a pipeline that only runs on demand.
        parameters: Values given at deployment; they override the notebook's defaults. JSON values.
        policy: How its runs are treated.
        owner: Who is accountable.
        paused: Whether nothing is planned at the moment.
        pause_note: Why the platform paused it; "" where a person did, and where it is not paused.
        next_due: Next instant of the schedule, UTC; None for ``after``, paused or spent schedules.
        revision: Counts every change of this row; the compare-and-swap of the planner.
        created_at, updated_at: UTC.
        sources: Names of the declared sources that the notebook reads, as far as its text tells.
        seen: The highest version of each publication that has started a run.
    """

    name: str
    notebook: str
    content_hash: str
    owner: str
    version: int = 1
    schedule: Schedule | None = None
    parameters: Mapping[str, object] = field(default_factory=dict)
    policy: Policy = field(default_factory=Policy)
    paused: bool = False
    pause_note: str = ""
    next_due: datetime | None = None
    revision: int = 0
    created_at: datetime | None = None
    updated_at: datetime | None = None
    sources: tuple[str, ...] = ()
    seen: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class PipelineVersion:
    """One deployed state of a pipeline.

    Args:
        pipeline: Its name.
        number: 1 for the first.
        content_hash: SHA-256 (hex) of the snapshot, which lists the local files of the version.
        notebook: Absolute path it was deployed from.
        schedule: Its schedule at the time.
        parameters: Its parameters at the time.
        policy: Its policy at the time.
        deployed_by, deployed_at: Who and when (UTC).
        files: The local files that it pins; empty where they were not loaded.
        file_changes: How these differ from those of the version before.
    """

    pipeline: str
    number: int
    content_hash: str
    notebook: str
    schedule: Schedule | None
    parameters: Mapping[str, object]
    policy: Policy
    deployed_by: str
    deployed_at: datetime
    files: tuple[BundleFile, ...] = ()
    file_changes: tuple[FileChange, ...] = ()
