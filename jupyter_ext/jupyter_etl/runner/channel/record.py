"""The reports of a kernel, and its requests to the ledger."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from jupyter_etl.errors import DeclarationError, PublishError
from jupyter_etl.model import (
    CheckResult,
    CheckStatus,
    Cursor,
    CursorMove,
    CursorStart,
    NewRun,
    Publication,
    PublicationVersion,
    PublishMode,
    Read,
    Reported,
    RunContext,
    Source,
    Staged,
    broken_checks,
)
from jupyter_etl.ports.channel import Verbs
from jupyter_etl.runner.context import AttemptContext
from jupyter_etl.runner.folders import STAGE
from jupyter_etl.runner.outcome import AttemptOutcome, one_line
from jupyter_etl.runner.progress import Progress
from jupyter_etl.runner.watermarks import CursorBook, with_batches


@dataclass(frozen=True, kw_only=True)
class _SourceFailure:
    source: str
    message: str
    retryable: bool


class RunRecord(Verbs):
    """Answers a kernel's requests with the runner's access to the ledger, and records its reports.

    Thread-safe. Nothing that a kernel reports becomes visible before the run succeeds, except the
    declaration of a source.

    Args:
        context: The attempt and its resources.
    """

    def __init__(self, context: AttemptContext) -> None:
        self._redactor = context.redactor
        self._secret = context.redactor.watching(context.secret)
        self._store = context.store
        self._claim = context.claim
        self._stage = context.folder / STAGE
        self._kinds = frozenset(context.publishers)
        self._clock = context.clock
        self._events = context.events
        self._lock = threading.Lock()
        self._pinned: dict[str, Publication] = {}
        self._staged: dict[str, Staged] = {}
        self._checks: dict[tuple[str, str], CheckResult] = {}
        self._check_cells: dict[tuple[str, str], int | None] = {}
        self._returned: dict[tuple[str, str], bool] = {}
        self._progress: Progress | None = None
        self._reads: dict[Read, None] = {}
        self._cursors = CursorBook(context.claim.run.new)
        self._failure: _SourceFailure | None = None
        self._parameters: Mapping[str, object] = context.claim.run.new.parameters
        self._outputs: Mapping[str, str] = {}

    # -- for the runner ----------------------------------------------------------

    @property
    def staged(self) -> list[Staged]:
        """The outputs to commit, in the order in which their names were first published."""
        with self._lock:
            staged = self._staged.values()
            return with_batches(staged, self._cursors.moves, self._claim.run)

    @property
    def checks(self) -> tuple[CheckResult, ...]:
        """The last result of every rule about every dataset."""
        with self._lock:
            return tuple(self._checks.values())

    @property
    def broken(self) -> tuple[CheckResult, ...]:
        """The failed checks that hold the run.

        Without publications, failed checks whose results were returned to the notebook do not
        count.
        """
        with self._lock:
            checks = [
                result
                for key, result in self._checks.items()
                if self._staged or not self._returned.get(key)
            ]
        return broken_checks(tuple(checks))

    @property
    def broken_cell(self) -> int | None:
        """The deployed index of the first cell in which a check of severity error failed.

        None if no check failed, or if an earlier attempt executed the cell.
        """
        with self._lock:
            cells = [
                self._check_cells.get(key)
                for key, result in self._checks.items()
                if result.status is CheckStatus.ERROR
            ]
        return min((cell for cell in cells if cell is not None), default=None)

    @property
    def reads(self) -> tuple[Read, ...]:
        """The distinct reads of the run."""
        with self._lock:
            return tuple(self._reads)

    @property
    def moves(self) -> tuple[CursorMove, ...]:
        """The moves of incremental loads, one per cursor."""
        with self._lock:
            return self._cursors.moves

    def blame(self, outcome: AttemptOutcome) -> AttemptOutcome:
        """Return the outcome with the failed source, if the kernel reported this failure last."""
        with self._lock:
            failure = self._failure
        found = outcome.failure
        if failure is None or found is None:
            return outcome
        if found.message != one_line("SourceError", failure.message):
            return outcome
        blamed = replace(found, source=failure.source, retryable=failure.retryable)
        return replace(outcome, failure=blamed)

    def reported(self) -> Reported:
        """Return the reports, which a later attempt of the run needs to resume."""
        with self._lock:
            return Reported(
                staged=tuple(self._staged.values()),
                checks=tuple(self._checks.values()),
                reads=tuple(self._reads),
                pinned=tuple(self._pinned.values()),
                moves=self._cursors.moves,
            )

    def take_over(self, reported: Reported) -> None:
        """Replace the reports of this attempt by those of an earlier one."""
        with self._lock:
            self._staged = {one.name: one for one in reported.staged}
            self._checks = {(one.dataset, one.rule.text): one for one in reported.checks}
            self._reads = dict.fromkeys(reported.reads)
            self._pinned = {one.name: one for one in reported.pinned}
            self._cursors.take_over(reported.moves)

    def follow(self, progress: Progress) -> None:
        """Set the source of the current cell's index."""
        self._progress = progress

    def set_notebook(self, parameters: Mapping[str, object], outputs: Mapping[str, str]) -> None:
        """Set the settings that were read from the notebook.

        Args:
            parameters: The notebook's typed parameters, as JSON values.
            outputs: Frames that it publishes as tables: variable to publication.
        """
        self._parameters = dict(parameters)
        self._outputs = dict(outputs)

    # -- requests of a kernel -------------------------------------------------------------------

    def load_context(self) -> RunContext:
        """Return the part of the run's context that cells may use."""
        new = self._new
        return RunContext(
            id=self._claim.run.id,
            pipeline=new.pipeline,
            attempt=self._claim.attempt.number,
            logical_at=new.logical_at,
            start=new.interval.start,
            end=new.interval.end,
            draft=new.draft,
            owner=new.owner,
            notebook=new.notebook,
            folder=str(self._stage),
            parameters=self._parameters,
            timezone=new.timezone,
            outputs=self._outputs,
        )

    def declare_source(self, source: Source) -> Source:
        """Declare a source, owned by the run's owner."""
        self._redactor.refuse_value_in(source)
        return self._store.save_source(
            replace(
                source,
                owner=self._new.owner,
                notebook=self._new.notebook,
                declared_at=self._clock.now(),
            )
        )

    def secret(self, name: str, source: Source | None = None) -> str:
        """Return the value of a secret, which is redacted from then on."""
        return self._secret(name, source)

    def source(self, name: str) -> Source:
        """Return a source by name."""
        return self._store.load_source(name)

    def sources(self) -> list[Source]:
        """Return all sources, by name."""
        return self._store.load_sources()

    def publication(self, name: str) -> Publication:
        """Return a publication as this run first read it."""
        with self._lock:
            seen = self._pinned.get(name)
        if seen is not None:
            return seen
        loaded = self._store.load_publication(name)
        with self._lock:
            return self._pinned.setdefault(name, loaded)

    def publications(self) -> list[Publication]:
        """Return all publications, each as this run first read it."""
        loaded = self._store.load_publications()
        with self._lock:
            return [self._pinned.get(publication.name, publication) for publication in loaded]

    def history(self, name: str, draft: bool = False) -> list[PublicationVersion]:
        """Return the versions of a publication, newest first."""
        return self._store.load_publication_versions(name, draft=draft)

    def report_read(self, read: Read) -> None:
        """Record a read."""
        read = self._redactor.redact_model(read)
        with self._lock:
            self._reads[read] = None
        self._events.add("read", read=read)

    def cursor_start(self, cursor: Cursor) -> CursorStart:
        """Return the start of incremental loads by a cursor; the first answer is fixed."""
        with self._lock:
            known = self._cursors.known(cursor)
        if known is not None:
            return known
        watermark = self._store.load_watermark(self._new.pipeline, cursor)
        with self._lock:
            return self._cursors.start(cursor, watermark, self._clock.now())

    def report_move(self, move: CursorMove) -> None:
        """Record the read of an incremental load; raises `DeclarationError` for a secret."""
        self._refuse_secret("A watermark", move)
        with self._lock:
            noted = self._cursors.move(move)
        self._events.add("cursor", move=noted)

    def report_failure(self, source: str, message: str, retryable: bool) -> None:
        """Record a source that could not be read; the cell may handle the error."""
        text = self._redactor.redact(message)
        failure = _SourceFailure(source=source, message=text, retryable=retryable)
        with self._lock:
            self._failure = failure

    def report_checks(self, results: Sequence[CheckResult], returned: bool = False) -> None:
        """Record results of checks; a later result of the same rule replaces the earlier one."""
        results = [self._redactor.redact_model(result) for result in results]
        cell = self._progress.at if self._progress else None
        with self._lock:
            for result in results:
                self._checks[result.dataset, result.rule.text] = result
                self._check_cells[result.dataset, result.rule.text] = cell
                self._returned[result.dataset, result.rule.text] = returned
        broken = [result.message for result in results if result.status is CheckStatus.ERROR]
        self._events.add("checks", results=list(results), broken=broken)

    def publish(self, staged: Staged, live: bool = False) -> None:
        """Accept a staged output; the runner commits it after the last cell.

        Raises:
            DeclarationError: It is outside the attempt's folder, or its name, title, columns or
                options contain the value of a secret.
            PublishError: Its kind is not installed, or the run has already staged that name and the
                modes do not allow one to replace the other.
            PermissionDenied: The name belongs to another owner.
            Conflict: The name is a publication of another kind, or of another pipeline.
        """
        self._validate(staged)
        origins = tuple(self._redactor.redact_model(one) for one in staged.origins)
        staged = replace(staged, origins=origins)
        self._refuse_secret("The description of an output", replace(staged, folder=""))
        # Only users approve, and only the runner can identify the appended rows.
        staged = replace(staged, approved=False, batch=None)
        deployed = self._new.version is not None
        alone = deployed and not self._new.draft and not self._new.policy.shared
        self._store.check_publication(
            staged.name,
            staged.kind,
            self._new.owner,
            pipeline=self._new.pipeline if alone else None,
        )
        with self._lock:
            self._refuse_second(staged)
            self._staged[staged.name] = staged
        self._events.add("staged", name=staged.name, publication=staged.kind, rows=staged.rows)

    def staged_outputs(self) -> list[Staged]:
        """Return what the run has staged, also in the attempt that it resumes."""
        with self._lock:
            return list(self._staged.values())

    def _refuse_secret(self, what: str, value: object) -> None:
        if self._redactor.is_active:
            self._redactor.refuse_value_in_texts(
                what,
                [msgspec.json.encode(value).decode()],
                hint="The ledger keeps names only. Leave out the value of",
            )

    @property
    def _new(self) -> NewRun:
        return self._claim.run.new

    def _validate(self, staged: Staged) -> None:
        if staged.kind not in self._kinds:
            known = ", ".join(sorted(self._kinds)) or "none"
            raise PublishError(
                f"There is no publisher for {staged.kind!r}; there are: {known}.",
                hint="Install the package that brings it, where the runs are executed.",
            )
        stage = self._stage.resolve()
        folder = Path(staged.folder).resolve()
        files = [(folder / name).resolve() for name in staged.files]
        inside = folder != stage and folder.is_relative_to(stage) and folder.is_dir()
        if not inside or any(not file.is_relative_to(folder) for file in files):
            raise DeclarationError(
                f"The output {staged.name!r} was staged outside the folder of the run.",
                hint="Publish with %etl publish or etl.publish; they choose the folder.",
            )

    def _refuse_second(self, staged: Staged) -> None:
        first = self._staged.get(staged.name)
        if first is None:
            return
        whole = all(
            one.mode is PublishMode.REPLACE and not one.partition_by for one in (first, staged)
        )
        if whole and first.kind is staged.kind:
            return
        raise PublishError(
            f"{staged.name!r} was published before in this run ({first.mode} {first.kind}), now again "
            f"({staged.mode} {staged.kind}): only a replace of the whole can follow such a replace.",
            hint="Put the rows together in one frame and publish once, or use two names.",
        )
