"""Columns of CSV files: text is converted block by block, types are decided at the end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.text.conversion import convert
from jupyter_etl.sources.text.inference import Evidence, TextForm, examine
from jupyter_etl.sources.text.kinds import Kind

if TYPE_CHECKING:
    import pyarrow as pa

Known = Mapping[str, frozenset[Kind] | None]
"""By column, the kinds that hold all values so far; None if there was no value yet."""


@dataclass(frozen=True, kw_only=True)
class Part:
    """One column of one block.

    Args:
        values: Strings or converted values.
        evidence: The possible types of the strings; None if the type is declared.
        exact: Whether ``values`` can be converted back to the original strings.
        failed: Whether a value does not have its declared type; ``values`` are then strings.
    """

    values: pa.Array
    evidence: Evidence | None
    exact: bool = True
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class TextReader:
    """Converts strings to values.

    Args:
        form: How values are written.
        declared: Declared types by column.
    """

    form: TextForm
    declared: Mapping[str, pa.DataType]

    def read(self, texts: pa.RecordBatch, known: Known) -> dict[str, Part]:
        """Convert the columns of a block as far as possible before all blocks are examined.

        Args:
            texts: Columns of type ``string``.
            known: Evidence of previous blocks; it may be incomplete.
        """
        return {
            name: self._part(name, column, known.get(name))
            for name, column in zip(texts.schema.names, texts.columns, strict=True)
        }

    def converted(self, name: str, texts: pa.Array, *, what: str, first_row: int) -> pa.Array:
        """Convert a column to its declared type; raises `SourceError` with the row."""
        return convert(
            texts, self.declared[name], self.form, what=what, column=name, first_row=first_row
        )

    def reread(
        self, name: str, texts: pa.Array, kind: pa.DataType, evidence: Evidence | None
    ) -> pa.Array | None:
        """Read a column whose type is known; None if a value does not have this type."""
        import pyarrow as pa

        if evidence is None:
            part = self._part(name, texts, None)
            return None if part.failed else part.values
        if pa.types.is_string(kind):
            return texts
        found = examine(texts, self.form, evidence.kinds)
        if found.column is not None:
            return finished(Part(values=found.column, evidence=None), kind)
        return None if found.evidence.kinds is not None else pa.nulls(len(texts), kind)

    def _part(self, name: str, texts: pa.Array, known: frozenset[Kind] | None) -> Part:
        if name in self.declared:
            try:
                values = self.converted(name, texts, what="", first_row=1)
            except SourceError:
                return Part(values=texts, evidence=None, failed=True)
            return Part(values=values, evidence=None)
        if known is not None and not known:
            return Part(values=texts, evidence=Evidence(kinds=known, rows=len(texts)))
        found = examine(texts, self.form, known)
        if found.column is None:
            return Part(values=texts, evidence=found.evidence)
        return Part(values=found.column, evidence=found.evidence, exact=found.exact)


def finished(part: Part, kind: pa.DataType) -> pa.Array | None:
    """Convert one column of a block to its final type.

    Returns:
        None if that requires the original strings of the file.
    """
    import pyarrow as pa

    values = part.values
    if values.type == kind:
        return values
    if pa.types.is_string(values.type):
        # Only words for missing values, in a column of numbers or dates.
        return pa.nulls(len(values), kind)
    if pa.types.is_string(kind):
        renders = pa.types.is_integer(values.type) or pa.types.is_date(values.type)
        return values.cast(kind) if part.exact and renders else None
    # It is known by now that these integers are exact doubles; Arrow is stricter.
    return values.cast(kind, safe=not pa.types.is_floating(kind))
