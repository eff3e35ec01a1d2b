"""The facade that every surface uses."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from uuid import uuid4

from jupyter_etl.alerts.fan_out import notifier_for
from jupyter_etl.errors import ExecutionError
from jupyter_etl.ports import Notifier, SchedulerInfo, SecretResolver, Store
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.local_executor import LocalExecutors
from jupyter_etl.scheduling.scheduler import Scheduler
from jupyter_etl.services.backfills import Backfills
from jupyter_etl.services.clock import PATIENCE_S, SystemClock, woken
from jupyter_etl.services.disk import disk_guard, start_guard
from jupyter_etl.services.doctor import Diagnosis, diagnose
from jupyter_etl.services.endpoints.endpoints import Endpoints
from jupyter_etl.services.health import Health, alive_among, may_be_running
from jupyter_etl.services.home import make_private, refuse_lost_ledger
from jupyter_etl.services.lakes import LedgerLake
from jupyter_etl.services.lineage import Lineage
from jupyter_etl.services.pipelines.pipelines import Pipelines
from jupyter_etl.services.publications.holds import Holds
from jupyter_etl.services.publications.publications import Publications
from jupyter_etl.services.runs.executors import executors_for
from jupyter_etl.services.runs.runs import Runs
from jupyter_etl.services.secrets import Vault, default_vault, redacted_answer, redactor_for
from jupyter_etl.services.settings import Settings, host_name
from jupyter_etl.services.sources import Sources
from jupyter_etl.services.tokens import Tokens
from jupyter_etl.services.watermarks import Watermarks


@dataclass(frozen=True, kw_only=True)
class Etl:
    """The functions of the platform, composed of its plug-ins.

    Args:
        settings: The settings.
        store: The ledger.
        clock: The time.
    """

    settings: Settings
    store: Store
    clock: SystemClock = field(default_factory=SystemClock)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Etl:
        """Open the ledger, creating what is missing.

        Args:
            settings: By default those of the environment.

        Raises:
            StoreError: The ledger cannot be opened.
            PermissionDenied: Others may write to the home.
        """
        from jupyter_etl.ledger import open_store

        chosen = settings or Settings.from_env()
        make_private(chosen.home)
        refuse_lost_ledger(chosen)
        return cls(settings=chosen, store=open_store(chosen.ledger))

    @cached_property
    def secrets(self) -> Vault:
        """Secrets by name."""
        return default_vault(self.settings.home, self.settings.owner)

    @cached_property
    def redactor(self) -> Redactor:
        """The redactor of the secrets that this process has resolved or may resolve."""
        return redactor_for(self.settings.home)

    def redacted_answer(self, text: str) -> str:
        """Return an answer without the values of secrets."""
        return redacted_answer(self.redactor, text)

    @cached_property
    def secret(self) -> SecretResolver:
        """Resolves the name of a secret to its value."""
        return self.redactor.watching(self.secrets.value)

    @cached_property
    def sources(self) -> Sources:
        """Declared inputs."""
        return Sources(
            self.store,
            self.clock,
            self.settings,
            self.secret,
            self.redactor,
            refuse_others=self.secrets.refuse_others,
        )

    @cached_property
    def pipelines(self) -> Pipelines:
        """Scheduled notebooks."""
        return Pipelines(self.store, self.clock, self.settings)

    @cached_property
    def runs(self) -> Runs:
        """What ran, runs and will run."""
        return Runs(self.store, self.clock, self.settings, self.pipelines, self.executors)

    @cached_property
    def backfills(self) -> Backfills:
        """Runs for ranges of partitions."""
        return Backfills(self.store, self.clock, self.settings, self.schedulers)

    @cached_property
    def holds(self) -> Holds:
        """Outputs that failed checks and the publish gate hold back."""
        return Holds(self.store, self.clock, self.settings)

    @cached_property
    def health(self) -> Health:
        """Health of pipelines and of the platform."""
        guard = disk_guard(self.settings)
        return Health(self.store, self.clock, alive=self.schedulers, disk=guard)

    @cached_property
    def watermarks(self) -> Watermarks:
        """Positions of incremental loads."""
        return Watermarks(self.store, self.clock, self.settings)

    @cached_property
    def tokens(self) -> Tokens:
        """Tokens of consumers of publications."""
        return Tokens(self.store, self.clock, self.settings, self.redactor)

    @cached_property
    def lineage(self) -> Lineage:
        """Lineage of sources, pipelines and publications."""
        return Lineage(self.store)

    @cached_property
    def lake(self) -> LedgerLake:
        """The storage of all outputs."""
        return LedgerLake(root=self.settings.lake, store=self.store)

    @cached_property
    def publications(self) -> Publications:
        """Publications and their versions."""
        return Publications(self.store, self.clock, self.settings)

    @cached_property
    def endpoints(self) -> Endpoints:
        """Queries and functions as APIs, and the traffic of their versions."""
        return Endpoints(self.store, self.clock, self.settings)

    def scheduler(
        self, *, workers: int | None = None, owners: tuple[str, ...] | None = None
    ) -> Scheduler:
        """Return a scheduler that makes attempts on this machine; it is not running yet.

        Args:
            workers: Maximum number of simultaneous attempts; None uses the setting.
            owners: Owners whose pipelines it runs, empty for all owners; None uses the setting.
        """
        return Scheduler(
            store=self.store,
            executor=self.executors.executor(),
            clock=self.clock,
            notifier=self.notifier,
            id=uuid4().hex,
            host=host_name(),
            pid=os.getpid(),
            workers=workers or self.settings.workers,
            lease_s=self.settings.lease_s,
            poll_s=self.settings.poll_s,
            draw=random.random,
            pause=start_guard(self.settings),
            ledger_time=self.store.load_time,
            is_running=may_be_running,
            owners=self.settings.runs_for if owners is None else owners,
        )

    @cached_property
    def notifier(self) -> Notifier:
        """What sends alerts."""
        return notifier_for(
            self.settings.alerts,
            self.settings.home / "alerts.log",
            allow=self.settings.alert_hosts,
        )

    @cached_property
    def executors(self) -> LocalExecutors:
        """What makes the executors of this process."""
        return executors_for(self.settings)

    def prepare_runners(self) -> None:
        """Start the fork server now, so that the first run does not wait for it."""
        self.executors.prepare()

    def woken(
        self, wake: Callable[[], object], *, patience_s: float = PATIENCE_S
    ) -> AbstractContextManager[None]:
        """Call a function, in a thread, whenever another process records a due or ended run.

        Args:
            wake: The function, called while the returned context is active.
            patience_s: Maximum seconds to wait for the thread to end.
        """
        return woken(self.store, wake, patience_s=patience_s)

    def schedulers(self) -> list[SchedulerInfo]:
        """Return the live schedulers, as far as this machine can determine."""
        return alive_among(self.store.load_schedulers(), self.clock.now())

    def has_scheduler(self) -> bool:
        """Return whether a live scheduler runs the pipelines of this owner."""
        return any(info.runs_for(self.settings.owner) for info in self.schedulers())

    def start_scheduler(self) -> bool:
        """Start a detached scheduler, unless one is alive for this owner.

        Returns:
            Whether a scheduler was started.

        Raises:
            ExecutionError: It could not be started.
        """
        if self.has_scheduler():
            return False
        home = self.settings.home
        home.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            with (home / "scheduler.log").open("ab") as log:
                subprocess.Popen(
                    [sys.executable, "-m", "jupyter_etl.cli", "up"],
                    env={**os.environ, **self.settings.environ()},
                    cwd=home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        except OSError as problem:
            raise ExecutionError(
                f"The scheduler could not be started: {problem}", hint="Run: jupyter etl up"
            ) from problem
        return True

    def doctor(self, *, repair: bool = False) -> list[Diagnosis]:
        """Check the setup for problems.

        Args:
            repair: Whether to make safe repairs; otherwise nothing is changed.
        """
        return diagnose(self.settings, self.clock, repair=repair)

    def close(self) -> None:
        """Close the ledger, and stop the fork server."""
        self.store.close()
        self.executors.close()
