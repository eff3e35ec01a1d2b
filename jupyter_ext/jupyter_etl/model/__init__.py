"""The nouns of jupyter-etl as frozen values; nothing here does anything."""

from jupyter_etl.model.breaker import Breaker
from jupyter_etl.model.bundle import Bundle, BundleFile, FileChange, FileRole
from jupyter_etl.model.check import CheckResult, CheckRule, CheckStatus, Severity
from jupyter_etl.model.checkpoint import Checkpoint, Resumption, Retried, Said
from jupyter_etl.model.freshness import Freshness
from jupyter_etl.model.health import (
    ATTENTION,
    FAILING_STATES,
    FreshnessState,
    HealthState,
    PausedBy,
    PipelineHealth,
)
from jupyter_etl.model.hold import (
    Decision,
    Difference,
    Emptied,
    HeldBy,
    Hold,
    PartitionRows,
    Retyped,
    broken_checks,
    held_by_of,
    held_by_phrase,
)
from jupyter_etl.model.lineage import RunLineage, Written
from jupyter_etl.model.origin import ColumnOrigin
from jupyter_etl.model.partition import Grain, Partition
from jupyter_etl.model.pipeline import (
    DEFAULT_TIMEOUT_S,
    FAILURES_TO_PAUSE,
    STARTS_TO_ALERT,
    Catchup,
    OnLost,
    Overlap,
    Parameter,
    ParameterType,
    Pipeline,
    PipelineVersion,
    Policy,
    TimeLimit,
)
from jupyter_etl.model.profile import Bin, ColumnProfile, Estimate, Frequent, Profile
from jupyter_etl.model.publication import (
    Batch,
    Column,
    Committed,
    Contract,
    LogEntry,
    Publication,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Staged,
)
from jupyter_etl.model.run import (
    ACTIVE,
    BAD,
    IN_HAND,
    TERMINAL,
    Attempt,
    AttemptReport,
    Beat,
    Cause,
    NewRun,
    Outcome,
    Read,
    Run,
    RunContext,
    RunState,
    RunSummary,
    Verdict,
    VerdictKind,
)
from jupyter_etl.model.schedule import Schedule, ScheduleKind
from jupyter_etl.model.source import Source, SourceKind, TableInfo
from jupyter_etl.model.watermark import (
    Cursor,
    CursorKind,
    CursorMove,
    CursorStart,
    CursorValue,
    VersionWatermark,
    Watermark,
)

__all__ = [
    "ACTIVE", "ATTENTION", "BAD", "DEFAULT_TIMEOUT_S", "FAILING_STATES", "FAILURES_TO_PAUSE",
    "IN_HAND", "STARTS_TO_ALERT", "TERMINAL", "Attempt", "AttemptReport", "Batch", "Beat", "Bin",
    "Breaker", "Bundle", "BundleFile", "Catchup", "Cause", "CheckResult", "CheckRule",
    "CheckStatus", "Checkpoint", "Column", "ColumnOrigin", "ColumnProfile", "Committed",
    "Contract", "Cursor", "CursorKind", "CursorMove", "CursorStart", "CursorValue", "Decision",
    "Difference", "Emptied", "Estimate", "FileChange", "FileRole", "Frequent", "Freshness",
    "FreshnessState", "Grain", "HealthState", "HeldBy", "Hold", "LogEntry", "NewRun", "OnLost",
    "Outcome", "Overlap", "Parameter", "ParameterType", "Partition", "PartitionRows", "PausedBy",
    "Pipeline", "PipelineHealth", "PipelineVersion", "Policy", "Profile", "Publication",
    "PublicationKind", "PublicationVersion", "PublishMode", "Read", "Resumption", "Retried",
    "Retyped", "Run", "RunContext", "RunLineage", "RunState", "RunSummary", "Said", "Schedule",
    "ScheduleKind", "Severity", "Source", "SourceKind", "Staged", "TableInfo", "TimeLimit",
    "Verdict", "VerdictKind", "VersionWatermark", "Watermark", "Written", "broken_checks",
    "held_by_of", "held_by_phrase",
]  # fmt: skip
