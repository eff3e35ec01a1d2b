"""String columns as cursors of incremental loads."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from jupyter_etl.errors import SourceError
from jupyter_etl.language.text import (
    TextForm,
    are_in_order,
    form_of,
    is_text_further,
    shape_of,
    text_order,
    zone_of,
)
from jupyter_etl.model import CursorKind, CursorValue

if TYPE_CHECKING:
    import pyarrow as pa

_MOST_SHAPES = 10_000
"""Times and numbers have few shapes; strings with more are compared as text."""

_OFFSET = r"[0-9](?P<zone> ?[+-][0-9]{2}(?::?[0-9]{2})?)$"


def between(keys: pa.Array, low: pa.Scalar | None, high: pa.Scalar | None) -> tuple[pa.Array, int]:
    """Return which keys are greater than ``low`` and at most ``high``, and how many are greater.

    Args:
        keys: Values of a cursor; NULL is in no range.
        low, high: Bounds of the same type; None for no bound.
    """
    import pyarrow.compute as pc

    mask, beyond = pc.is_valid(keys), 0
    if low is not None:
        mask = pc.and_kleene(mask, pc.greater(keys, low))
    if high is not None:
        beyond = pc.sum(pc.greater(keys, high)).as_py() or 0
        mask = pc.and_kleene(mask, pc.less_equal(keys, high))
    return mask, beyond


class TextRuler:
    """Compares strings by their characters, if that is also the order of their values.

    Times and integers in several notations are compared by value. Strings without an order are
    rejected. Strings that were compared by characters before another notation appeared were
    compared correctly: the previous notations, including that of the watermark, had that order.
    """

    kind = CursorKind.TEXT

    def __init__(self, what: str, column: str) -> None:
        self._what = what
        self._column = column
        self._forms: dict[str, TextForm] = {}
        self._examples: dict[str, str] = {}
        self._zones: set[str] = set()
        self._plain = True
        self._opaque = False

    @property
    def note(self) -> str:
        """How strings were compared, if not by their characters; else ""."""
        if self._plain:
            return ""
        examples = " and ".join(list(self._examples.values())[:2])
        form = next(iter(self._forms.values()))
        unzoned = "" in self._zones and len(self._zones) > 1
        return (
            f"{self._column} has texts like {examples}, whose characters are not in order; they are "
            f"compared as {form}s{', those without a zone as UTC' if unzoned else ''}"
        )

    def keys(self, values: pa.Array) -> pa.Array:
        """Return the strings, with one type."""
        import pyarrow as pa

        return values.cast(pa.large_string())

    def within(
        self, keys: pa.Array, after: CursorValue | None, upto: CursorValue | None
    ) -> tuple[pa.Array, int]:
        """Return which rows are in the range, NULL without a value, and how many are after it.

        Raises:
            SourceError: The notations of the strings have no common order.
        """
        import pyarrow as pa

        low, high = (None if value is None else value.text for value in (after, upto))
        self._record_shapes(keys, [text for text in (low, high) if text])
        if not self._plain:
            return self._within_by_meaning(keys, low, high)
        return between(
            keys,
            None if low is None else pa.scalar(low, keys.type),
            None if high is None else pa.scalar(high, keys.type),
        )

    def greatest(self, keys: pa.Array, than: str | None) -> str:
        """Return the greatest of the strings and a previous one."""
        import pyarrow.compute as pc

        if self._plain:
            top: str = pc.max(keys).as_py()
        else:
            top = max(keys.to_pylist(), key=self._meaning)
        return top if than is None or is_text_further(top, than) else than

    def places(self, values: pa.ChunkedArray) -> pa.Array | None:
        """Return the positions of strings in ascending order; None for the characters' order."""
        import pyarrow as pa

        keys = self.keys(pa.concat_arrays(values.chunks) if values.num_chunks else pa.array([]))
        self._record_shapes(keys, [])
        if self._plain:
            return None
        orders = [(-1, 0) if text is None else self._meaning(text) for text in keys.to_pylist()]
        return pa.array(sorted(range(len(orders)), key=orders.__getitem__), pa.int64())

    def value(self, top: str) -> CursorValue:
        """Return a string as a value."""
        return CursorValue(kind=self.kind, text=top)

    def _within_by_meaning(
        self, keys: pa.Array, low: str | None, high: str | None
    ) -> tuple[pa.Array, int]:
        import pyarrow as pa

        least = None if low is None else self._meaning(low)
        most = None if high is None else self._meaning(high)
        mask: list[bool | None] = []
        beyond = 0
        for text in keys.to_pylist():
            order = None if text is None else self._meaning(text)
            is_behind = order is not None and most is not None and order > most
            beyond += is_behind
            inside = order is not None and not is_behind and (least is None or order > least)
            mask.append(None if order is None else inside)
        return pa.array(mask, pa.bool_()), beyond

    def _meaning(self, text: str) -> tuple[int, int]:
        """Return the sort key of a time or number; an empty string is first."""
        order = text_order(text)
        if order is None and text:
            raise self._without_order([text])
        return (0, 0) if order is None else (1, order)

    def _record_shapes(self, keys: pa.Array, bounds: list[str]) -> None:
        """Record the notations of strings; raises `SourceError`."""
        import numpy as np
        import pyarrow.compute as pc

        if self._opaque:
            return
        before = len(self._forms), len(self._zones)
        for text in bounds:
            self._note(shape_of(text), text)
        shapes = pc.replace_substring_regex(keys, "[0-9]", "0").dictionary_encode()
        codes = shapes.indices.fill_null(-1).to_numpy(zero_copy_only=False)
        found = list(zip(*np.unique(codes, return_index=True), strict=True))
        self._opaque = len(found) + len(self._forms) > _MOST_SHAPES
        for code, place in found[:_MOST_SHAPES]:
            shape = shapes.dictionary[int(code)].as_py() if code >= 0 else ""
            if shape and shape not in self._forms:
                self._note(shape, keys[int(place)].as_py())
        self._note_offsets(keys)
        if before != (len(self._forms), len(self._zones)):
            self._judge()

    def _note(self, shape: str, text: str) -> None:
        if shape not in self._forms:
            self._forms[shape] = form_of(shape)
            self._examples[shape] = text
        if self._forms[shape] is TextForm.TIME:
            self._zones.add(zone_of(text))

    def _note_offsets(self, keys: pa.Array) -> None:
        """Record the offsets of times, because a shape contains only their length."""
        import pyarrow.compute as pc

        if any("0" in zone for zone in map(zone_of, self._forms)):
            offsets = pc.extract_regex(keys, _OFFSET).field("zone")
            self._zones |= set(pc.unique(offsets.drop_null()).to_pylist())

    def _judge(self) -> None:
        forms = set(self._forms.values())
        if forms == {TextForm.TEXT} and self._opaque:
            return
        if len(forms) > 1:
            of_each = {form: self._examples[shape] for shape, form in self._forms.items()}
            raise self._without_order(of_each.values())
        if not forms:
            return
        (form,) = forms
        if form is TextForm.UNORDERED:
            raise self._without_order(self._examples.values())
        self._plain = are_in_order(form, self._forms.keys(), self._zones)
        if form is TextForm.TEXT and not self._plain:
            raise self._without_order(self._examples.values())

    def _without_order(self, examples: Iterable[str]) -> SourceError:
        shown = sorted(list(examples)[-2:])
        return SourceError(
            f"{self._what} cannot be followed by '{self._column}': its texts, like "
            f"{' and '.join(map(repr, shown))}, are not in order when they are compared character "
            "by character.",
            hint="Follow a column of times or numbers. In a database cast it in a view; for a file "
            f"declare its type: --option type.{self._column}=timestamp[us].",
            retryable=False,
            data={"column": self._column, "examples": shown},
        )
