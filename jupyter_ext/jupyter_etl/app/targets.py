"""What a name in a notebook stands for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from jupyter_etl.errors import DeclarationError, NotFound
from jupyter_etl.model import Publication, Source
from jupyter_etl.ports import Channel
from jupyter_etl.spec.names import nearest, parse_name


@dataclass(frozen=True, kw_only=True)
class Target:
    """What ``wh.orders``, ``trips``, ``sales.daily`` or ``df`` stands for; one field is set.

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
    """Find what a name stands for: a source, a table of one, a publication, then a variable.

    Args:
        name: ``NAME`` or ``NAME.TABLE``.
        channel: Knows sources and publications.
        namespace: Variables of the notebook.

    Raises:
        NotFound: Nothing is called so; the message names what is near.
    """
    sources = {source.name: source for source in channel.sources()}
    if name in sources:
        return Target(name=name, source=sources[name])
    parts = name.split(".")
    for cut in range(len(parts) - 1, 0, -1):
        head = ".".join(parts[:cut])
        if head in sources:
            return Target(name=name, source=sources[head], table=".".join(parts[cut:]))
    try:
        return Target(name=name, publication=channel.publication(name))
    except NotFound:
        pass
    if namespace.get(name) is not None:
        return Target(name=name, variable=namespace[name])
    if name in namespace:
        raise NotFound(
            f"{name!r} is None, and no source or publication is named so.",
            hint="Run the cell that makes it, and look whether it ends in a value.",
        )
    known = [*sources, *(p.name for p in channel.publications())]
    guess = nearest(name, [*known, *(n for n in namespace if not n.startswith("_"))])
    raise NotFound(
        f"No source, publication or variable is named {name!r}.{guess}",
        hint="" if guess else _next_step(name, parts[0]),
    )


def _next_step(name: str, head: str) -> str:
    if "://" in name:
        return "Give the location a name, and use that: %etl source NAME LOCATION --secret NAME"
    try:
        parse_name(name, what="name")
    except DeclarationError:
        return "A name is expected; give what an expression makes to a variable first."
    return f"Declare it: %etl source {head} LOCATION"
