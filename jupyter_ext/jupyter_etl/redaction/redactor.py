"""Removes the values of secrets from what an attempt shows and writes."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import msgspec

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.model import Source
from jupyter_etl.ports import SecretResolver
from jupyter_etl.redaction.encodings import LEAST, Search, encodings_of, plain_forms, written_forms

_LEAST_IN_URL = 12
"""Minimum length of a value in a URL that is not a coincidence, as ``postgres`` is."""

_LARGE_BYTES = 1_000_000

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")

LEAST_IN_DATA = 8
"""Minimum length of a value inside a text in a table that is not a coincidence."""

_BINARY = re.compile(r"(?:image/(?!svg)|audio/|video/|font/|application/(?:pdf|octet-stream|zip))")


_T = TypeVar("_T")


class Redactor:
    """Replaces the values of used secrets by their names.

    It is thread-safe. If no secret was used, texts are returned unchanged.

    Args:
        known: Returns names and values of all existing secrets, used or not.
    """

    def __init__(self, known: Callable[[], Iterable[tuple[str, str]]] = tuple) -> None:
        self._known = known
        self._of_all: Redactor | None = None
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        self._search: Search | None = None

    @property
    def is_active(self) -> bool:
        """Whether there is anything to redact."""
        return self._search is not None

    @property
    def values(self) -> frozenset[str]:
        """The redacted values."""
        return frozenset(self._values)

    @property
    def longest_bytes(self) -> int:
        """Upper bound of the length of a value, in UTF-8."""
        return 4 * self._search.longest if self._search is not None else 0

    def watching(self, resolve: SecretResolver) -> SecretResolver:
        """Return a resolver that registers the values of the secrets it resolves.

        Args:
            resolve: Returns the value of a secret.
        """

        def secret(name: str, source: Source | None = None) -> str:
            value = resolve(name, source)
            self.register(name, value)
            return value

        return secret

    def register(self, name: str, value: str) -> None:
        """Redact a value from now on, in every encoding.

        Args:
            value: Values of less than `LEAST` characters are ignored.
        """
        with self._lock:
            if len(value.strip()) < LEAST or value in self._values:
                return
            self._values = {**self._values, value: name}
            before = self._search.encodings if self._search is not None else ()
            self._search = Search([*before, *((name, one) for one in encodings_of(value))])

    def searched(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return the texts to search for in data, each with the name of its secret.

        Returns:
            The forms of values of at least `LEAST_IN_DATA` characters, which do not occur in longer
            texts by coincidence; and the shorter values.
        """
        with self._lock:
            values = dict(self._values)
        long = {one: name for one, name in values.items() if len(one.strip()) >= LEAST_IN_DATA}
        forms = {form: name for one, name in long.items() for form in written_forms(one)}
        long_enough = {form: name for form, name in forms.items() if len(form) >= LEAST_IN_DATA}
        return long_enough, {one: name for one, name in values.items() if one not in long}

    def redact(self, text: str) -> str:
        """Return a text with ``[secret NAME]`` in place of every value."""
        found = self._find(text)
        if not found:
            return text
        parts, at = [], 0
        for start, end, name in found:
            parts += [text[at:start], f"[secret {name}]"]
            at = end
        return "".join([*parts, text[at:]])

    def holds(self, text: str) -> bool:
        """Return whether a text contains a value."""
        return bool(self._find(text))

    def _find(self, text: str) -> list[tuple[int, int, str]]:
        """Return the positions of values, without overlaps, and their names."""
        search = self._search
        if search is None or len(text) < LEAST:
            return []
        spans = search.spans(text)
        found: list[tuple[int, int, str]] = []
        # The longest first: one secret may start with another one.
        for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
            if found and start < found[-1][1]:
                before = found[-1]
                found[-1] = (before[0], max(before[1], end), before[2])
            else:
                found.append((start, end, name))
        return found

    def redact_model(self, value: _T) -> _T:
        """Return a copy of a model value without secrets in its texts."""
        if self._search is None or not self.holds(msgspec.json.encode(value).decode()):
            return value
        return msgspec.convert(self.redact_json(msgspec.to_builtins(value)), type(value))

    def redact_bytes(self, content: bytes) -> bytes:
        """Return content of the same length in which every value is overwritten."""
        changed = bytearray(content)
        for at, mark in self.spans(content):
            changed[at : at + len(mark)] = mark
        return bytes(changed)

    def redact_json(self, value: object) -> Any:
        """Return a JSON value without secrets in its strings and keys."""
        if self._search is None:
            return value
        if isinstance(value, str):
            return self.redact(value)
        if isinstance(value, Mapping):
            return {self.redact(str(key)): self.redact_json(one) for key, one in value.items()}
        if isinstance(value, list | tuple):
            return [self.redact_json(one) for one in value]
        return value

    def redact_fields(
        self, fields: Mapping[str, object], *, but: Container[str] = ()
    ) -> dict[str, object]:
        """Return a mapping with unchanged keys and redacted values.

        Args:
            fields: Values by name.
            but: Names of fields that contain words of the platform, which are not redacted.
        """
        return {key: one if key in but else self.redact_json(one) for key, one in fields.items()}

    def redact_message(self, kind: str, content: Mapping[str, object]) -> dict[str, Any]:
        """Return the content of a kernel message without secrets; images stay unchanged.

        Args:
            kind: Message type in Jupyter's protocol.
            content: Content of the message; the text of a stream is left to `StreamRedactor`.
        """
        if self._search is None or kind in ("stream", "status"):
            return dict(content)
        data = content.get("data")
        if kind.startswith("comm") or not isinstance(data, Mapping):
            return self.redact_fields(content, but=("status", "comm_id", "target_name"))
        kept = {media: one for media, one in data.items() if _is_picture(media, one)}
        rest = {name: one for name, one in content.items() if name != "data"}
        return {
            **self.redact_fields(rest, but=("output_type", "transient")),
            "data": kept | self.redact_json({k: v for k, v in data.items() if k not in kept}),
        }

    def beginning_at_end(self, text: str) -> int:
        """Return how many characters at the end of a text may be the beginning of a value."""
        return self._search.beginning_at_end(text) if self._search is not None else 0

    def refuse_value_in(self, source: Source) -> None:
        """Reject a source whose location or options contain the value of a used secret.

        Raises:
            DeclarationError: See `refuse_value_in_texts`.
        """
        texts = (source.location, source.declared, *source.options.values())
        self.refuse_value_in_texts(
            f"The source {source.name!r}",
            texts,
            hint="The catalogue keeps names only. Leave it out of the location and write --secret",
        )

    def refuse_value_in_texts(self, what: str, texts: Iterable[str], *, hint: str) -> None:
        """Reject texts that contain the value of a secret known to this process, used or not.

        Args:
            what: Subject of the message.
            hint: The next step; the name of the secret is appended.

        Raises:
            DeclarationError: A text contains a value; the message has its name but not its value.
        """
        found = [name for text in texts for name in self.for_all_values().names_in(text)]
        if found:
            raise DeclarationError(
                f"{what} contains the value of the secret {found[0]!r}.", hint=f"{hint} {found[0]}"
            )

    def in_bytes(self, content: bytes | memoryview) -> bool:
        """Return whether bytes contain a value: as UTF-8, UTF-16 or UTF-32, or encoded."""
        if len(content) > _LARGE_BYTES:
            # Usually numbers; only fast searches are made.
            raw = bytes(content)
            return any(form in raw for value in self._values for form in plain_forms(value))
        return self.holds(bytes(content).decode("latin-1"))

    def names_in(self, text: str) -> list[str]:
        """Return the names of the secrets whose values a text contains."""
        return [name for _, _, name in self._find(text)]

    def name_in(self, content: bytes) -> str:
        """Return the name of a secret whose value is in some bytes, used or not; else ""."""
        every = self.for_all_values()
        if len(content) <= _LARGE_BYTES:
            return next(iter(every.names_in(content.decode("latin-1"))), "")
        for value, name in list(every._values.items()):
            if any(form in content for form in plain_forms(value)):
                return name
        return ""

    def for_all_values(self) -> Redactor:
        """Return a redactor for all values, used or not, too long to occur by coincidence."""
        names = {value: name for name, value in self._known()} | self._values
        names = {value: one for value, one in names.items() if len(value.strip()) >= _LEAST_IN_URL}
        if self._of_all is None or self._of_all.values != names.keys():
            self._of_all = Redactor()
            for value, name in names.items():
                self._of_all.register(name, value)
        return self._of_all

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Redact an `EtlError` raised in the block."""
        try:
            yield
        except EtlError as problem:
            problem.message = self.redact(problem.message)
            problem.hint = self.redact(problem.hint)
            problem.data = self.redact_fields(problem.data)
            problem.args = (problem.message,)
            raise

    def spans(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield the positions of values in bytes, with a replacement of equal length.

        Args:
            content: Content of a file; text is in UTF-8.
        """
        text = content.decode("utf-8", "surrogateescape")
        at = size = 0
        for start, end, name in self._find(text):
            size += _size(text[at:start])
            at, length = end, _size(text[start:end])
            yield size, f"[secret {name}]".encode()[:length].ljust(length, b"*")
            size += length


def _is_picture(media: str, content: object) -> bool:
    return (
        bool(_BINARY.match(media)) and isinstance(content, str) and bool(_BASE64.fullmatch(content))
    )


def _size(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))
