"""Lineage of sources, pipelines and publications, as observed by runs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from jupyter_etl.errors import NotFound
from jupyter_etl.language.names import nearest
from jupyter_etl.model import PublicationVersion, Read, RunLineage
from jupyter_etl.ports import Store
from jupyter_etl.services.lineage.graph import LineageEdge, LineageGraph, LineageNode, NodeKind
from jupyter_etl.services.targets import table_of_source

DEPTH = 10
"""Default for the maximum distance in pipelines."""

MOST_NODES = 500
"""Maximum number of nodes; a larger graph is marked as truncated."""


class Lineage:
    """Follows data to its origins and to everything derived from it."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def graph(
        self, name: str, *, up: bool = True, down: bool = True, depth: int = DEPTH
    ) -> LineageGraph:
        """Return the inputs of an object and everything derived from it.

        Upstream, the graph is exact: it contains the inputs of the run that made this version, and
        of the runs that made those inputs. Downstream, it contains the outputs of each reading
        pipeline's newest run.

        Args:
            name: A publication, ``SOURCE`` or ``SOURCE.TABLE``.
            up: Whether to follow inputs.
            down: Whether to follow outputs.
            depth: Maximum distance in pipelines.

        Raises:
            NotFound: No source or publication has that name.
        """
        sources = {source.name for source in self._store.load_sources()}
        publications = {p.name: p.live for p in self._store.load_publications()}
        walk = _Walk(store=self._store, sources=frozenset(sources), live=publications)
        root = walk.start(name)
        if up:
            walk.up(root, depth)
        if down:
            walk.down(root, depth)
        return LineageGraph(
            root=root.id,
            nodes=tuple(walk.nodes.values()),
            edges=tuple(walk.edges.values()),
            complete=len(walk.nodes) < MOST_NODES,
        )


