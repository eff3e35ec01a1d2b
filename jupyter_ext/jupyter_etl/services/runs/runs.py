"""Starting, following and stopping runs."""

from __future__ import annotations

import builtins
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.language.commands.runs import RunRequest
from jupyter_etl.language.names import pipeline_name
from jupyter_etl.language.notebooks.notebook import parse_notebook, snapshot_of
from jupyter_etl.language.parameters.parameter import resolve_parameters
from jupyter_etl.model import (
    NO_TAGS,
    TERMINAL,
    Attempt,
    Checkpoint,
    NewRun,
    Policy,
    Retried,
    Run,
    RunState,
    RunSummary,
)
from jupyter_etl.ports import Claim, Clock, Executor, Store
from jupyter_etl.runner.events import read_events
from jupyter_etl.runner.execution.executed import distrusted
from jupyter_etl.runner.folders import EVENTS, EXECUTED, attempt_folder
from jupyter_etl.runner.local_executor import LocalExecutors
from jupyter_etl.scheduling.lost_attempts import end_exited
from jupyter_etl.scheduling.occurrences import interval_of
from jupyter_etl.services.notebooks import read_notebook, sources_of
from jupyter_etl.services.pipelines.pipelines import Pipelines
from jupyter_etl.services.policies import make_policy
from jupyter_etl.services.run_log import RunLog, format_lines
from jupyter_etl.services.runs.lookup import find_run
from jupyter_etl.services.runs.resume import kept_checkpoint, retry_from_failed_cell
from jupyter_etl.services.secrets import refuse_secret_parameters
from jupyter_etl.services.settings import Settings
from jupyter_etl.services.targets import must_be_pipeline

OnEvent = Callable[[Mapping[str, Any]], None]
"""Called with each event of a run."""

_POLL_S = 0.1
_FIRST_POLL_S = 0.01
_START_S = 1.0
"""Seconds between two tries to start a run that has to wait."""
_ENDED = {
    RunState.SUCCEEDED: "succeeded",
    RunState.FAILED: "failed",
    RunState.HELD: "been held",
    RunState.SKIPPED: "been skipped",
}
_IMPATIENT = 100
"""Priority of a run whose caller is waiting."""


