"""The local files of pipelines: pinned at deployment, compared later."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.language.notebooks.bundle import add_bundle, bundle_of, changed_files
from jupyter_etl.language.notebooks.notebook import Outline, snapshot_of
from jupyter_etl.model import Bundle, BundleFile, FileChange, Pipeline, PipelineVersion
from jupyter_etl.ports import Store
from jupyter_etl.services.bundles.collection import Collected, collect
from jupyter_etl.services.bundles.versions import FileDifference, diff_versions, with_files
from jupyter_etl.services.notebooks import read_notebook
from jupyter_etl.services.settings import Settings


@dataclass(frozen=True, kw_only=True)
class PinnedVersion:
    """The result of pinning a version.

    Args:
        content_hash: Identifies the notebook with all of its files.
        files: The files.
        changes: Differences from the files of the previous deployment.
        notes: Dependencies that could not be determined, one sentence each.
    """

    content_hash: str
    files: tuple[BundleFile, ...]
    changes: tuple[FileChange, ...]
    notes: tuple[str, ...]


class LocalFiles:
    """Pins, lists and compares the local files of pipelines."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store = store
        self._settings = settings

    def pin(
        self,
        path: Path,
        text: str,
        outline: Outline,
        *,
        include: Sequence[str],
        before: Pipeline | None,
    ) -> PinnedVersion:
        """Store a notebook with its local files.

        Args:
            path, text, outline: From `read_notebook`.
            include: Patterns of additional files; empty keeps those of the previous version. An
                empty pattern removes them.
            before: The deployed pipeline; None if there is none.

        Raises:
            DeclarationError: See `collect`.
        """
        deployed = Bundle() if before is None else bundle_of(self._snapshot(before))
        patterns = tuple(one for one in include if one.strip()) if include else deployed.include
        found = self._collect(path, outline, patterns)
        snapshot = add_bundle(snapshot_of(text), found.bundle)
        return PinnedVersion(
            content_hash=self._store.save_bundle(snapshot, found.contents),
            files=found.bundle.files,
            changes=changed_files(deployed, found.bundle),
            notes=found.notes,
        )

    def now(self, notebook: Path, pipeline: Pipeline | None = None) -> Bundle:
        """Return what a deployment would pin now, without missing files.

        Args:
            pipeline: The deployed pipeline whose patterns apply.
        """
        path, _, outline = read_notebook(notebook)
        include = () if pipeline is None else bundle_of(self._snapshot(pipeline)).include
        try:
            return self._collect(path, outline, include).bundle
        except DeclarationError:
            return Bundle(include=include)

    def changed(self, pipeline: Pipeline) -> bool:
        """Return whether the notebook or a file of its version differs from the deployed one."""
        deployed = self._snapshot(pipeline)
        try:
            path, text, outline = read_notebook(Path(pipeline.notebook))
            found = self._collect(path, outline, bundle_of(deployed).include)
        except (DeclarationError, NotFound):
            return True
        return add_bundle(snapshot_of(text), found.bundle) != deployed

    def versions(self, name: str) -> list[PipelineVersion]:
        """Return the versions of a pipeline with their files, newest first."""
        return with_files(self._store, self._store.load_pipeline_versions(name))

    def diff(self, name: str, before: int, after: int | None = None) -> list[FileDifference]:
        """Compare the notebook and the files of two versions of a pipeline.

        Args:
            before, after: Version numbers; ``after`` defaults to the newest.

        Raises:
            NotFound: There is no such version.
        """
        return diff_versions(self._store, name, before, after)

    def _snapshot(self, pipeline: Pipeline) -> str:
        return self._store.load_snapshot(pipeline.content_hash)

    def _collect(self, path: Path, outline: Outline, include: Sequence[str]) -> Collected:
        settings = self._settings
        limit_bytes, home = settings.bundle_bytes, settings.home
        return collect(path, outline, include=include, limit_bytes=limit_bytes, home=home)
