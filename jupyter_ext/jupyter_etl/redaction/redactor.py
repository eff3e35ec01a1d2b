"""Takes the values of secrets out of what an attempt shows and writes."""

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

_OUTBOX = 12
"""Characters from which on a value in an address is no coincidence, as ``postgres`` is."""

_LARGE_BYTES = 1_000_000

_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")

LEAST_IN_DATA = 8
"""Characters from which on a value that is a part of a text in a table is no coincidence."""

_BINARY = re.compile(r"(?:image/(?!svg)|audio/|video/|font/|application/(?:pdf|octet-stream|zip))")


_T = TypeVar("_T")


class Redactor:
    """Knows the secrets that were used, and writes their names in place of their values.

    Safe to call from several threads. Where no secret was used it returns what it is given.

    Args:
        known: Returns names and values of the secrets that there are, used or not.
    """

    def __init__(self, known: Callable[[], Iterable[tuple[str, str]]] = tuple) -> None:
        self._known = known
        self._of_all: Redactor | None = None
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        self._search: Search | None = None

    @property
    def is_active(self) -> bool:
        """Whether there is anything to take out."""
        return self._search is not None

    @property
    def values(self) -> frozenset[str]:
        """The values that are taken out."""
        return frozenset(self._values)

    @property
    def longest_bytes(self) -> int:
        """Upper bound of the length of a value, in UTF-8."""
        return 4 * self._search.longest if self._search is not None else 0

    def watching(self, resolve: SecretResolver) -> SecretResolver:
        """Return a resolver of secrets whose values are taken out from then on.

        Args:
            resolve: Returns the value behind a name.
        """

        def secret(name: str, source: Source | None = None) -> str:
            value = resolve(name, source)
            self.register(name, value)
            return value

        return secret

    def register(self, name: str, value: str) -> None:
        """Take a value out from now on, in every spelling of it.

        Args:
            value: One of less than `LEAST` characters is left alone.
        """
        with self._lock:
            if len(value.strip()) < LEAST or value in self._values:
                return
            self._values = {**self._values, value: name}
            before = self._search.encodings if self._search is not None else ()
            self._search = Search([*before, *((name, one) for one in encodings_of(value))])

    def searched(self) -> tuple[dict[str, str], dict[str, str]]:
        """Return what to search for in data, each with the name of its secret.

        Returns:
            The forms of the values of `LEAST_IN_DATA` characters and more, which are no part of a
            longer text by coincidence; and the shorter values.
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
        """Whether a text holds a value."""
        return bool(self._find(text))

    def _find(self, text: str) -> list[tuple[int, int, str]]:
        """Return where values are, from start to end without overlaps, and their names."""
        search = self._search
        if search is None or len(text) < LEAST:
            return []
        spans = search.spans(text)
        found: list[tuple[int, int, str]] = []
        # The longest first: of two secrets one may begin with the other.
        for start, end, name in sorted(spans, key=lambda span: (span[0], -span[1])):
            if found and start < found[-1][1]:
                before = found[-1]
                found[-1] = (before[0], max(before[1], end), before[2])
            else:
                found.append((start, end, name))
        return found

    def redact_model(self, value: _T) -> _T:
        """Return a value of the model whose texts hold no secret."""
        if self._search is None or not self.holds(msgspec.json.encode(value).decode()):
            return value
        return msgspec.convert(self.redact_json(msgspec.to_builtins(value)), type(value))

    def redact_bytes(self, content: bytes) -> bytes:
        """Return content of the same length in which every value is written over."""
        changed = bytearray(content)
        for at, mark in self.spans(content):
            changed[at : at + len(mark)] = mark
        return bytes(changed)

    def redact_json(self, value: object) -> Any:
        """Return a JSON value whose texts and keys hold no secret."""
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
        """Return a mapping whose keys stay what they are, and whose values hold no secret.

        Args:
            fields: By name.
            but: Names of those that are words of the platform.
        """
        return {key: one if key in but else self.redact_json(one) for key, one in fields.items()}

    def redact_message(self, kind: str, content: Mapping[str, object]) -> dict[str, Any]:
        """Return the content of a kernel's message without secrets; pictures stay as they are.

        Args:
            kind: Of the message, as Jupyter calls it.
            content: Of the message; a stream's text is left to `StreamRedactor`.
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
        """Return how many of a text's last characters may be the beginning of a value."""
        return self._search.beginning_at_end(text) if self._search is not None else 0

    def refuse_value_in(self, source: Source) -> None:
        """Refuse a source whose address or options hold the value of a secret that was used.

        Raises:
            DeclarationError: As `refuse_value_in_texts`.
        """
        texts = (source.location, source.declared, *source.options.values())
        self.refuse_value_in_texts(
            f"The source {source.name!r}",
            texts,
            hint="The catalogue keeps names only. Leave it out of the location and write --secret",
        )

    def refuse_value_in_texts(self, what: str, texts: Iterable[str], *, hint: str) -> None:
        """Refuse what holds the value of a secret that was used, or that this process knows of.

        Args:
            what: Is refused; the message begins with it.
            hint: What to do; the name of the secret is appended.

        Raises:
            DeclarationError: A text holds a value; its name is in the message, its value is not.
        """
        found = [name for text in texts for name in self.telling().names_in(text)]
        if found:
            raise DeclarationError(
                f"{what} contains the value of the secret {found[0]!r}.", hint=f"{hint} {found[0]}"
            )

    def in_bytes(self, content: bytes | memoryview) -> bool:
        """Whether bytes hold a value: a text in UTF-8, UTF-16 or UTF-32, or an encoded one."""
        if len(content) > _LARGE_BYTES:
            # As a rule numbers; only what takes a moment is looked for.
            raw = bytes(content)
            return any(form in raw for value in self._values for form in plain_forms(value))
        return self.holds(bytes(content).decode("latin-1"))

    def names_in(self, text: str) -> list[str]:
        """Return the names of the secrets whose values a text holds."""
        return [name for _, _, name in self._find(text)]

    def telling(self) -> Redactor:
        """Return one for all values, used or not, that are no coincidence where they are found."""
        names = {value: name for name, value in self._known()} | self._values
        names = {value: one for value, one in names.items() if len(value.strip()) >= _OUTBOX}
        if self._of_all is None or self._of_all.values != names.keys():
            self._of_all = Redactor()
            for value, name in names.items():
                self._of_all.register(name, value)
        return self._of_all

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Take secrets out of the `EtlError` that ends the block."""
        try:
            yield
        except EtlError as problem:
            problem.message = self.redact(problem.message)
            problem.hint = self.redact(problem.hint)
            problem.data = self.redact_fields(problem.data)
            problem.args = (problem.message,)
            raise

    def spans(self, content: bytes) -> Iterator[tuple[int, bytes]]:
        """Yield where values are in bytes, with what takes their place and is as long.

        Args:
            content: Of a file, in UTF-8 where it is text.
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