class Runs:
    """Start, follow and stop runs, and read their results."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        settings: Settings,
        pipelines: Pipelines,
        executors: LocalExecutors,
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._pipelines = pipelines
        self._executors = executors

    def run(self, notebook: Path, *, on_event: OnEvent | None = None, **options: Any) -> Run:
        """Run a notebook and wait; ``options`` are the other fields of `RunRequest`."""
        return self.execute(notebook, RunRequest(**options), on_event=on_event)

    def execute(
        self, notebook: Path, request: RunRequest, *, on_event: OnEvent | None = None
    ) -> Run:
        """Run a notebook file now, under the conditions of a scheduled run, and wait for its end.

        Args:
            notebook: Path of the saved file; it need not be deployed.
            request: Its field ``notebook`` is not used.
            on_event: Called with each event of the run.

        Returns:
            The finished run, succeeded or failed, see its ``outcome``. An interrupt (Ctrl-C)
            cancels it.

        Raises:
            DeclarationError: The notebook or a parameter is not valid; no run was made.
        """
        path, text, outline = read_notebook(notebook)
        now = self._clock.now()
        resolve_parameters(outline.parameters, request.parameters, at=now)
        refuse_secret_parameters(self._settings.home, request.parameters)
        policy = make_policy(Policy(retries=0), request)
        run = self._store.add_run(
            NewRun(
                pipeline=pipeline_name(path.stem),
                content_hash=self._store.save_snapshot(snapshot_of(text)),
                notebook=str(path),
                logical_key=f"manual:{uuid4().hex}",
                logical_at=now,
                interval=interval_of(None, now),
                due_at=now,
                owner=self._settings.owner,
                parameters=request.parameters,
                policy=policy,
                draft=request.draft,
                priority=_IMPATIENT,
                timezone=self._settings.timezone,
                sources=sources_of(outline, self._store),
            ),
            now=now,
        )
        executor = self._executors.executor()
        try:
            return self._follow(run.id, on_event, None, executor)
        except KeyboardInterrupt:
            # The runner is a separate process and would continue; a second interrupt abandons it.
            with contextlib.suppress(Conflict):
                self.cancel(run.id)
            return self._follow(run.id, on_event, None, executor)
        finally:
            executor.close()

    def trigger(
        self,
        pipeline: str,
        *,
        parameters: Mapping[str, object] | None = None,
        draft: bool = False,
        wait: bool = False,
        on_event: OnEvent | None = None,
    ) -> Run:
        """Queue one run of the deployed version.

        Args:
            parameters: Parameters that override the deployed ones.
            draft: Whether to publish drafts instead of live versions.
            wait: Whether to return at the end of the run instead of at once.
            on_event: Called with each event while waiting.

        Raises:
            NotFound: No pipeline has that name.
            DeclarationError: A parameter is not valid.
        """
        deployed = self._store.load_pipeline(pipeline)
        outline = parse_notebook(self._store.load_snapshot(deployed.content_hash))
        now = self._clock.now()
        given = {**deployed.parameters, **(parameters or {})}
        resolve_parameters(outline.parameters, given, at=now)
        refuse_secret_parameters(self._settings.home, given)
        run = self._store.add_run(
            NewRun(
                pipeline=deployed.name,
                version=deployed.version,
                content_hash=deployed.content_hash,
                notebook=deployed.notebook,
                logical_key=f"manual:{uuid4().hex}",
                logical_at=now,
                interval=interval_of(deployed.schedule, now),
                due_at=now,
                owner=deployed.owner,
                parameters=given,
                policy=deployed.policy,
                draft=draft,
                priority=_IMPATIENT if wait else deployed.policy.priority,
                sources=deployed.sources,
                timezone=(
                    deployed.schedule.timezone if deployed.schedule else self._settings.timezone
                ),
            ),
            now=now,
        )
        return self.wait(run.id, on_event=on_event) if wait else run

    def list(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
        limit: int = 100,
        offset: int = 0,
    ) -> list[Run]:
        """Return runs, newest first; raises `NotFound` if there is no such pipeline."""
        found = self._store.load_runs(
            pipeline=pipeline, states=states, tags=tags, limit=limit, offset=offset
        )
        if pipeline is not None and not found:
            must_be_pipeline(self._store, pipeline)
        return found

    def last(
        self,
        pipelines: Sequence[str],
        *,
        count: int,
    ) -> dict[str, builtins.list[RunSummary]]:
        """Return the newest ``count`` runs of each deployed pipeline, newest first.

        Args:
            pipelines: Names; each has an entry in the result.
        """
        return self._store.load_last_runs(pipelines, count=count)

    def count(
        self,
        *,
        pipeline: str | None = None,
        states: Sequence[RunState] = (),
        tags: Mapping[str, str] = NO_TAGS,
    ) -> int:
        """Count runs."""
        return self._store.count_runs(pipeline=pipeline, states=states, tags=tags)

    def get(self, run_id: int) -> Run:
        """Return a run; raises `NotFound`."""
        return self._store.load_run(run_id)

    def attempts(self, run_id: int) -> builtins.list[Attempt]:
        """Return the attempts of a run, oldest first."""
        return self._store.load_attempts(run_id)

    def cancel(self, run_id: int) -> Run:
        """Request cancellation; a queued run ends at once, a running one within seconds.

        Raises:
            NotFound: There is no such run.
            Conflict: It ended before.
        """
        run = self.get(run_id)
        if run.state in TERMINAL and run.state is not RunState.CANCELLED:
            raise Conflict(
                f"Run {run_id} of {run.new.pipeline} has already {_ENDED[run.state]}; there is "
                "nothing to cancel.",
                hint=f"To discard its outputs: jupyter etl reject {run_id}"
                if run.state is RunState.HELD
                else "",
                data={"run_id": run_id, "state": str(run.state)},
            )
        return self._store.request_cancel(run_id, now=self._clock.now())

    def retry(self, run_id: int) -> Run:
        """Queue a finished run again, unchanged; raises `Conflict` if it is not finished."""
        self._finished(run_id)
        return self._store.requeue(run_id, now=self._clock.now())

    def retry_from_failed_cell(self, run_id: int) -> Retried:
        """Queue a finished run to resume from the cell that failed, if possible.

        Args:
            run_id: The run. A changed notebook that it can resume with is deployed first;
                otherwise it executes the deployed version. A run of a file executes the current
                file.

        Raises:
            Conflict: It is not finished, or succeeded.
            NotFound: The notebook of a run of a file is missing.
            DeclarationError: The file is no longer a notebook, or does not declare a parameter
                of the run.
        """
        run = self._finished(run_id)
        return retry_from_failed_cell(
            self._store, self._clock, self._settings, self._pipelines, run
        )

    def checkpoint(self, run_id: int) -> Checkpoint | None:
        """Return the checkpoint that `retry_from_failed_cell` would use; None if there is none."""
        return kept_checkpoint(self._settings.home, self.get(run_id))

    def _finished(self, run_id: int) -> Run:
        run = self.get(run_id)
        if run.state not in TERMINAL:
            raise Conflict(
                f"Run {run_id} is {run.state}; only a finished run can be retried.",
                hint=f"Cancel it first: jupyter etl cancel {run_id}",
            )
        if run.state is RunState.SUCCEEDED:
            raise Conflict(
                f"Run {run_id} succeeded, so there is nothing to retry.",
                hint=f"To run it again: jupyter etl trigger {run.new.pipeline}",
            )
        return run

    def find(self, target: str | int) -> Run:
        """Return a run by its id, or the latest run of a pipeline by its name.

        Raises:
            NotFound: There is none; the message suggests a similar name.
        """
        return find_run(target, self._store)

    def open_log(self, run_id: int) -> RunLog:
        """Return the log of a run for reading or following; raises `NotFound`."""
        return RunLog(run_id, store=self._store, clock=self._clock, home=self._settings.home)

    def log(self, run_id: int) -> str:
        """Return the log of a run as text, one line per event; raises `NotFound`."""
        log = self.open_log(run_id)
        return "\n".join([*format_lines(log.new_lines(rest=True), log.zone), ""])

    def notebook(self, run_id: int) -> str:
        """Return the executed notebook with its outputs so far; raises `NotFound`."""
        run = self.get(run_id)
        candidates = [Path(run.output)] if run.output else []
        candidates += [f / EXECUTED for f in reversed(self._folders(run_id))]
        for path in candidates:
            if path.is_file():
                return distrusted(path.read_text("utf-8"))
        raise NotFound(
            f"Run {run_id} has no executed notebook: it is {run.state}.",
            hint=f"jupyter etl logs {run_id}",
        )

    def events(self, run_id: int, after: int = 0) -> builtins.list[dict[str, Any]]:
        """Return the events of a run after the first ``after``."""
        folders = self._folders(run_id)
        return read_events(*(folder / EVENTS for folder in folders), after=after)

    def wait(
        self, run_id: int, *, on_event: OnEvent | None = None, timeout_s: float | None = None
    ) -> Run:
        """Wait for the end of a run and return it.

        Args:
            on_event: Called with each event.
            timeout_s: Maximum seconds to wait; None waits without a limit.
        """
        return self._follow(run_id, on_event, timeout_s, None)

    def _follow(
        self,
        run_id: int,
        on_event: OnEvent | None,
        timeout_s: float | None,
        executor: Executor | None,
    ) -> Run:
        began_at = start_at = self._clock.monotonic()
        said, kind = 0, ""
        deadline = None if timeout_s is None else self._clock.monotonic() + timeout_s
        while True:
            ended = executor.ended() if executor else []
            run = self.get(run_id)
            if on_event is not None:
                for event in self.events(run_id, said):
                    said, kind = said + 1, event["kind"]
                    on_event(event)
            if run.state in TERMINAL:
                if on_event is not None and kind not in ("", "finished"):
                    # The runner updates the ledger before its followers.
                    self._clock.wait(_POLL_S)
                    for event in self.events(run_id, said):
                        on_event(event)
                return run
            waits = run.state is RunState.QUEUED and self._clock.monotonic() >= start_at
            if executor is not None and waits:
                # A scheduler may have claimed the run, or a source may be at its limit: then this
                # only waits.
                self._start(run_id, executor)
                start_at = self._clock.monotonic() + _START_S
                continue
            if ended:
                self._lose(run, ended[0][1], ended[0][2], executor)
                continue
            if deadline is not None and self._clock.monotonic() >= deadline:
                return run
            # The longer a run takes, the less a longer poll interval matters.
            waited_s = self._clock.monotonic() - began_at
            self._clock.wait(min(_POLL_S, max(_FIRST_POLL_S, waited_s / 10)))

    def _start(self, run_id: int, executor: Executor) -> None:
        now = self._clock.now()
        for claim in self._store.claim(f"run-{run_id}", now=now, limit=1, run_id=run_id):
            executor.start(claim)

    def _lose(self, run: Run, number: int, exit_code: int, executor: Executor | None) -> None:
        """End an attempt whose runner exited without a report."""
        attempt = next(a for a in self.attempts(run.id) if a.number == number)
        if attempt.outcome is not None:
            return
        claim, now = Claim(run=run, attempt=attempt), self._clock.now()
        # A scheduler may have recorded it first.
        end_exited(self._store, executor, claim, exit_code, now=now, draw=random.random)

    def _folders(self, run_id: int) -> builtins.list[Path]:
        attempts = range(1, 1 + len(self._store.load_attempts(run_id)))
        return [attempt_folder(self._settings.home, run_id, number) for number in attempts]
