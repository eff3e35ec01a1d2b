"""Columns from folder names: ``zip=01234/day=2026-01-01/part.parquet``.

Source: Apache Hive's layout of partitions, as Spark and Arrow write it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from jupyter_etl.errors import SourceError
from jupyter_etl.sources.locations.paths import SourceFile
from jupyter_etl.sources.text.conversion import convert
from jupyter_etl.sources.text.inference import infer_type

if TYPE_CHECKING:
    import pyarrow as pa

_NULL = "__HIVE_DEFAULT_PARTITION__"


@dataclass(frozen=True, kw_only=True)
class HiveFolders:
    """The columns from the folder names of a source.

    Args:
        types: Arrow types by column, in the order of the folders; decided over all files.
        values: Values of the columns, by file name.
    """

    types: Mapping[str, pa.DataType] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, pa.Scalar]] = field(default_factory=dict)

    def schema_of(self, file: SourceFile, inside: pa.Schema) -> pa.Schema:
        """Return the schema of a file, followed by the columns of its folders."""
        import pyarrow as pa

        for name in self.values.get(file.name, {}):
            if inside.get_field_index(name) < 0:
                inside = inside.append(pa.field(name, self.types[name]))
        return inside

    def fill(self, what: str, file: SourceFile, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Add the columns of its folders to rows of a file.

        Args:
            what: Subject of messages, with the file.
            batch: Some of its rows.

        Raises:
            SourceError: The file contains such a column with a different value.
        """
        for name in self.values.get(file.name, {}):
            if name in batch.schema.names:
                self.check(what, file, name, batch.column(name))
            else:
                batch = batch.append_column(name, self.column(file, name, batch.num_rows))
        return batch

    def column(self, file: SourceFile, name: str, rows: int) -> pa.Array:
        """Return a column from the folders of a file, or NULLs if they lack it."""
        import pyarrow as pa

        value = self.values.get(file.name, {}).get(name)
        return pa.nulls(rows, self.types[name]) if value is None else pa.repeat(value, rows)

    def check(self, what: str, file: SourceFile, name: str, own: pa.Array) -> None:
        """Compare a folder column with the same column in the file.

        Raises:
            SourceError: A value differs.
        """
        import pyarrow.compute as pc

        value = self.values[file.name][name]
        own = own.cast(value.type)
        same = pc.fill_null(pc.equal(own, value) if value.is_valid else pc.is_null(own), False)
        if not pc.all(same).as_py():
            odd = own.filter(pc.invert(same))[0].as_py()
            raise _disagree(what, name, value.as_py(), odd)


def hive_folders(
    what: str,
    files: Sequence[SourceFile],
    *,
    declared: Mapping[str, pa.DataType],
    inside: Mapping[str, pa.DataType],
) -> HiveFolders:
    """Parse the folder names of all files.

    Args:
        what: Subject of messages: ``Source 'trips'``.
        declared: Declared types by column.
        inside: Types of columns in the files; folder values are converted to these.

    Raises:
        SourceError: A folder name cannot be converted to the type of its column, or repeats a
            column.
    """
    import pyarrow as pa

    texts = {file.name: _texts(what, file.name) for file in files}
    names = list(dict.fromkeys(name for keys in texts.values() for name in keys))
    types: dict[str, pa.DataType] = {}
    values: dict[str, dict[str, pa.Scalar]] = {name: {} for name, keys in texts.items() if keys}
    for name in names:
        holders = [file for file, keys in texts.items() if name in keys]
        column = pa.array([texts[file][name] for file in holders], pa.string())
        kind = declared.get(name) or inside.get(name)
        typed = _inferred(column) if kind is None else _converted(what, name, column, kind)
        types[name] = typed.type
        for file, value in zip(holders, typed, strict=True):
            values[file][name] = value
    return HiveFolders(types=types, values=values)


def _texts(what: str, path: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for part in PurePosixPath(path).parts[:-1]:
        written, sign, value = part.partition("=")
        if not sign or not written:
            continue
        try:
            name, text = (unquote(side, errors="strict") for side in (written, value))
        except UnicodeDecodeError as problem:
            raise SourceError(
                f"{what}: the folder {part} is not percent-encoded UTF-8.",
                hint="Rename the folder.",
                retryable=False,
            ) from problem
        if name in found:
            raise SourceError(
                f"{what}: the folders of {path} give the column '{name}' twice.",
                hint="Rename one of the folders.",
                retryable=False,
            )
        found[name] = None if text in {"", _NULL} else text
    return found


def _inferred(texts: pa.Array) -> pa.Array:
    """Infer the type of folder values; they stay text if not all are canonical."""
    import pyarrow as pa

    kind = infer_type(texts).type
    try:
        typed = texts.cast(kind)
        same = typed.cast(pa.string()).equals(texts)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return texts
    return typed if same else texts


def _converted(what: str, name: str, texts: pa.Array, kind: pa.DataType) -> pa.Array:
    try:
        return convert(texts, kind, what=what, column=name)
    except SourceError as problem:
        written = [text for text in texts.unique().to_pylist() if text is not None]
        raise SourceError(
            f"{what}: the column '{name}' is {kind}, but the value of a folder is not: "
            f"{name}={written[0]}.",
            hint="Rename the folder, or remove the column from the files.",
            retryable=False,
            data={"column": name},
        ) from problem


def _disagree(what: str, name: str, folder: object, inside: object) -> SourceError:
    return SourceError(
        f"{what}: column '{name}' is {inside} in the file and {folder} in the name of its folder.",
        hint="Move the file to the right folder, or rename the column in the files.",
        retryable=False,
        data={"column": name},
    )