@dataclass(frozen=True, kw_only=True)
class _Walk:
    """A graph under construction.

    Args:
        store: The ledger.
        sources: Names of the declared sources.
        live: Live versions of the publications; None for one that has drafts only.
        nodes, edges: The result so far, in order.
    """

    store: Store
    sources: frozenset[str]
    live: dict[str, PublicationVersion | None]
    nodes: dict[str, LineageNode] = field(default_factory=dict)
    edges: dict[tuple[str, str], LineageEdge] = field(default_factory=dict)

    def start(self, name: str) -> LineageNode:
        found = table_of_source(name, self.sources)
        if found is not None and (name in self.sources or self.live.get(name) is None):
            head, table = found
            return self._node(NodeKind.SOURCE, head, table=table)
        if name not in self.live:
            known = [*self.sources, *self.live]
            raise NotFound(
                f"No source or publication is named {name!r}.{nearest(name, known)}",
                hint="List the publications: jupyter etl published",
            )
        version = self.live[name]
        return self._node(
            NodeKind.PUBLICATION,
            name,
            version=None if version is None else version.number,
            rows=None if version is None else version.what.rows,
        )

    def up(self, node: LineageNode, depth: int) -> None:
        wave = [node]
        for _ in range(depth):
            made_by = {one.id: self._run_of(one) for one in wave}
            runs = self._runs(run_id for run_id in made_by.values() if run_id is not None)
            wave = [
                read
                for one in wave
                if (run := runs.get(made_by[one.id] or 0)) is not None
                for read in self._inputs(one, run)
            ]
            if not wave or len(self.nodes) >= MOST_NODES:
                return

    def down(self, node: LineageNode, depth: int) -> None:
        wave = [node]
        for _ in range(depth):
            following = []
            for one in wave:
                table = one.table if one.kind is NodeKind.SOURCE and one.table else None
                readers = self.store.load_readers(one.name, table=table)
                for run in self.store.load_lineage(readers):
                    following += self._outputs(one, run)
                if len(self.nodes) >= MOST_NODES:
                    return
            wave = following
            if not wave:
                return

    def _run_of(self, node: LineageNode) -> int | None:
        if node.kind is not NodeKind.PUBLICATION or node.version is None:
            return None
        live = self.live.get(node.name)
        if live is not None and live.number == node.version:
            return live.run_id
        try:
            history = self.store.load_publication_versions(node.name)
        except NotFound:
            return None
        return next((v.run_id for v in history if v.number == node.version), None)

    def _runs(self, run_ids: Iterable[int]) -> dict[int, RunLineage]:
        return {run.run_id: run for run in self.store.load_lineage(tuple(run_ids))}

    def _inputs(self, output: LineageNode, run: RunLineage) -> list[LineageNode]:
        """Add the inputs of a run; return the new nodes."""
        pipeline = self._pipeline(run)
        self._edge(pipeline, output, run, rows=output.rows, version=output.version)
        found = []
        for read in run.reads:
            new = not self._knows(read)
            node = self._of_read(read)
            self._edge(node, pipeline, run, rows=read.rows, size=read.bytes, version=node.version)
            if new:
                found.append(node)
        return found

    def _outputs(self, read: LineageNode, run: RunLineage) -> list[LineageNode]:
        """Add the outputs that a run derived from a node; return the new nodes."""
        pipeline = self._pipeline(run)
        for one in run.reads:
            if one.source == read.name and read.table in ("", one.table):
                version = int(one.version) if one.version.isdecimal() else None
                self._edge(read, pipeline, run, rows=one.rows, size=one.bytes, version=version)
        found = []
        for written in run.written:
            new = _id(NodeKind.PUBLICATION, written.name) not in self.nodes
            node = self._node(
                NodeKind.PUBLICATION, written.name, version=written.number, rows=written.rows
            )
            self._edge(pipeline, node, run, rows=written.rows, version=written.number)
            if new:
                found.append(node)
        return found

    def _pipeline(self, run: RunLineage) -> LineageNode:
        return self._node(NodeKind.PIPELINE, run.pipeline, version=run.version, owner=run.owner)

    def _knows(self, read: Read) -> bool:
        return any(
            _id(kind, read.source, read.table) in self.nodes
            for kind in (NodeKind.SOURCE, NodeKind.PUBLICATION)
        )

    def _of_read(self, read: Read) -> LineageNode:
        if read.source not in self.sources and read.source in self.live:
            version = int(read.version) if read.version.isdecimal() else None
            return self._node(NodeKind.PUBLICATION, read.source, version=version, rows=read.rows)
        return self._node(NodeKind.SOURCE, read.source, table=read.table)

    def _node(
        self,
        kind: NodeKind,
        name: str,
        *,
        table: str = "",
        version: int | None = None,
        rows: int | None = None,
        owner: str = "",
    ) -> LineageNode:
        live = self.live.get(name) if kind is NodeKind.PUBLICATION else None
        interactive = live is not None and live.run_id is None and live.number == version
        node = LineageNode(
            id=_id(kind, name, table),
            kind=kind,
            name=name,
            table=table,
            version=version,
            rows=rows,
            owner=owner or ("" if live is None else live.owner),
            note="published interactively, so its inputs are not recorded" if interactive else "",
        )
        return self.nodes.setdefault(node.id, node)

    def _edge(
        self,
        start: LineageNode,
        end: LineageNode,
        run: RunLineage,
        *,
        rows: int | None = None,
        size: int | None = None,
        version: int | None = None,
    ) -> None:
        edge = LineageEdge(
            start=start.id,
            end=end.id,
            run_id=run.run_id,
            at=run.finished_at,
            rows=rows,
            bytes=size,
            version=version,
            columns=run.origins.get(end.name, ()) if end.kind is NodeKind.PUBLICATION else (),
        )
        self.edges.setdefault((start.id, end.id), edge)


def _id(kind: NodeKind, name: str, table: str = "") -> str:
    return f"{kind}:{name}.{table}" if table and kind is NodeKind.SOURCE else f"{kind}:{name}"
