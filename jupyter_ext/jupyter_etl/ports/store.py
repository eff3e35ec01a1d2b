"""The whole ledger, as the facade has it."""

from __future__ import annotations

from typing import Protocol

from jupyter_etl.ports.attempts import AttemptStore, RunStore
from jupyter_etl.ports.declared import PipelineStore, SnapshotStore, SourceStore
from jupyter_etl.ports.endpoints import EndpointStore
from jupyter_etl.ports.planning import DueTimeStore, PlanStore
from jupyter_etl.ports.publications import (
    HoldStore,
    LineageStore,
    PublicationLockStore,
    PublicationStore,
    RetentionStore,
    WatermarkStore,
)
from jupyter_etl.ports.queue import OutboxStore, QueueStore, SchedulerStore
from jupyter_etl.ports.tokens import TokenStore


class LakeStore(Protocol):
    """The lakes that belong to a ledger."""

    def load_identity(self) -> str:
        """Return the id of the ledger, which its lakes carry: 32 hexadecimal digits."""
        ...

    def save_lake(self, root: str) -> None:
        """Record that a lake carries the marker of this ledger; idempotent."""
        ...

    def has_lake(self, root: str) -> bool:
        """Return whether a lake was recorded."""
        ...


class RunnerStore(
    AttemptStore,
    SnapshotStore,
    SourceStore,
    PublicationStore,
    PublicationLockStore,
    WatermarkStore,
    Protocol,
):
    """The part of the ledger that a runner uses."""


class Store(
    RunnerStore,
    RunStore,
    PlanStore,
    DueTimeStore,
    QueueStore,
    OutboxStore,
    SchedulerStore,
    PipelineStore,
    HoldStore,
    LineageStore,
    RetentionStore,
    LakeStore,
    EndpointStore,
    TokenStore,
    Protocol,
):
    """The ledger: all roles. Each method is one transaction, unless it only reads.

    All raise `StoreError` if the ledger cannot be reached. Instants are aware and UTC.
    """

    def close(self) -> None:
        """Close all connections."""
        ...
