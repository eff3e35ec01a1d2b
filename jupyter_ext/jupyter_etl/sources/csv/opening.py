"""Opens CSV files: detects dialect and encoding, and returns UTF-8 streams."""

from __future__ import annotations

import codecs
import csv
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from lzma import LZMAError
from typing import BinaryIO

from jupyter_etl.errors import SourceError, first_line
from jupyter_etl.model import Source
from jupyter_etl.sources.csv.blocks import BlockFault, Layout
from jupyter_etl.sources.csv.dialect import (
    Dialect,
    Fault,
    are_quotes_regular,
    find_dialect,
    find_fault,
    quote_places,
)
from jupyter_etl.sources.csv.encoding import (
    UNICODE,
    as_utf8,
    find_encoding,
    is_utf8,
    likely_encoding,
)
from jupyter_etl.sources.csv.format import CsvFormat
from jupyter_etl.sources.csv.streams import (
    pieces_of,
    stream_of,
    with_first_mark,
    with_plain_escapes,
    without_last_lines,
)
from jupyter_etl.sources.locations.content import refuse_documents
from jupyter_etl.sources.locations.paths import FileSet, SourceFile, open_file, reading
from jupyter_etl.sources.readings import refuse_twins

_HEAD_BYTES = 1 << 18
_BACKSLASH = "\\"
_ENCODINGS = "latin-1, cp1252, mac-roman and utf-16"


