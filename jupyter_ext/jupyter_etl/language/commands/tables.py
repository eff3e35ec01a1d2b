"""All commands of ``%etl`` and ``jupyter etl``, in the order of their guides."""

from __future__ import annotations

from jupyter_etl.language.commands.data import (
    DescribeRequest,
    LoadRequest,
    PreviewRequest,
    ReadRequest,
    SourceRequest,
    SourcesRequest,
)
from jupyter_etl.language.commands.declarations import CommandSpec, Surface, commands_on
from jupyter_etl.language.commands.endpoints import (
    CompareRequest,
    EndpointsRequest,
    PromoteRequest,
    PublishFunctionRequest,
    PublishQueryRequest,
    SplitRequest,
)
from jupyter_etl.language.commands.general import (
    BackupRequest,
    DebugRequest,
    DoctorRequest,
    HelpRequest,
    PruneRequest,
    RestoreRequest,
    SecretRequest,
    ServeRequest,
    TokenRequest,
    VersionRequest,
)
from jupyter_etl.language.commands.pipelines import (
    BackfillRequest,
    OwnerRequest,
    PauseRequest,
    PipelinesRequest,
    PreflightRequest,
    RelinkRequest,
    ResumeRequest,
    UnscheduleRequest,
)
from jupyter_etl.language.commands.publications import (
    ApproveRequest,
    DiffRequest,
    HeldRequest,
    HistoryRequest,
    LineageRequest,
    PublishedRequest,
    PublishFileRequest,
    PublishReportRequest,
    PublishTableRequest,
    RejectRequest,
    RollbackRequest,
)
from jupyter_etl.language.commands.queries import (
    ApproxRequest,
    CheckRequest,
    ParamRequest,
    ProfileRequest,
    SampleRequest,
    SqlRequest,
)
from jupyter_etl.language.commands.runs import (
    CancelRequest,
    LogsRequest,
    RetryRequest,
    RunRequest,
    RunsRequest,
    StatusRequest,
    TriggerRequest,
)
from jupyter_etl.language.commands.schedule import (
    PlanRequest,
    ScheduleRequest,
    UpRequest,
)
from jupyter_etl.language.commands.watermarks import (
    WatermarkRequest,
    WatermarksRequest,
)

REQUESTS = (
    SourceRequest,
    SourcesRequest,
    SecretRequest,
    DescribeRequest,
    PreviewRequest,
    ProfileRequest,
    SampleRequest,
    ApproxRequest,
    LoadRequest,
    WatermarksRequest,
    WatermarkRequest,
    SqlRequest,
    CheckRequest,
    ParamRequest,
    PublishTableRequest,
    PublishFileRequest,
    PublishReportRequest,
    PublishedRequest,
    HistoryRequest,
    HeldRequest,
    ApproveRequest,
    RejectRequest,
    DiffRequest,
    RollbackRequest,
    LineageRequest,
    ReadRequest,
    PublishQueryRequest,
    PublishFunctionRequest,
    EndpointsRequest,
    PromoteRequest,
    SplitRequest,
    CompareRequest,
    TokenRequest,
    ScheduleRequest,
    RunRequest,
    TriggerRequest,
    PreflightRequest,
    BackfillRequest,
    UpRequest,
    PlanRequest,
    RelinkRequest,
    OwnerRequest,
    StatusRequest,
    PipelinesRequest,
    RunsRequest,
    LogsRequest,
    CancelRequest,
    RetryRequest,
    PauseRequest,
    ResumeRequest,
    UnscheduleRequest,
    DoctorRequest,
    BackupRequest,
    RestoreRequest,
    PruneRequest,
    VersionRequest,
    ServeRequest,
    DebugRequest,
    HelpRequest,
)


def _table(surface: Surface, groups: tuple[str, ...]) -> tuple[CommandSpec, ...]:
    specs = commands_on(surface, REQUESTS)
    return tuple(sorted(specs, key=lambda spec: groups.index(spec.form.group)))


MAGIC_COMMANDS = _table(Surface.MAGIC, ("Data", "Publish", "Serve", "Schedule", "Watch", "Help"))
CLI_COMMANDS = _table(Surface.CLI, ("Run", "Watch", "Data", "Serve", "Help"))
