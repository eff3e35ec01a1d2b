"""The reason why a pipeline's runs start cold."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyter_etl.errors import ExecutionError
from jupyter_etl.model import Pipeline
from jupyter_etl.ports import SnapshotStore
from jupyter_etl.runner.kernel.command import Cold, why_cold
from jupyter_etl.runner.kernel.kernels import kernel_environment, kernel_of
from jupyter_etl.services.settings import Settings

_FRESH_S = 10.0
"""Seconds for which the answer for a kernel is cached: a page shows many pipelines, most with the
same kernel.
"""


class ColdStarts:
    """Determines why the runs of pipelines start cold.

    The answer applies to this process; a scheduler in another environment may differ.
    """

    def __init__(self, store: SnapshotStore, settings: Settings) -> None:
        self._store = store
        self._settings = settings
        self._metadata: dict[str, Mapping[str, Any]] = {}
        self._found: dict[tuple[str, Path], tuple[float, Cold | None]] = {}

    def of_all(self, pipelines: Sequence[Pipeline]) -> dict[str, Cold | None]:
        """Return the reasons by name; None for warm starts, or if the kernel is not installed here.

        The snapshots that are not cached are loaded with one query.
        """
        found = {one.name: self._as_set(one) for one in pipelines}
        others = [one for one in pipelines if found[one.name] is None]
        self._load({one.content_hash for one in others} - self._metadata.keys())
        return found | {one.name: self._of_notebook(one) for one in others}

    def _as_set(self, pipeline: Pipeline) -> Cold | None:
        """Return the reason if it is a setting or the platform."""
        if not pipeline.policy.warm:
            return Cold(why="it was deployed with --cold", remedy="deploy it without --cold")
        if not self._settings.warm:
            return Cold(
                why="JUPYTER_ETL_WARM is 0",
                remedy="set JUPYTER_ETL_WARM=1 and restart the scheduler",
            )
        if sys.platform != "linux":
            return Cold(why="warm starts need Linux", remedy="run the scheduler on Linux")
        return None

    def _of_notebook(self, pipeline: Pipeline) -> Cold | None:
        """Return the reason if it is the notebook's kernel."""
        metadata, folder = self._metadata.get(pipeline.content_hash), Path(pipeline.notebook).parent
        if metadata is None:
            return _Unknown(
                why=f"the snapshot of version {pipeline.version} is missing from the ledger or damaged",
                remedy="deploy the notebook again",
            )
        key = str(metadata["kernelspec"].get("name") or ""), folder
        at, cold = self._found.get(key, (-_FRESH_S, None))
        if time.monotonic() - at >= _FRESH_S:
            cold = _of_kernel(metadata, folder)
            self._found[key] = time.monotonic(), cold
        return cold

    def _load(self, content_hashes: Collection[str]) -> None:
        if not content_hashes:
            return
        for content_hash, text in self._store.load_snapshots(content_hashes).items():
            # Only the kernelspec: the metadata of a notebook may be large.
            with suppress(ValueError, TypeError, AttributeError):
                found = json.loads(text).get("metadata", {}).get("kernelspec", {})
                self._metadata[content_hash] = {"kernelspec": dict(found)}


class _Unknown(Cold):
    """A snapshot that cannot be read."""

    def message(self) -> str:
        """Return one sentence for the user."""
        return f"Whether its runs start warm is not known, because {self.why}; {self.remedy}."


def _of_kernel(metadata: Mapping[str, Any], folder: Path) -> Cold | None:
    try:
        spec = kernel_of(metadata).spec
    except ExecutionError:
        return None
    return why_cold(spec, kernel_environment({}), folder)
