"""The interfaces of the blocks, and of what the rooms need of one another.

``base`` (time, wake-ups, secrets), ``data`` (connectors, checks, publishers), ``runs`` (executors,
notifiers), ``channel`` (requests of the code of a run), ``attempts`` (policy and record of an
attempt). The ledger has a role for each of its users: ``declared``, ``planning``, ``queue``,
``attempts``, ``publications``, ``tokens``; ``store`` has them all.

A block is found through an entry point (group ``jupyter_etl.<port>s``), imported when it is first
used, and passes the contract suite of its port under ``tests/contracts``.
"""

from jupyter_etl.ports.attempts import AttemptPolicy, AttemptStore, RunStore
from jupyter_etl.ports.base import Clock, SecretResolver, Secrets, Wakeups
from jupyter_etl.ports.channel import Channel
from jupyter_etl.ports.data import (
    Access,
    CheckRunner,
    Connector,
    Lake,
    Publisher,
    Reading,
    ReadRequest,
    Since,
    Vacuumed,
)
from jupyter_etl.ports.declared import PipelineStore, SnapshotStore, SourceStore
from jupyter_etl.ports.planning import DueTimeStore, Planned, PlanStore
from jupyter_etl.ports.publications import (
    HoldStore,
    LineageStore,
    PublicationLockStore,
    PublicationStore,
    RetentionStore,
    WatermarkStore,
)
from jupyter_etl.ports.queue import (
    OutboxStore,
    Outlook,
    QueueStore,
    SchedulerInfo,
    SchedulerStore,
)
from jupyter_etl.ports.runs import Claim, Executor, Notifier
from jupyter_etl.ports.store import LakeStore, RunnerStore, Store
from jupyter_etl.ports.tokens import TokenStore

__all__ = [
    "Access",
    "AttemptPolicy",
    "AttemptStore",
    "Channel",
    "CheckRunner",
    "Claim",
    "Clock",
    "Connector",
    "DueTimeStore",
    "Executor",
    "HoldStore",
    "Lake",
    "LakeStore",
    "LineageStore",
    "Notifier",
    "OutboxStore",
    "Outlook",
    "PipelineStore",
    "PlanStore",
    "Planned",
    "PublicationLockStore",
    "PublicationStore",
    "Publisher",
    "QueueStore",
    "ReadRequest",
    "Reading",
    "RetentionStore",
    "RunStore",
    "RunnerStore",
    "SchedulerInfo",
    "SchedulerStore",
    "SecretResolver",
    "Secrets",
    "Since",
    "SnapshotStore",
    "SourceStore",
    "Store",
    "TokenStore",
    "Vacuumed",
    "Wakeups",
    "WatermarkStore",
]  # fmt: skip
