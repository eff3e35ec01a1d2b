"""The lineage graph and its representations: text tree, HTML and plain data."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from html import escape

import msgspec

from jupyter_etl.model import ColumnOrigin

_UP, _DOWN = "is made of", "goes into"


class NodeKind(StrEnum):
    """Kind of a node."""

    SOURCE = "source"
    PIPELINE = "pipeline"
    PUBLICATION = "publication"


@dataclass(frozen=True, kw_only=True)
class LineageNode:
    """A source (or a table of one), a pipeline or a publication.

    Args:
        id: Unique in the graph.
        kind: Kind of the node.
        name: Its name.
        table: Table of a source; "" for a source that is one table, or for all tables.
        version: Version of a publication or pipeline; None if unknown.
        rows: Number of rows of that version of a publication; None if unknown.
        owner: The accountable owner; "" if unknown.
        note: Additional information.
    """

    id: str
    kind: NodeKind
    name: str
    table: str = ""
    version: int | None = None
    rows: int | None = None
    owner: str = ""
    note: str = ""

    @property
    def label(self) -> str:
        """``wh.orders``, ``sales.daily``."""
        return f"{self.name}.{self.table}" if self.table else self.name


@dataclass(frozen=True, kw_only=True)
class LineageEdge:
    """A transfer of data by a run from one node to the next.

    Args:
        start, end: Ids of the nodes.
        run_id: The run; if there are several, the one of the query.
        at: When the run ended, UTC; None while it is being retried.
        rows, bytes: Amount read or written; None if unknown.
        version: Version of the publication that was read or written; None for a source.
        columns: Origins of a publication's columns, as far as its SQL shows them.
    """

    start: str
    end: str
    run_id: int
    at: datetime | None = None
    rows: int | None = None
    bytes: int | None = None
    version: int | None = None
    columns: tuple[ColumnOrigin, ...] = ()


@dataclass(frozen=True, kw_only=True)
class LineageGraph:
    """The inputs of an object, and everything derived from it.

    Args:
        root: Id of the node that the query is about.
        nodes: Each node once, the root first.
        edges: In the direction of the data flow.
        complete: False if the graph was too large to be followed completely.
    """

    root: str
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdge, ...]
    complete: bool = True

    def node(self, node_id: str) -> LineageNode:
        """Return a node by its id."""
        return next(node for node in self.nodes if node.id == node_id)

    @property
    def columns(self) -> tuple[ColumnOrigin, ...]:
        """Origins of the root's columns; empty if unknown."""
        of_root = (edge.columns for edge in self.edges if edge.end == self.root)
        return next((columns for columns in of_root if columns), ())

    def text(self) -> str:
        """Return the graph as a text tree."""
        lines = [_words(self.node(self.root))]
        for title, up in ((_UP, True), (_DOWN, False)):
            branches = list(self._tree(self.root, up=up))
            if branches:
                lines += [f"  {title}", *(_line(branch) for branch in branches)]
        if len(lines) == 1:
            lines.append("  No run has read or published it yet.")
        lines += [f"  {line}" for line in self._column_lines()]
        return "\n".join([*lines, *self._unfinished()])

    def html(self) -> str:
        """Return the graph as nested HTML lists, which inherit the colours of the page."""
        root = self.node(self.root)
        parts = [f'<div class="etl-title">{escape(_words(root))}</div>']
        for title, up in ((_UP, True), (_DOWN, False)):
            branches = self._list(self.root, up=up, path=(self.root,))
            if branches:
                parts.append(f'<div class="etl-note">{title}</div>{branches}')
        if len(parts) == 1:
            parts.append('<div class="etl-note">No run has read or published it yet.</div>')
        notes = [*self._column_lines(), *self._unfinished()]
        parts += [f'<div class="etl-note">{escape(line)}</div>' for line in notes]
        return f'<div class="etl-card" role="group" aria-label="Lineage">{"".join(parts)}</div>'

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        return {"text/plain": self.text(), "text/html": self.html()}

    def _next(self, node_id: str, *, up: bool) -> Iterator[tuple[LineageEdge, LineageNode]]:
        for edge in self.edges:
            here, there = (edge.end, edge.start) if up else (edge.start, edge.end)
            if here == node_id:
                yield edge, self.node(there)

    def _tree(
        self, node_id: str, *, up: bool, path: tuple[str, ...] = ()
    ) -> Iterator[tuple[int, LineageEdge, LineageNode]]:
        path = (*path, node_id)
        for edge, node in self._next(node_id, up=up):
            yield len(path), edge, node
            if node.id not in path:
                yield from self._tree(node.id, up=up, path=path)

    def _list(self, node_id: str, *, up: bool, path: tuple[str, ...]) -> str:
        items = []
        for edge, node in self._next(node_id, up=up):
            inner = "" if node.id in path else self._list(node.id, up=up, path=(*path, node.id))
            items.append(f"<li>{escape(_words(node, edge))}{inner}</li>")
        return f"<ul>{''.join(items)}</ul>" if items else ""

    def _column_lines(self) -> list[str]:
        if not any(edge.end == self.root for edge in self.edges):
            return []
        if not self.columns:
            return ["Columns: unknown; the origin of columns is derived only from SQL."]
        by_column: dict[str, list[str]] = {}
        for one in self.columns:
            by_column.setdefault(one.column, []).append(one.label)
        return ["Columns:", *(f"{name} <- {', '.join(o)}" for name, o in by_column.items())]

    def _unfinished(self) -> list[str]:
        return [] if self.complete else ["The graph is truncated: use a smaller depth."]


