"""The context of an attempt: its claim and its resources."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

from jupyter_etl.errors import NotFound, StoreError
from jupyter_etl.model import PublicationKind, Source
from jupyter_etl.ports import Claim, Clock, Lake, Publisher, RunnerStore, SecretResolver
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.events import EventLog
from jupyter_etl.runner.folders import EVENTS, EXECUTED, LOG
from jupyter_etl.runner.kernel.kernels import ATTEMPT
from jupyter_etl.runner.limits import Limits
from jupyter_etl.runner.redacted_output import LogCleanup
from jupyter_etl.runner.watchdogs.cancellation import Cancellation
from jupyter_etl.runner.watchdogs.heartbeat import Heartbeats
from jupyter_etl.system.cgroups import group_of

_RETRY_S = 0.5
T = TypeVar("T")


class ReadyKernel(Protocol):
    """A kernel that was started before the attempt was known.

    Attributes:
        folder: Private folder with the sockets of the kernel and its runner.
        manager, client: Manager and client of jupyter_client.
    """

    folder: Path
    manager: Any
    client: Any

    def why_cold(self, asked: Any, env: Mapping[str, str], cwd: str) -> str:
        """Return why a notebook needs another kernel; "" if it can use this one.

        Args:
            asked: The kernelspec of the notebook.
            env, cwd: Environment and working directory of the notebook's kernel.
        """
        ...

    def become(
        self,
        asked: Any,
        env: Mapping[str, str],
        cwd: str,
        *,
        address_space_bytes: int | None,
        gate: Callable[[str, int], bool],
    ) -> None:
        """Become the kernel of a run.

        Args:
            asked, env, cwd: See `why_cold`.
            address_space_bytes: Limit of the address space; None for no limit.
            gate: Filters its output.
        """
        ...

    def stop(self) -> None:
        """End the process; its folder stays."""
        ...


def _no_secret(name: str, source: Source | None = None) -> str:
    raise NotFound(f"There is no secret {name!r} in this run.")


@dataclass(frozen=True, kw_only=True)
class AttemptContext:
    """An attempt and its resources.

    Args:
        claim: The run, and its attempt.
        folder: The attempt's folder; see `folders.attempt_folder`.
        store: The ledger.
        clock: For recorded instants and for the lease.
        lake: The storage of all outputs.
        publishers: The publishers that commit the outputs, by kind.
        heartbeat_s: Seconds between heartbeats.
        lease_s: Seconds without a heartbeat after which the attempt no longer owns its run.
        secret: Resolves the names of secrets.
        redactor: Removes the values of secrets from output and records.
        limits: Limits of memory and outputs.
        cancellation: Set when the attempt has to stop.
        kernel: A prestarted kernel, used if it fits the notebook; None for a cold start.
    """

    claim: Claim
    folder: Path
    store: RunnerStore
    clock: Clock
    lake: Lake
    publishers: Mapping[PublicationKind, Publisher]
    heartbeat_s: float
    lease_s: float
    secret: SecretResolver = _no_secret
    redactor: Redactor = field(default_factory=Redactor)
    limits: Limits = field(default_factory=Limits)
    cancellation: Cancellation = field(default_factory=Cancellation)
    kernel: ReadyKernel | None = None

    @cached_property
    def events(self) -> EventLog:
        """The event log of the attempt, a file in its folder."""
        return EventLog(self.folder / EVENTS, self.clock, self.redactor)

    @cached_property
    def heartbeats(self) -> Heartbeats:
        """The heartbeats of the attempt; they are sent while the context is entered."""
        return Heartbeats(
            store=self.store,
            claim=self.claim,
            clock=self.clock,
            cancellation=self.cancellation,
            events=self.events,
            heartbeat_s=self.heartbeat_s,
            lease_s=self.lease_s,
        )

    @cached_property
    def log(self) -> LogCleanup:
        """Removes the values of secrets from the runner's log."""
        return LogCleanup(self.redactor, self.folder / LOG)

    @cached_property
    def group(self) -> Path | None:
        """The control group of the kernel's processes; None if they have none."""
        return group_of(self.folder)

    @cached_property
    def memory_bytes(self) -> int | None:
        """Memory limit of the kernel's processes; None for no limit."""
        return self.limits.memory_for(self.claim.run.new.policy.memory_bytes)

    @property
    def marker(self) -> tuple[str, str]:
        """The environment variable that marks the kernel's processes: name and value."""
        return ATTEMPT, str(self.folder)

    @property
    def sockets(self) -> Path | None:
        """The folder for the runner's socket; None for a new one."""
        return self.kernel.folder if self.kernel is not None else None

    @property
    def executed(self) -> Path:
        """The executed notebook."""
        return self.folder / EXECUTED

    def remark(self, text: str) -> None:
        """Write a remark for users into the log of the run; "" writes nothing."""
        if text:
            self.events.log(text)

    def ask_ledger(self, call: Callable[[], T]) -> T:
        """Call the ledger, with retries while it cannot be reached and the attempt owns its run.

        Raises:
            StoreError: The lease has expired and the ledger still cannot be reached, or the error
                is not retryable.
        """
        while True:
            try:
                return call()
            except StoreError as problem:
                if not problem.retryable or not self.heartbeats.heartbeat():
                    raise
                threading.Event().wait(_RETRY_S)
