"""The nouns of jupyter-etl as frozen values; nothing here does anything."""

from jupyter_etl.model.breaker import Breaker
from jupyter_etl.model.check import CheckResult, CheckRule, CheckStatus, Severity
from jupyter_etl.model.freshness import Freshness
from jupyter_etl.model.partition import Partition
from jupyter_etl.model.pipeline import (
    Catchup,
    OnLost,
    Overlap,
    Parameter,
    ParameterType,
    Pipeline,
    PipelineVersion,
    Policy,
)
from jupyter_etl.model.publication import (
    Column,
    Committed,
    Contract,
    Publication,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Staged,
)
from jupyter_etl.model.run import (
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
    Verdict,
    VerdictKind,
)
from jupyter_etl.model.schedule import Schedule, ScheduleKind
from jupyter_etl.model.source import Source, SourceKind, TableInfo

__all__ = [
    "TERMINAL",
    "Attempt",
    "AttemptReport",
    "Beat",
    "Breaker",
    "Catchup",
    "Cause",
    "CheckResult",
    "CheckRule",
    "CheckStatus",
    "Column",
    "Committed",
    "Contract",
    "Freshness",
    "NewRun",
    "OnLost",
    "Outcome",
    "Overlap",
    "Parameter",
    "ParameterType",
    "Partition",
    "Pipeline",
    "PipelineVersion",
    "Policy",
    "Publication",
    "PublicationKind",
    "PublicationVersion",
    "PublishMode",
    "Read",
    "Run",
    "RunContext",
    "RunState",
    "Schedule",
    "ScheduleKind",
    "Severity",
    "Source",
    "SourceKind",
    "Staged",
    "TableInfo",
    "Verdict",
    "VerdictKind",
]
