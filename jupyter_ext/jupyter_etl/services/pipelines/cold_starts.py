"""The reason why a pipeline's runs start cold."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
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

    def of(self, pipeline: Pipeline) -> Cold | None:
        """Return the reason; None if the runs start warm or the kernel is not installed here."""
        if not pipeline.policy.warm:
            return Cold(why="it was deployed with --cold", remedy="deploy it without --cold")
        if not self._settings.warm:
            return Cold(
                why="JUPYTER_ETL_WARM is 0",
                remedy="set JUPYTER_ETL_WARM=1 and restart the scheduler",
            )
        if sys.platform != "linux":
            return Cold(why="warm starts need Linux", remedy="run the scheduler on Linux")
        return self._of_notebook(pipeline)

    def _of_notebook(self, pipeline: Pipeline) -> Cold | None:
        """Return the reason, considering only the notebook's kernel."""
        metadata, folder = self._metadata_of(pipeline), Path(pipeline.notebook).parent
        key = str(metadata["kernelspec"].get("name") or ""), folder
        at, cold = self._found.get(key, (-_FRESH_S, None))
        if time.monotonic() - at >= _FRESH_S:
            cold = _of_kernel(metadata, folder)
            self._found[key] = time.monotonic(), cold
        return cold

    def _metadata_of(self, pipeline: Pipeline) -> Mapping[str, Any]:
        found = self._metadata.get(pipeline.content_hash)
        if found is None:
            found = json.loads(self._store.load_snapshot(pipeline.content_hash)).get("metadata", {})
            # Load only what is needed: a notebook's metadata may be large.
            found = {"kernelspec": found.get("kernelspec", {})}
            self._metadata[pipeline.content_hash] = found
        return found


def _of_kernel(metadata: Mapping[str, Any], folder: Path) -> Cold | None:
    try:
        spec = kernel_of(metadata).spec
    except ExecutionError:
        return None
    return why_cold(spec, kernel_environment({}), folder)
