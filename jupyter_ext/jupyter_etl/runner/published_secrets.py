"""Prevents publishing the values of secrets that a run has used."""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationKind, Staged
from jupyter_etl.redaction.redactor import Redactor

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

_CHUNK = 4 * 2**20
_BATCH_ROWS = 64 * 1024
_LONGEST_PATTERN = 16 * 1024
"""Total bytes of all forms up to which one automaton searches for them at once."""

_OPENERS: Mapping[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}
_ZIPPED = frozenset({".zip", ".xlsx", ".xlsm", ".ods"})
_HINT = (
    "Drop or mask the column. If the value may be public, such as a user name, use a parameter "
    "or the address of a source instead of a secret."
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """The location of a secret, without its value.

    Args:
        secret: Its name.
        column: Dotted for a field of a struct; "" for the bytes of a file.
        rows: Number of rows that contain it; None for a file.
    """

    secret: str
    column: str = ""
    rows: int | None = None


def refuse_secrets(staged: Sequence[Staged], redactor: Redactor, executed: Path) -> None:
    """Refuse outputs that contain the value of a secret which the run has used.

    A value is found in texts and bytes, either plain or in one of `written_forms`. A value of fewer
    than 8 characters, which may be part of any word, is found only as the whole of a cell. Without
    secrets nothing is read.

    Args:
        staged: The outputs to publish.
        executed: The executed notebook, the source of reports.

    Raises:
        PublishError: Names publication, column, secret and number of rows.
    """
    if not redactor.is_active:
        return
    search = _Search(redactor)
    for one in staged:
        found = list(search.output(one, executed))
        if found:
            where = "; ".join(dict.fromkeys(map(_sentence, found)))
            raise PublishError(
                f"{one.name!r} is not published: {where}. Nothing of the run was published.",
                hint=_HINT,
            )


def _sentence(found: Found) -> str:
    if found.rows is None:
        return f"the value of the secret {found.secret!r} is in its content"
    rows = "1 row" if found.rows == 1 else f"{found.rows:,} rows"
    verb = "contains" if found.rows == 1 else "contain"
    return f"{rows} of the column {found.column!r} {verb} the value of the secret {found.secret!r}"


class _Search:
    def __init__(self, redactor: Redactor) -> None:
        self._names, self._cells = redactor.searched()
        self._parts = {form.encode("utf-8", "surrogatepass"): form for form in self._names}
        self._longest = max(map(len, self._parts), default=1)
        self._pattern = "|".join(map(re.escape, self._names))

    def output(self, staged: Staged, executed: Path) -> Iterator[Found]:
        texts = " ".join([staged.title, *(column.name for column in staged.columns)])
        yield from self._content(texts.encode("utf-8", "surrogatepass"))
        if staged.kind is PublicationKind.REPORT:
            yield from self._file(executed)
            return
        columns: dict[tuple[str, str], int] = {}
        for name in staged.files:
            path = Path(staged.folder) / name
            yield from self._content(name.encode("utf-8", "surrogatepass"))
            if path.suffix in (".parquet", ".pq"):
                for secret, column, rows in self._parquet(path):
                    columns[secret, column] = columns.get((secret, column), 0) + rows
            else:
                yield from self._file(path)
        for (secret, column), rows in columns.items():
            yield Found(secret=secret, column=column, rows=rows)

    def _content(self, content: bytes) -> Iterator[Found]:
        for part in self._parts_in(content):
            yield Found(secret=self._names[self._parts[part]])

    def _parts_in(self, content: bytes) -> list[bytes]:
        if not self._may_be_in(content):
            return []
        return [part for part in self._parts if part in content]

    def _may_be_in(self, content: bytes) -> bool:
        import pyarrow as pa
        import pyarrow.compute as pc

        if not self._pattern or len(self._pattern) > _LONGEST_PATTERN:
            return bool(self._pattern)
        whole = pa.array([content], pa.large_binary())
        return bool(pc.match_substring_regex(whole, self._pattern)[0].as_py())

    def _file(self, path: Path) -> Iterator[Found]:
        if path.suffix in _ZIPPED and zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as packed:
                for member in packed.namelist():
                    with packed.open(member) as stream:
                        yield from self._stream(stream)
            return
        with _OPENERS.get(path.suffix, open)(path, "rb") as stream:
            yield from self._stream(stream)

    def _stream(self, stream: IO[bytes]) -> Iterator[Found]:
        kept = b""
        while chunk := stream.read(_CHUNK):
            yield from self._content(kept + chunk)
            kept = chunk[-self._longest :]

    def _parquet(self, path: Path) -> Iterator[tuple[str, str, int]]:
        import pyarrow.parquet as pq

        with pq.ParquetFile(path) as file:
            names = [one.name for one in file.schema_arrow if _holds_text(one.type)]
            if not names:
                return
            for batch in file.iter_batches(_BATCH_ROWS, columns=names):
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    for leaf, secret, rows in self._column(name, column):
                        yield secret, leaf, int(rows.sum())

    def _column(self, name: str, column: Any) -> Iterator[tuple[str, str, npt.NDArray[np.bool_]]]:
        """Yield for each secret in a column or a field of it a mask of the rows that contain it."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.compute as pc

        kind = column.type
        if pa.types.is_dictionary(kind):
            for leaf, secret, rows in self._column(name, column.dictionary):
                taken = pc.take(pa.array(rows), column.indices)
                yield leaf, secret, taken.fill_null(False).to_numpy(zero_copy_only=False)
        elif pa.types.is_struct(kind):
            for place in range(kind.num_fields):
                leaf = f"{name}.{kind.field(place).name}"
                yield from self._column(leaf, pc.struct_field(column, place))
        elif pa.types.is_map(kind):
            yield from self._column(name, column.cast(pa.list_(pa.struct(
                [("key", kind.key_type), ("value", kind.item_type)]
            ))))  # fmt: skip
        elif _is_list(kind):
            parents = pc.list_parent_indices(column).to_numpy()
            for leaf, secret, inner in self._column(name, pc.list_flatten(column)):
                rows = np.zeros(len(column), dtype=bool)
                rows[parents[inner]] = True
                yield leaf, secret, rows
        elif _is_text(kind):
            for secret, rows in self._leaf(column):
                yield name, secret, rows

    def _leaf(self, column: Any) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
        import pyarrow as pa
        import pyarrow.compute as pc

        hits: dict[str, Any] = {}
        for part in self._parts_in(_bytes_of(column)):
            form = self._parts[part]
            mask = pc.match_substring(column.cast(pa.large_binary()), part)
            secret = self._names[form]
            hits[secret] = pc.or_kleene(hits[secret], mask) if secret in hits else mask
        for value, secret in self._cells.items():
            mask = pc.equal(column.cast(pa.large_binary()), value.encode())
            if pc.any(mask).as_py():
                hits[secret] = pc.or_kleene(hits[secret], mask) if secret in hits else mask
        for secret, mask in hits.items():
            rows = mask.fill_null(False).to_numpy(zero_copy_only=False)
            if rows.any():
                yield secret, rows


def _bytes_of(column: Any) -> bytes:
    """Return the concatenated values of a column of texts or bytes."""
    import pyarrow as pa

    wide = pa.types.is_large_string(column.type) or pa.types.is_large_binary(column.type)
    offsets, data = (
        column.buffers()[1:3] if not _is_fixed(column.type) else (None, column.buffers()[1])
    )
    if data is None:
        return b""
    if offsets is None:
        size = column.type.byte_width
        return bytes(data.slice(column.offset * size, len(column) * size))
    import numpy as np

    ends = np.frombuffer(offsets, np.int64 if wide else np.int32)
    start, end = ends[column.offset], ends[column.offset + len(column)]
    return bytes(data.slice(int(start), int(end - start)))


def _holds_text(kind: Any) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_map(kind):
        return _holds_text(kind.key_type) or _holds_text(kind.item_type)
    if _is_list(kind):
        return _holds_text(kind.value_type)
    if pa.types.is_struct(kind):
        return any(_holds_text(kind.field(place).type) for place in range(kind.num_fields))
    return _is_text(kind)


def _is_text(kind: Any) -> bool:
    import pyarrow as pa

    return any(
        (
            pa.types.is_string(kind),
            pa.types.is_large_string(kind),
            pa.types.is_binary(kind),
            pa.types.is_large_binary(kind),
            _is_fixed(kind),
        )
    )


def _is_fixed(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_fixed_size_binary(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    )
