"""The channel of a notebook that a person runs: it asks the ledger itself."""

from __future__ import annotations

import builtins
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from jupyter_etl.errors import EtlError
from jupyter_etl.model import (
    CheckResult,
    Cursor,
    CursorMove,
    CursorStart,
    Publication,
    PublicationKind,
    PublicationVersion,
    PublishMode,
    Read,
    RunContext,
    Source,
    Staged,
)
from jupyter_etl.notebook.location import saved_notebook
from jupyter_etl.ports import Channel
from jupyter_etl.runner.commit import batch_of_rows
from jupyter_etl.runner.published_secrets import refuse_secrets
from jupyter_etl.scheduling.occurrences import interval_of
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.notebooks import read_notebook
from jupyter_etl.services.publications.publishing import publish_staged


class InteractiveChannel(Channel):
    """Answers the requests of a cell that is executed interactively.

    Outputs become drafts at once, next to the live version.

    Args:
        notebook: Returns the notebook's path; called every time, because it may be renamed or
            saved.
    """

    def __init__(self, etl: Etl, *, notebook: Callable[[], Path | None]) -> None:
        self._etl = etl
        self._find_notebook = notebook
        self._stages = tempfile.TemporaryDirectory(prefix="jupyter-etl-")

    def close(self) -> None:
        """Delete staged data."""
        self._stages.cleanup()

    @property
    def _notebook(self) -> str:
        found = self._find_notebook()
        return str(found) if found else ""

    def load_context(self) -> RunContext:
        """Return a draft run of the current time."""
        notebook, now = self._notebook, self._etl.clock.now()
        interval = interval_of(None, now)
        return RunContext(
            id=None,
            pipeline=Path(notebook).stem,
            attempt=0,
            logical_at=now,
            start=interval.start,
            end=interval.end,
            draft=True,
            owner=self._etl.settings.owner,
            notebook=notebook,
            folder=self._stages.name,
            timezone=self._etl.settings.timezone,
            outputs=_outputs_of(notebook),
        )

    def declare_source(self, source: Source) -> Source:
        """Write it into the catalogue, owned by the user."""
        self._etl.redactor.refuse_value_in(source)
        owned = replace(source, owner=self._etl.settings.owner, declared_at=self._etl.clock.now())
        self._etl.secrets.refuse_others(owned, self._etl.store.load_sources)
        return self._etl.store.save_source(owned)

    def secret(self, name: str, source: Source | None = None) -> str:
        """Return the value of a secret; see `SecretResolver`."""
        return self._etl.secret(name, source)

    def source(self, name: str) -> Source:
        """Return a source; raises `NotFound`."""
        return self._etl.store.load_source(name)

    def sources(self) -> list[Source]:
        """Return all sources."""
        return self._etl.store.load_sources()

    def publication(self, name: str) -> Publication:
        """Return a publication; raises `NotFound`."""
        return self._etl.store.load_publication(name)

    def publications(self) -> builtins.list[Publication]:
        """Return all publications."""
        return self._etl.store.load_publications()

    def history(self, name: str, draft: bool = False) -> builtins.list[PublicationVersion]:
        """Return its versions, newest first."""
        return self._etl.store.load_publication_versions(name, draft=draft)

    def report_read(self, read: Read) -> None:
        """Record nothing: there is no run."""

    def cursor_start(self, cursor: Cursor) -> CursorStart:
        """Start where the runs of this notebook's pipeline do, and end now."""
        store, now = self._etl.store, self._etl.clock.now()
        deployed = [one.name for one in store.load_pipelines() if one.notebook == self._notebook]
        pipeline = next(iter(deployed), self.context.pipeline)
        found = store.load_watermark(pipeline, cursor)
        if found is None:
            return CursorStart(after=None, era=0, until=now)
        return CursorStart(after=found.value, era=found.era, until=now)

    def report_move(self, move: CursorMove) -> None:
        """Advance no watermark: there is no run."""

    def report_failure(self, source: str, message: str, retryable: bool) -> None:
        """Record nothing: there is no run."""

    def report_checks(self, results: Sequence[CheckResult], returned: bool = False) -> None:
        """Record nothing: there is no run."""

    def stage_folder(self, name: str) -> Path:
        """Return a new empty folder, which is deleted with the kernel."""
        return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._stages.name))

    def publish(self, staged: Staged, live: bool = False) -> PublicationVersion | None:
        """Commit now: as a draft, or as the live version where that was asked for."""
        etl = self._etl
        draft = not live
        etl.store.check_publication(staged.name, staged.kind, etl.settings.owner)
        if staged.kind is PublicationKind.REPORT:
            # Raises an error for a notebook that is not saved.
            notebook = str(saved_notebook())
            staged = replace(staged, options={**staged.options, "notebook": notebook})
        if staged.mode is PublishMode.APPEND:
            # Running a cell again appends the same rows: they replace the first ones.
            staged = replace(staged, batch=batch_of_rows(staged))
        refuse_secrets([staged], etl.redactor, Path(staged.options.get("notebook", "")))
        return publish_staged(
            staged,
            store=etl.store,
            clock=etl.clock,
            lake=etl.lake,
            owner=etl.settings.owner,
            pipeline=self.context.pipeline,
            notebook=self._notebook,
            draft=draft,
        )

    def staged_outputs(self) -> builtins.list[Staged]:
        """Return nothing: outputs are committed at once."""
        return []


def _outputs_of(notebook: str) -> Mapping[str, str]:
    """Return the publications of the saved notebook; empty if it is not saved."""
    if not notebook:
        return {}
    try:
        facts = Path(notebook).stat()
        return _outputs_at(notebook, facts.st_mtime_ns, facts.st_size)
    except (OSError, EtlError):
        return {}


@lru_cache(maxsize=4)
def _outputs_at(notebook: str, modified_ns: int, size: int) -> Mapping[str, str]:
    """Parse a notebook once for each time that it is saved."""
    return read_notebook(Path(notebook))[2].outputs
