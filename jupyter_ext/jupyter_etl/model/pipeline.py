"""Pipelines, their policies and versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType


class ScheduleKind(StrEnum):
    """The four kinds of schedule."""

    CRON = "cron"
    INTERVAL = "interval"
    ONCE = "once"
    AFTER = "after"


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """When a pipeline runs; exactly the field of its kind is set.

    Args:
        kind: Which of the fields below applies.
        text: As the user wrote it, trimmed; shown and edited.
        timezone: IANA name of the time zone of ``cron``.
        cron: Five fields, normalised (``@daily`` and phrases are converted).
        every_s: Seconds between runs, counted from the Unix epoch so that all schedulers agree.
        at: The instant of a one-shot schedule, UTC.
        after: Names of the publications whose new versions start a run.
        after_all: Whether each of them must have a new version; otherwise one is enough.
    """

    kind: ScheduleKind
    text: str
    timezone: str = "UTC"
    cron: str | None = None
    every_s: float | None = None
    at: datetime | None = None
    after: tuple[str, ...] = ()
    after_all: bool = False


class FileRole(StrEnum):
    """Why a file belongs to a version."""

    MODULE = "module"
    """The notebook imports it, directly or through another module."""
    SCRIPT = "script"
    """A cell executes it: ``%run step.py``."""
    DATA = "data"
    """It was given by ``--include``, or is data of a package that reads its own files."""


@dataclass(frozen=True, kw_only=True)
class BundleFile:
    """One pinned file.

    Args:
        path: Relative to the project root, with ``/``.
        content_hash: SHA-256 (hex) of its bytes.
        bytes: Size in bytes.
        role: Why it is pinned.
        executable: Whether it is an executable program.
    """

    path: str
    content_hash: str
    bytes: int
    role: FileRole
    executable: bool = False


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """The local files of a version at deployment. All paths use ``/``.

    Args:
        folder: The notebook's folder, relative to the project root; ``.`` for the root itself.
        search: Folders that modules are imported from, in order, relative to the project root.
        modules: Names of the pinned top-level modules.
        files: All pinned files, by path.
        include: The patterns of ``--include``, relative to the notebook's folder.
        by_path: Whether cells open pinned files by their path, so that runs need a working
            directory of their own.
    """

    folder: str = "."
    search: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    files: tuple[BundleFile, ...] = ()
    include: tuple[str, ...] = ()
    by_path: bool = False

    @property
    def bytes(self) -> int:
        """Size of all files together."""
        return sum(file.bytes for file in self.files)


@dataclass(frozen=True, kw_only=True)
class FileChange:
    """The difference of a pinned file from another version.

    Args:
        path: See `BundleFile`.
        change: ``added``, ``changed`` or ``removed``.
    """

    path: str
    change: str


FAILURES_TO_PAUSE = 5
"""Consecutive failed planned runs after which the platform pauses their pipeline."""

STARTS_TO_ALERT = 10
"""Number of attempts that could not be started after which a notification is sent."""


class Catchup(StrEnum):
    """Policy for due times that passed while no scheduler was alive."""

    LATEST = "latest"
    ALL = "all"
    NONE = "none"


class Overlap(StrEnum):
    """Policy for a run that comes due while another run of its pipeline is unfinished."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL_PREVIOUS = "cancel-previous"


class OnLost(StrEnum):
    """Policy for a run whose attempt was lost and whose cells may have run."""

    RETRY = "retry"
    FAIL = "fail"


class Promotion(StrEnum):
    """Whether new versions of endpoints become live by themselves or wait to be promoted."""

    AUTO = "auto"
    MANUAL = "manual"


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
        type: Its type; ``any`` if the notebook does not declare one.
        default: The default as written (Python literal, or ``yesterday`` ...); None without one.
        origin: ``cell`` for papermill's parameters cell, ``command`` for ``%etl param``.
        help: The trailing comment, if any.
        optional: Whether None is also a valid value.
    """

    name: str
    type: ParameterType = ParameterType.ANY
    default: str | None = None
    origin: str = "cell"
    help: str = ""
    optional: bool = False


DEFAULT_TIMEOUT_S = 3600.0
"""Time limit of an attempt in seconds if no limit is set and past runs do not determine one."""


@dataclass(frozen=True, kw_only=True)
class TimeLimit:
    """The time limit of an attempt.

    Args:
        seconds: Elapsed time.
        why: Its derivation; "" if a user set it.
    """

    seconds: float
    why: str = ""


NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How a pipeline's runs are executed.

    Args:
        retries: Maximum number of retries, for failures that may succeed on one.
        timeout_s: Maximum seconds of an attempt; None lets the platform decide, see
            `jupyter_etl.scheduling.time_limits.time_limit`.
        catchup: Policy for due times that were missed.
        overlap: Policy for a run that comes due while another is unfinished.
        on_lost: Policy for a run whose attempt was lost.
        priority: Higher first; a pipeline with a low priority waits longer, but not forever.
        parallel: Maximum number of active runs of a backfill.
        memory_bytes: Maximum resident memory of an attempt's kernel and its child processes;
            None for the machine's setting.
        checkpoint: Whether to save the variables of a failed attempt, so that the run can resume.
        warm: Whether to fork the attempts' processes from the fork server; else each is started
            cold.
        shared: Whether it may publish to the publications of another pipeline.
        tags: Tags that pipelines and their runs are filtered by.
        promote: Whether new versions of its endpoints become live by themselves.
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
    promote: Promotion = Promotion.AUTO


def tag_texts(policy: Policy) -> list[str]:
    """Return the tags of a policy as they are written: ``team=ops``."""
    return [f"{key}={value}" for key, value in sorted(policy.tags.items())]


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A notebook, its schedule, parameters, policy and owner.

    Args:
        name: Unique; defaults to the notebook's stem.
        notebook: Absolute path of the deployed file; its folder is the working directory.
        version: Number of the live version, 1 for the first.
        content_hash: SHA-256 (hex) of the live version's snapshot.
        schedule: Its schedule; None for a pipeline that only runs on demand.
        parameters: Values given at deployment; they override the notebook's defaults. JSON values.
        policy: How its runs are executed.
        owner: The accountable owner.
        paused: Whether planning is paused.
        pause_note: Why the platform paused it; "" if a user did, or if it is not paused.
        next_due: Next instant of the schedule, UTC; None for ``after``, paused or ended schedules.
        revision: Number of changes of this row, for the planner's compare-and-swap.
        created_at, updated_at: UTC.
        sources: Names of the declared sources that the notebook reads, as far as its text shows.
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
    """A deployed version of a pipeline.

    Args:
        pipeline: Name of the pipeline.
        number: 1 for the first.
        content_hash: SHA-256 (hex) of the snapshot, which lists the local files of the version.
        notebook: Absolute path of the deployed file.
        schedule: Its schedule at the time.
        parameters: Its parameters at the time.
        policy: Its policy at the time.
        deployed_by, deployed_at: Who deployed it and when (UTC).
        files: The local files that it pins; empty if they were not loaded.
        file_changes: Differences from the files of the previous version.
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
