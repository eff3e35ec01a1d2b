"""JSON records as one table: its names and types are those of all records together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from jupyter_etl.errors import SourceError
from jupyter_etl.language.names import listed, nearest
from jupyter_etl.sources.files.json_text import as_written, exact, shown
from jupyter_etl.sources.files.json_types import NotUnicodeError, UnfitError, array_of, unite_arrays
from jupyter_etl.sources.text.declared_types import TYPE_OPTION, cast_exactly

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_RECORDS = 50_000
"""Maximum number of records held as Python objects at a time."""

_MOST_SHOWN = 60


def records_at(what: str, document: object, path: str) -> list[object]:
    """Return the list of records inside a document.

    Args:
        what: Subject of messages: ``source 'rates': rates.json``.
        document: From `parse_json`.
        path: Names from the outside to the inside, with dots; "" if the document is the list.

    Raises:
        SourceError: There is no list at the path; the message describes the value found.
    """
    found = document
    for step in filter(None, path.split(".")):
        inside = list(found) if isinstance(found, dict) else []
        if not isinstance(found, dict) or step not in found:
            raise SourceError(
                f"{what} has nothing at path '{path}'; at '{step}' "
                f"there is {_kind(found)}{' with ' + listed(inside) if inside else ''}.",
                hint=nearest(step, inside).strip(),
                retryable=False,
            )
        found = found[step]
    if isinstance(found, list):
        return found
    lists = [k for k, v in found.items() if isinstance(v, list)] if isinstance(found, dict) else []
    raise SourceError(
        f"{what} contains {_kind(found)}{' at ' + path if path else ''}, not a list of records.",
        hint=f"Declare it with the option path={(path + '.') if path else ''}{lists[0]}."
        if lists
        else "Declare it with the option path=... of the list inside the document.",
        retryable=False,
    )


@dataclass(frozen=True, kw_only=True)
class _Chunk:
    """Some records as columns.

    Args:
        part: Name of their file or page.
        first: Number of the first record there, from 1.
        rows: Number of records.
        columns: One array for each name that occurs; strings for declared columns.
    """

    part: str
    first: int
    rows: int
    columns: dict[str, pa.Array]


class RecordTables:
    """Collects records of any number of files or pages; their types are decided at the end.

    Args:
        what: Subject of messages: ``Source 'rates'``.
        declared: Types of columns, from `parse_declared_types`. If there are any, records must
            be parsed with ``written``.
    """

    def __init__(self, what: str, declared: Mapping[str, pa.DataType]) -> None:
        self._what = what
        self._declared = declared
        self._chunks: list[_Chunk] = []

    def add(self, part: str, records: Iterable[object]) -> int:
        """Add the records of a file or page; a name that a record lacks is NULL.

        Args:
            part: Name of the file or page.
            records: Objects from `parse_json`.

        Returns:
            Their number.

        Raises:
            SourceError: A record is not an object, or a column mixes types that cannot be united.
        """
        every, first = iter(records), 1
        while chunk := list(islice(every, CHUNK_RECORDS)):
            self._add(part, chunk, first)
            first += len(chunk)
        if first == 1:
            self._chunks.append(_Chunk(part=part, first=1, rows=0, columns={}))
        return first - 1

    def tables(self) -> Iterator[tuple[str, pa.Table]]:
        """Yield the records of each part, with its own columns and the types of all parts.

        Raises:
            SourceError: The types of a column in two places cannot be united, or a value is not
                exact in its declared type.
        """
        import pyarrow as pa

        names = list(dict.fromkeys(name for chunk in self._chunks for name in chunk.columns))
        if not any(chunk.rows for chunk in self._chunks):
            # Without records, only the declared columns are known.
            empty = {name: pa.array([], kind) for name, kind in self._declared.items()}
            yield from ((chunk.part, pa.table(empty)) for chunk in self._chunks)
            return
        united = {name: self._united(name) for name in names}
        for number, chunk in enumerate(self._chunks):
            yield chunk.part, pa.table({name: united[name][number] for name in chunk.columns})

    def _add(self, part: str, records: Sequence[object], first: int) -> None:
        names: dict[str, object] = {}
        for number, record in enumerate(records):
            if type(record) is not dict:
                raise SourceError(
                    f"{self._what}, {part}: record {first + number:,} is {_kind(record)}, not an "
                    "object with names.",
                    hint="A document that is a list of records is of kind json."
                    if isinstance(record, list)
                    else 'Each record looks like {"id": 1, "amount": 2.5}.',
                    retryable=False,
                )
            names.update(record)
        rows: Sequence[dict[str, Any]] = records  # type: ignore[assignment]
        if bad := next((name for name in names if not _is_unicode(name)), None):
            odd = next(number for number, row in enumerate(rows) if bad in row)
            problem = NotUnicodeError("a name with an unpaired surrogate")
            raise self._unfit(part, bad, first + odd, rows[odd][bad], problem)
        try:
            columns = {
                name: self._array(part, name, [row.get(name) for row in rows], first)
                for name in names
            }
        except OverflowError:
            middle = len(rows) // 2
            self._add(part, rows[:middle], first)
            self._add(part, rows[middle:], first + middle)
            return
        self._chunks.append(_Chunk(part=part, first=first, rows=len(rows), columns=columns))

    def _array(self, part: str, name: str, values: list[Any], first: int) -> pa.Array:
        if self._declared:
            declared = name in self._declared
            values = [as_written(v) if declared else exact(v) for v in values]
        try:
            return array_of(values)
        except UnfitError as problem:
            place = _first_failing(len(values), lambda end: array_of(values[:end]))
            raise self._unfit(part, name, first + place, values[place], problem) from problem

    def _united(self, name: str) -> list[pa.Array]:
        import pyarrow as pa

        own = [chunk.columns.get(name) for chunk in self._chunks]
        arrays = [pa.nulls(0) if array is None else array for array in own]
        try:
            united = unite_arrays(arrays)
        except UnfitError as problem:
            raise self._clash(name, arrays, problem) from problem
        kind = self._declared.get(name)
        if kind is None:
            return united
        return [
            cast_exactly(
                pa.chunked_array([array]),
                kind,
                what=f"{self._what}, {chunk.part}",
                column=name,
                first_row=chunk.first,
            )
            for chunk, array in zip(self._chunks, united, strict=True)
        ]

    def _clash(self, name: str, arrays: list[pa.Array], problem: UnfitError) -> SourceError:
        """Find the first record whose value is incompatible with those before it."""
        last = _first_failing(len(arrays), lambda end: unite_arrays(arrays[:end]))
        before, odd, chunk = arrays[:last], arrays[last], self._chunks[last]
        place = _first_failing(len(odd), lambda end: unite_arrays([*before, _head(odd, end)]))
        error = self._unfit(chunk.part, name, chunk.first + place, odd[place].as_py(), problem)
        known = next(n for n, array in enumerate(before) if array.null_count < len(array))
        if self._chunks[known].part == chunk.part:
            return error
        parts = [self._chunks[known].part, chunk.part]
        return SourceError(
            f"{self._what}: column '{error.data['column']}' is {_brief(odd)} in {parts[1]} and "
            f"{_brief(before[known])} in {parts[0]} ({problem}); record {chunk.first + place:,} of "
            f"{parts[1]} has {shown(odd[place].as_py())}.",
            hint=error.hint,
            retryable=False,
            data={**error.data, "files": parts},
        )

    def _unfit(
        self, part: str, name: str, record: int, value: object, problem: Exception
    ) -> SourceError:
        plain = name.encode("utf-8", "backslashreplace").decode()
        return SourceError(
            f"{self._what}, {part}: column '{plain}' mixes values without a common type: {problem}; "
            f"record {record:,} has {shown(value)}.",
            hint="Repair the text: its escapes \\ud800 to \\udfff must come in pairs."
            if isinstance(problem, NotUnicodeError)
            else f"--option {TYPE_OPTION}{plain}=text keeps every value as it is written.",
            retryable=False,
            data={"column": plain, "record": record},
        )


def _brief(array: pa.Array) -> str:
    text = str(array.type)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}..."


def _is_unicode(name: str) -> bool:
    return name.isascii() or not re.search("[\ud800-\udfff]", name)


def _head(array: pa.Array, rows: int) -> pa.Array:
    # Rebuilt, because only the values of this part count.
    return array_of(array.slice(0, rows).to_pylist())


def _first_failing(size: int, attempt: Callable[[int], object]) -> int:
    """Return the position of the first of ``size`` items that makes an attempt on a head fail."""
    right, wrong = 0, size
    while wrong - right > 1:
        middle = (right + wrong) // 2
        try:
            attempt(middle)
            right = middle
        except UnfitError:
            wrong = middle
    return wrong - 1


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "true or false"}
    return "nothing" if value is None else names.get(type(value), "a number")
