"""Notebooks that were renamed, moved or deleted after their deployment."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path

from jupyter_etl.errors import Conflict, DeclarationError, NotFound, PermissionDenied
from jupyter_etl.language.names import listed
from jupyter_etl.language.notebooks.bundle import add_bundle, bundle_of
from jupyter_etl.language.notebooks.notebook import cells_by_id, snapshot_of
from jupyter_etl.model import Pipeline
from jupyter_etl.ports import Store
from jupyter_etl.services.notebooks import read_notebook

MOST_FILES = 2_000
"""Maximum number of notebooks and folders that a search visits."""

_MADE_UP = re.compile(r"cell-\d+")
"""Ids that `snapshot_of` assigns to cells without one; they identify nothing."""


def is_missing(pipeline: Pipeline) -> bool:
    """Return whether the notebook's file is missing; its deployed version still runs."""
    return not Path(pipeline.notebook).is_file()


def moved_pipeline(store: Store, path: Path, snapshot: str, owner: str) -> Pipeline | None:
    """Find the pipeline whose notebook was renamed or moved to a path.

    Its old file is missing, and the new one has the deployed content, or most of its cells with
    their ids. A copy whose original still exists is a different notebook.

    Args:
        path: Current path of the notebook.
        owner: Owner whose pipelines are considered.

    Raises:
        Conflict: Several pipelines match the notebook.
    """
    found = [
        one
        for one in store.load_pipelines()
        if one.owner == owner and has_moved(store, one, path, snapshot)
    ]
    if len(found) > 1:
        names = [one.name for one in found]
        raise Conflict(
            f"{path.name} may be the renamed notebook of {listed(names)}.",
            hint=f"Relink one: jupyter etl relink {names[0]} {path.name}; or deploy a separate "
            "pipeline with --name.",
            data={"names": names},
        )
    return found[0] if found else None


def has_moved(store: Store, pipeline: Pipeline, path: Path, snapshot: str) -> bool:
    """Return whether the notebook at a path is that of a pipeline, renamed or moved."""
    elsewhere = pipeline.notebook != str(path) and is_missing(pipeline)
    return elsewhere and _is_same(_deployed(store, pipeline), snapshot)


def find_notebook(store: Store, pipeline: Pipeline) -> Path:
    """Find the current path of a pipeline's notebook, in its old folder and nearby folders.

    Raises:
        NotFound: No notebook there matches.
        Conflict: Several notebooks match, or the file has not moved.
    """
    if not is_missing(pipeline):
        raise Conflict(
            f"The notebook of {pipeline.name} has not moved: {pipeline.notebook}",
            hint=f"To link another one, pass its path: jupyter etl relink {pipeline.name} NOTEBOOK",
        )
    deployed = _deployed(store, pipeline)
    taken = {one.notebook for one in store.load_pipelines()}
    found = [
        path
        for path in _near(Path(pipeline.notebook))
        if str(path) not in taken and _is_same(deployed, _snapshot(path))
    ]
    name = Path(pipeline.notebook).name
    give = f"Pass its path: jupyter etl relink {pipeline.name} NOTEBOOK"
    if not found:
        raise NotFound(f"No notebook near {pipeline.notebook} has the cells of {name}.", hint=give)
    if len(found) > 1:
        raise Conflict(
            f"Several notebooks have the cells of {name}: {listed(map(str, found), limit=5)}.",
            hint=give,
        )
    return found[0]


def _near(old: Path) -> Iterator[Path]:
    """Yield notebooks below the nearest existing folder and its parent."""
    folder = next((one for one in old.parents if one.is_dir()), None)
    if folder is None or folder == folder.parent:
        return iter(())
    above = folder.parent if folder == old.parent else folder
    inside = _notebooks_below(folder)
    around = _notebooks_below(above) if above != above.parent else iter(())
    return iter(dict.fromkeys([*islice(inside, MOST_FILES), *islice(around, MOST_FILES)]))


def _notebooks_below(folder: Path) -> Iterator[Path]:
    for parent, folders, files in islice(os.walk(folder), MOST_FILES):
        folders[:] = sorted(one for one in folders if not one.startswith("."))
        for file in sorted(files):
            if file.endswith(".ipynb") and not file.startswith("."):
                yield Path(parent, file).resolve()


def _snapshot(path: Path) -> str | None:
    try:
        return snapshot_of(read_notebook(path)[1])
    except (DeclarationError, NotFound, PermissionDenied):
        return None


def _deployed(store: Store, pipeline: Pipeline) -> str | None:
    try:
        return store.load_snapshot(pipeline.content_hash)
    except NotFound:
        return None


def _is_same(deployed: str | None, snapshot: str | None) -> bool:
    if deployed is None or snapshot is None:
        return False
    if deployed == add_bundle(snapshot, bundle_of(deployed)):
        return True
    # Ids alone do not identify a notebook: all copies of a template share them.
    old, new = _identifying(cells_by_id(deployed)), _identifying(cells_by_id(snapshot))
    return bool(old) and 2 * len(old & new) > len(old)


def _identifying(cells: Mapping[str, str]) -> set[tuple[str, str]]:
    return {(one, source) for one, source in cells.items() if not _MADE_UP.fullmatch(one)}