@dataclass(frozen=True, kw_only=True)
class CsvFile:
    """A file with a known format.

    Args:
        source: The source of the file.
        files: All files of the source.
        file: This file.
        written: The options, completed by detection.
        names: Column names; ``column_1`` for a nameless one.
        nameless: The generated names.
        layout: How to parse it.
        dialect: The dialect detected from its head.
        is_utf8: Whether its head is UTF-8 although another encoding is declared.
        irregular: Whether there are quotes inside cells, so that it cannot be split by counting
            quotes.
    """

    source: Source
    files: FileSet
    file: SourceFile
    written: CsvFormat
    names: tuple[str, ...]
    nameless: tuple[str, ...]
    layout: Layout
    dialect: Dialect
    is_utf8: bool
    irregular: bool

    @property
    def what(self) -> str:
        """Subject of messages."""
        return f"Source '{self.source.name}', {self.file.name}"

    @contextmanager
    def rows(self) -> Iterator[BinaryIO]:
        """Open a stream of UTF-8 at the first row of data."""
        with clear_errors(self.source, self.file), self._utf8() as stream:
            left = self.dialect.offset
            while left and (passed := stream.read(min(left, _HEAD_BYTES))):
                left -= len(passed)
            yield stream_of(self._plain(pieces_of(stream))) if self.irregular else stream

    def _plain(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        layout = self.layout
        if layout.escape:
            pieces = with_plain_escapes(
                pieces, layout.escape, delimiter=layout.delimiter, quote=layout.quote
            )
        return with_first_mark(pieces)

    def resolved(self) -> CsvFile:
        """Detect how quotes are escaped inside quotes, by reading the whole file.

        Raises:
            SourceError: The file is consistent with neither doubled quotes nor backslashes.
        """
        first = self._fault()
        if first is None:
            return replace(self, irregular=True)
        if not self.written.escape:
            escaped = look_at(
                self.source,
                self.files,
                self.file,
                replace(self.written, escape=_BACKSLASH, delimiter=self.layout.delimiter),
            )
            if escaped._fault() is None:
                return replace(escaped, irregular=True)
        raise SourceError(
            f"Source '{self.source.name}': line {first.line:,} of {self.file.name} has {first.what}.",
            hint="If the file is complete, check the options delimiter, quote and escape.",
            retryable=first.what.startswith("a quote"),
        )

    def refusal(self, fault: BlockFault, rows_before: int) -> SourceError:
        """Return the error for a block that cannot be parsed.

        Args:
            fault: From `parse_block`.
            rows_before: Number of data rows in the preceding blocks.
        """
        what = f"Source '{self.source.name}': {self.file.name}"
        if fault.what == "encoding":
            return encoding_error(self.source, self.file, self.written.encoding, fault.text)
        where = f"row {rows_before + fault.row:,}" if fault.row else "a row"
        hint = (
            "If it is a line above or below the table, declare the option skip= or footer=; "
            "otherwise check the options delimiter and quote."
        )
        if _BACKSLASH in fault.text and not self.layout.escape:
            hint = "If backslashes precede delimiters, declare the option escape=backslash."
        return SourceError(
            f"{what} cannot be read as CSV: {where} has {fault.cells} cell{'s' * (fault.cells != 1)} instead of "
            f"{len(self.names)}: {fault.text!r}.",
            hint=hint,
        )

    def _fault(self) -> Fault | None:
        with clear_errors(self.source, self.file), self._utf8() as stream:
            return find_fault(
                stream, self.dialect, quote=self.layout.quote, escape=self.layout.escape
            )

    @contextmanager
    def _utf8(self) -> Iterator[BinaryIO]:
        with open_file(self.files, self.file) as stream:
            text = as_utf8(stream, self.written.encoding)
            if self.written.footer:
                text = stream_of(without_last_lines(pieces_of(text), self.written.footer))
            yield text


def look_at(source: Source, files: FileSet, file: SourceFile, written: CsvFormat) -> CsvFile:
    """Detect the format of a file from its head.

    Raises:
        SourceError: It has another encoding, or the names are missing or not unique.
    """
    with clear_errors(source, file):
        with open_file(files, file) as stream:
            head = stream.read(_HEAD_BYTES)
        encoding = find_encoding(head, written.encoding)
        whole = len(head) < _HEAD_BYTES
        try:
            text = codecs.getincrementaldecoder(encoding)().decode(head, final=whole)
        except UnicodeError as problem:
            raise encoding_error(source, file, encoding, likely_encoding(head)) from problem
        if whole and written.footer:
            text = b"".join(without_last_lines(iter([text.encode()]), written.footer)).decode()
        refuse_documents(file.name, text)
        dialect = find_dialect(
            text,
            delimiter=written.delimiter,
            quote=written.quote,
            escape=written.escape,
            header=written.header,
            skip=written.skip,
            whole=whole,
        )
    names = _named(dialect.names)
    refuse_twins(f"Source '{source.name}', {file.name}", names)
    found = CsvFile(
        source=source,
        files=files,
        file=file,
        written=replace(written, encoding=encoding),
        names=names,
        nameless=tuple(
            name for name, there in zip(names, dialect.names, strict=True) if name != there
        ),
        layout=Layout(
            delimiter=dialect.delimiter,
            quote=written.quote,
            escape=written.escape,
            names=names,
            wanted=names,
            null=written.text.null,
        ),
        dialect=dialect,
        is_utf8=encoding not in UNICODE and is_utf8(head),
        irregular=bool(written.escape),
    )
    names_as_written = text.encode()[: dialect.offset]
    places = quote_places(names_as_written, written.quote)
    regular = are_quotes_regular(names_as_written, places, dialect.delimiter, written.quote)
    return found if regular or written.escape else found.resolved()


def encoding_error(source: Source, file: SourceFile, encoding: str, likely: str) -> SourceError:
    """Return the error for a file that is not in the assumed encoding."""
    if likely == "utf-8":
        hint = "It is UTF-8 with damaged bytes, or truncated: repair it, or write it again."
    elif encoding.startswith(("utf-16", "utf-32")):
        hint = "It may be truncated; write it again, or declare the option encoding=."
    elif likely:
        hint = f"Declare it with the option encoding={likely}."
    else:
        hint = f"Declare it with the option encoding=; common ones are {_ENCODINGS}."
    return SourceError(
        f"Source '{source.name}': {file.name} cannot be read as CSV: it is not {encoding} text.",
        hint=hint,
        retryable=False,
    )


@contextmanager
def clear_errors(source: Source, file: SourceFile) -> Iterator[None]:
    """Convert exceptions of parsers and decoders to a `SourceError` that names the file."""
    import pyarrow as pa

    try:
        with reading(source, file.name):
            yield
    except UnicodeError as problem:
        raise encoding_error(
            source, file, getattr(problem, "encoding", "readable"), ""
        ) from problem
    except (pa.ArrowInvalid, ValueError, csv.Error, zlib.error, LZMAError) as problem:
        raise SourceError(
            f"Source '{source.name}': {file.name} cannot be read as CSV: "
            f"{first_line(problem)[:300]}.",
            hint="If the file is complete, check the options delimiter, quote, skip and decimal.",
            retryable=True,
        ) from problem


def _named(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(
        name if name.strip() else f"column_{position}" for position, name in enumerate(names, 1)
    )