class LineageEdgeView(msgspec.Struct, frozen=True):
    """Data that a run has moved from one node to the next.

    Args:
        start: Id of the node that was read.
        end: Id of the node that was written.
        at: When the run ended; null if it is running again.
        version: Version of the publication that was read or written; null for a source.
    """

    start: str = msgspec.field(name="from")
    end: str = msgspec.field(name="to")
    run: int
    at: datetime | None
    rows: int | None
    bytes: int | None
    version: int | None


class LineageView(msgspec.Struct, frozen=True):
    """The lineage of a publication.

    Args:
        root: Id of the publication's node.
        complete: Whether it contains everything; false if the graph was too large.
        columns: Where its columns come from, as far as SQL tells.
    """

    root: str
    complete: bool
    nodes: tuple[LineageNode, ...]
    edges: tuple[LineageEdgeView, ...]
    columns: tuple[ColumnOrigin, ...]


def graph_view(graph: LineageGraph) -> LineageView:
    """Return the JSON view of a graph."""
    return LineageView(
        root=graph.root,
        complete=graph.complete,
        nodes=graph.nodes,
        edges=tuple(
            LineageEdgeView(
                start=edge.start,
                end=edge.end,
                run=edge.run_id,
                at=edge.at,
                rows=edge.rows,
                bytes=edge.bytes,
                version=edge.version,
            )
            for edge in graph.edges
        ),
        columns=graph.columns,
    )


def _line(branch: tuple[int, LineageEdge, LineageNode]) -> str:
    depth, edge, node = branch
    return f"{'  ' * depth}  - {_words(node, edge)}"


def _words(node: LineageNode, edge: LineageEdge | None = None) -> str:
    """Describe a node, and the data moved along an edge to it."""
    said = []
    if node.version is not None:
        said.append(f"version {node.version:,}")
    if node.kind is NodeKind.PIPELINE and edge is not None:
        said.append(f"run {edge.run_id}")
    rows = node.rows if edge is None or node.kind is NodeKind.PUBLICATION else edge.rows
    if rows is not None and node.kind is not NodeKind.PIPELINE:
        said.append(f"{rows:,} {'row' if rows == 1 else 'rows'}")
    if node.note:
        said.append(node.note)
    return f"{node.kind} {node.label}" + (f": {', '.join(said)}" if said else "")
