"""Takes the values of secrets out of what an attempt shows and writes."""

from __future__ import annotations

import re
import threading
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.execution.spellings import LEAST, spellings
from jupyter_etl.model import Source
from jupyter_etl.ports import SecretResolver

_TELLING = 12
"""Characters from which on a value in an address is no coincidence, as ``postgres`` is."""

_BINARY = re.compile(r"(?:image/(?!svg)|audio/|video/|font/|application/(?:pdf|octet-stream|zip))")


@dataclass(frozen=True, kw_only=True)
class _Forms:
    """All spellings of all values, put together so that a text is searched once."""

    names: Mapping[str, str]
    pattern: re.Pattern[str]
    begins: frozenset[str]
    longest: int


class Redactor:
    """Knows the secrets that were used, and writes their names in place of their values.

    Safe to call from several threads. Where no secret was used it returns what it is given.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        self._forms: _Forms | None = None

    @property
    def is_active(self) -> bool:
        """Whether there is anything to take out."""
        return self._forms is not None

    @property
    def longest_bytes(self) -> int:
        """Upper bound of the length of a value, in UTF-8."""
        return 4 * self._forms.longest if self._forms is not None else 0

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
            name: Of the secret.
            value: One of less than `LEAST` characters is left alone.
        """
        with self._lock:
            if len(value.strip()) < LEAST or value in self._values:
                return
            self._values[value] = name
            names = {form: who for one, who in self._values.items() for form in spellings(one)}
            # The longest first: of two secrets one may begin with the other.
            ordered = sorted(names, key=len, reverse=True)
            self._forms = _Forms(
                names=names,
                pattern=re.compile("|".join(map(re.escape, ordered))),
                begins=frozenset(form[0] for form in ordered),
                longest=len(ordered[0]),
            )

    def redact(self, text: str) -> str:
        """Return a text with ``[secret NAME]`` in place of every value."""
        forms = self._forms
        if forms is None:
            return text
        return forms.pattern.sub(lambda found: f"[secret {forms.names[found[0]]}]", text)

    def redact_json(self, value: object) -> Any:
        """Return a JSON value whose texts and keys hold no secret."""
        if self._forms is None:
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
        if self._forms is None or kind in ("stream", "status"):
            return dict(content)
        data = content.get("data")
        if kind.startswith("comm") or not isinstance(data, Mapping):
            return self.redact_fields(content, but=("status", "comm_id", "target_name"))
        kept = {media: one for media, one in data.items() if _BINARY.match(media)}
        return {**content, "data": self.redact_fields(data, but=kept)}

    def beginning_at_end(self, text: str) -> int:
        """Return how many of a text's last characters may be the beginning of a value."""
        forms = self._forms
        if forms is None:
            return 0
        for at in range(max(0, len(text) - forms.longest + 1), len(text)):
            end = text[at:]
            if end[0] in forms.begins and any(form.startswith(end) for form in forms.names):
                return len(end)
        return 0

    def refuse_value_in(self, source: Source) -> None:
        """Refuse a source whose address or options hold the value of a secret that was used.

        Raises:
            DeclarationError: One does; its name is in the message, its value is not.
        """
        texts = (source.location, source.declared, *source.options.values())
        for value, name in list(self._values.items()):
            forms = spellings(value) if len(value) >= _TELLING else ()
            if any(form in text for form in forms for text in texts):
                raise DeclarationError(
                    f"The source {source.name!r} holds the value of the secret {name!r}; the "
                    "catalogue keeps names only.",
                    hint=f"Leave it out of the location and write --secret {name}",
                )

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
        forms = self._forms
        if forms is None:
            return
        names = {form.encode("utf-8", "surrogatepass"): name for form, name in forms.names.items()}
        ordered = sorted(names, key=len, reverse=True)
        for found in re.finditer(b"|".join(map(re.escape, ordered)), content):
            size = len(found[0])
            yield found.start(), f"[secret {names[found[0]]}]".encode()[:size].ljust(size, b"*")
