"""Resolution of names to sources, publications and variables."""

from __future__ import annotations

from collections.abc import Container, Mapping
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.language.names import listed, nearest, parse_name
from jupyter_etl.model import Publication, Source
from jupyter_etl.ports import Channel, Store


@dataclass(frozen=True, kw_only=True)
class Target:
    """The object that ``wh.orders``, ``trips`` or ``df`` refers to; one field is set.

    Args:
        name: As written.
        source: A declared source, with ``table`` inside it.
        table: "" for a source that is one table.
        publication: A published output.
        variable: A variable of the notebook.
    """

    name: str
    source: Source | None = None
    table: str = ""
    publication: Publication | None = None
    variable: object | None = None


def find_target(name: str, channel: Channel, namespace: Mapping[str, object]) -> Target:
    """Resolve a name: a source, a publication, a table of a source, then a variable.

    A publication that has only drafts comes last.

    Args:
        name: ``NAME`` or ``NAME.TABLE``.

    Raises:
        NotFound: No source or publication has that name; the message suggests the nearest.
    """
    source = _source(name, channel)
    if source is not None:
        return Target(name=name, source=source)
    publication = _publication(name, channel)
    if publication is None or publication.live is None:
        head, dot, table = name.rpartition(".")
        while dot:
            source = _source(head, channel)
            if source is not None:
                return Target(name=name, source=source, table=table)
            head, dot, last = head.rpartition(".")
            table = f"{last}.{table}"
    if publication is not None:
        return Target(name=name, publication=publication)
    if namespace.get(name) is not None:
        return Target(name=name, variable=namespace[name])
    if name in namespace:
        raise NotFound(
            f"The variable {name!r} is None, and there is no source or publication with that name.",
            hint="Run the cell that defines it, and check that it assigns a value.",
        )
    known = [*(s.name for s in channel.sources()), *(p.name for p in channel.publications())]
    guess = nearest(name, [*known, *(n for n in namespace if not n.startswith("_"))])
    raise NotFound(
        f"There is no source, publication or variable {name!r}.{guess}",
        hint="" if guess else _next_step(name, name.split(".")[0]),
    )


def table_of_source(name: str, sources: Container[str]) -> tuple[str, str] | None:
    """Split ``wh.orders`` into the source and its table; None if it does not start with a source.

    Args:
        name: A source, whose table is "", or SOURCE.TABLE.
        sources: Names of sources; the longest match is used.
    """
    parts = name.split(".")
    for cut in range(len(parts), 0, -1):
        head = ".".join(parts[:cut])
        if head in sources:
            return head, ".".join(parts[cut:])
    return None


def shadowing(source: str, channel: Channel) -> list[str]:
    """Find publications that have the name of a source or could be its tables.

    Returns:
        Sentences for the user; empty if all names are distinct.
    """
    names = [one.name for one in channel.publications() if one.live is not None]
    inside = [name for name in names if name.startswith(f"{source}.")]
    notes = []
    if inside:
        are = "is a publication and takes" if len(inside) == 1 else "are publications and take"
        notes.append(f"{listed(inside)} {are} precedence over tables of this source.")
    if source in names:
        notes.append(
            f"There is also a publication {source}; the name refers to the source. "
            f"etl.read({source!r}) reads the publication."
        )
    return notes


def _source(name: str, channel: Channel) -> Source | None:
    try:
        return channel.source(name)
    except NotFound:
        return None


def _publication(name: str, channel: Channel) -> Publication | None:
    try:
        return channel.publication(name)
    except NotFound:
        return None


def _next_step(name: str, head: str) -> str:
    if "://" in name:
        return (
            "Declare the location as a source, and use its name: %etl source NAME LOCATION "
            "--secret NAME"
        )
    try:
        parse_name(name, what="name")
    except DeclarationError:
        return "A name is expected; assign the result of an expression to a variable first."
    return f"Declare it: %etl source {head} LOCATION"


def must_be_pipeline(store: Store, name: str) -> None:
    """Raise an error if a name is not that of a pipeline.

    Names of notebooks that were only run, and of removed pipelines, are accepted: they have
    records.

    Raises:
        NotFound: Nothing is recorded under the name; the hint has the nearest known name.
    """
    names = {one.name for one in store.load_pipelines()}
    names |= {one.pipeline for one in store.load_watermarks()}
    if name in names or store.count_runs(pipeline=name):
        return
    names |= {run.new.pipeline for run in store.load_runs()}
    hint = nearest(name, sorted(names)).strip() or "List them: jupyter etl pipelines"
    raise NotFound(f"There is no pipeline {name!r}.", hint=hint)


def must_be_readable(store: Store, name: str) -> None:
    """Raise an error unless a name is a source, a table of one, or a publication.

    Raises:
        NotFound: The hint has the nearest known name.
    """
    sources = [one.name for one in store.load_sources()]
    publications = [one.name for one in store.load_publications()]
    if table_of_source(name, sources) is None and name not in publications:
        hint = nearest(name, [*sources, *publications]).strip()
        raise NotFound(f"There is no source or publication {name!r}.", hint=hint)
