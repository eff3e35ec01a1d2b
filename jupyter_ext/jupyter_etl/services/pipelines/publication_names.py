"""The publications of pipelines, derived from the text of their notebooks."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from jupyter_etl.errors import Conflict, DeclarationError, NotFound
from jupyter_etl.language.commands.publications import (
    PublishFileRequest,
    PublishReportRequest,
    PublishTableRequest,
)
from jupyter_etl.language.names import listed, nearest, parse_name, slug
from jupyter_etl.language.notebooks.cells import published_in
from jupyter_etl.language.notebooks.notebook import Outline, parse_notebook
from jupyter_etl.model import Pipeline
from jupyter_etl.ports import Store

PATH_TEMPLATE = re.compile(r"\{\{(.*?)\}\}")
"""A variable in the path of a file that is published."""


def published_names(outline: Outline) -> frozenset[str]:
    """Return the names that a notebook publishes, without computed names."""
    return frozenset(_names_in(outline))


def _names_in(outline: Outline) -> Iterator[str]:
    for _, request in outline.commands:
        match request:
            case PublishTableRequest():
                yield from _named("table", request.name, None)
            case PublishFileRequest():
                yield from _named("file", request.path, request.name)
            case PublishReportRequest():
                yield from _named("report", request.title, request.name)
    if outline.language == "python":
        for cell in outline.cells:
            if cell.kind == "code":
                for kind, first in published_in(cell.source):
                    yield from _named(kind, first, None)


def _named(kind: str, first: str, name: str | None) -> Iterator[str]:
    if name is None:
        name = file_name(first) if kind == "file" else slug(first) if kind == "report" else first
    try:
        yield parse_name(name, what="publication")
    except DeclarationError:
        return


def check_names(
    store: Store,
    before: Pipeline | None,
    was: Outline | None,
    pipeline: Pipeline,
    outline: Outline,
    *,
    expect: bool,
) -> None:
    """Check the names of publications that are new in a version of a pipeline.

    Args:
        before, was: The deployed pipeline and its notebook; None for a new one.
        pipeline, outline: The pipeline and notebook to deploy.
        expect: Whether ``after`` may name publications that do not exist yet.

    Raises:
        NotFound: Nothing publishes a name that it waits for.
        Conflict: Another pipeline has the same publication.
    """
    names = published_names(outline)
    after = pipeline.schedule.after if pipeline.schedule else ()
    awaited = before.schedule.after if before and before.schedule else ()
    if not expect:
        _refuse_unknown(store, [name for name in after if name not in awaited], names)
    no_more = before is not None and before.policy.shared and not pipeline.policy.shared
    known = frozenset() if was is None or no_more else published_names(was)
    _refuse_taken(store, pipeline, names - known)


def _refuse_taken(store: Store, pipeline: Pipeline, names: Collection[str]) -> None:
    """Raise `Conflict` if another pipeline publishes a name and neither is shared."""
    if not names or pipeline.policy.shared:
        return
    others = {
        one.name: one
        for one in store.load_pipelines()
        if one.name != pipeline.name and not one.policy.shared
    }
    for one in store.load_publications():
        if one.name in names and one.pipeline in others:
            raise _taken(one.name, one.pipeline)
    for other in others.values():
        for name in sorted(_deployed_names(store, other).intersection(names)):
            raise _taken(name, other.name)


def _deployed_names(store: Store, pipeline: Pipeline) -> frozenset[str]:
    try:
        snapshot = store.load_snapshot(pipeline.content_hash)
    except NotFound:
        return frozenset()
    # Parsing notebooks is most of the work, and many publish nothing.
    return published_names(parse_notebook(snapshot)) if "publish" in snapshot else frozenset()


def _taken(name: str, pipeline: str) -> Conflict:
    return Conflict(
        f"The pipeline {pipeline!r} already publishes {name!r}.",
        hint="Publish under another name; or allow both to publish it: --shared",
        data={"name": name, "pipeline": pipeline, "field": "shared"},
    )


def _refuse_unknown(store: Store, names: Sequence[str], own: Collection[str]) -> None:
    """Raise `NotFound` for a name that nothing publishes or has published."""
    known = {*own, *(one.name for one in store.load_publications())}
    if known >= {*names}:
        return
    for pipeline in store.load_pipelines():
        known |= _deployed_names(store, pipeline)
    unknown = [name for name in names if name not in known]
    if unknown:
        what = "publication" if len(unknown) == 1 else "publications"
        raise NotFound(
            f"There is no {what} {listed(unknown)}.{nearest(unknown[0], known)}",
            hint="Correct the name; or, for a future publication, add --expect.",
            data={"names": unknown},
        )


def file_name(path: str) -> str:
    """Return the default publication name of a file; ``path`` may contain templates."""
    plain = Path(PATH_TEMPLATE.sub("", path))
    parts = [*plain.parent.parts, plain.name.partition(".")[0]]
    return ".".join(filter(None, (slug(part, empty="") for part in parts))) or "file"
