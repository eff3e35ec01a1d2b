"""The ledger for what people declare: sources, snapshots, pipelines."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import NO_TAGS, Pipeline, PipelineVersion, Source


class SourceStore(Protocol):
    """The catalogue of sources."""

    def save_source(self, source: Source) -> Source:
        """Declare a source; idempotent.

        Raises:
            PermissionDenied: Another owner has the name.
        """
        ...

    def load_source(self, name: str) -> Source:
        """Return a source; raises `NotFound`."""
        ...

    def load_sources(self) -> list[Source]:
        """Return all sources, by name."""
        ...


class SnapshotStore(Protocol):
    """Texts and files under the hash of their content."""

    def save_snapshot(self, body: str) -> str:
        """Save a text, and return its key: the SHA-256 (hex) of its UTF-8 bytes."""
        ...

    def load_snapshot(self, content_hash: str) -> str:
        """Return a text; raises `NotFound`."""
        ...

    def load_snapshots(self, content_hashes: Collection[str]) -> dict[str, str]:
        """Return snapshots by their hash, without those that are missing or not text."""
        ...

    def save_bundle(self, body: str, files: Sequence[bytes]) -> str:
        """Save a snapshot with the contents of the files that it lists; return its key.

        Equal contents are stored once, whatever snapshots list them.
        """
        ...

    def load_files(self, content_hashes: Collection[str]) -> dict[str, bytes]:
        """Return contents that `save_bundle` saved, by SHA-256 (hex); raises `NotFound`."""
        ...


class PipelineStore(Protocol):
    """Pipelines and their versions."""

    def deploy(self, pipeline: Pipeline, *, now: datetime) -> Pipeline:
        """Write a pipeline as declared.

        A new name gets version 1. If content, schedule, parameters or policy differ from the live
        version, the next version is recorded. If nothing differs, nothing changes except the
        ``next_due`` of a schedule that has none. ``version``, ``revision``, ``created_at`` and
        ``updated_at`` of the argument are ignored. A paused pipeline stays paused.

        Raises:
            PermissionDenied: Another owner has the name.
            Conflict: Another notebook (path) has the name.
        """
        ...

    def load_pipeline(self, name: str) -> Pipeline:
        """Return a pipeline; raises `NotFound`."""
        ...

    def load_pipelines(
        self,
        *,
        search: str = "",
        owner: str | None = None,
        limit: int | None = None,
        tags: Mapping[str, str] = NO_TAGS,
        offset: int = 0,
    ) -> list[Pipeline]:
        """Return all, or a page of those that match, by name.

        Args:
            search: Part of the name, the owner, the notebook's path or a tag such as ``team=ops``;
                case is ignored.
            owner: Only the pipelines of this owner.
            tags: Only the pipelines that have all of these.
            limit: Maximum number of pipelines.
            offset: How many to skip first.
        """
        ...

    def count_pipelines(
        self, *, search: str = "", owner: str | None = None, tags: Mapping[str, str] = NO_TAGS
    ) -> int:
        """Count what `load_pipelines` would return without a limit."""
        ...

    def load_pipeline_versions(self, name: str) -> list[PipelineVersion]:
        """Return the versions of a pipeline, also of a removed one, newest first."""
        ...

    def change_pipeline(
        self,
        name: str,
        *,
        now: datetime,
        paused: bool | None = None,
        next_due: datetime | None = None,
        owner: str | None = None,
        notebook: str | None = None,
    ) -> Pipeline:
        """Pause, resume (with the next time), transfer or relink a pipeline; advances ``revision``.

        The publications of a pipeline are transferred with it: the next run, which belongs to the
        new owner, could not publish them otherwise.
        """
        ...

    def remove_pipeline(self, name: str) -> None:
        """Remove a pipeline from the schedule; its versions and runs stay on record."""
        ...
