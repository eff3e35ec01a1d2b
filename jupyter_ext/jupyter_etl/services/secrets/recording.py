"""Redaction of records and answers: they contain no value of a known secret."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.services.secrets.vault import known_secrets


def redactor_for(home: Path) -> Redactor:
    """Return a redactor that also knows secrets that have not been used yet."""
    return Redactor(lambda: known_secrets(home))


def refuse_secret_parameters(home: Path, parameters: Mapping[str, object]) -> None:
    """Reject parameters that contain the value of a secret, because they are recorded and shown.

    Args:
        parameters: Values by name.

    Raises:
        DeclarationError: One does; the message names the secret without its value.
    """
    for name, value in parameters.items():
        redactor_for(home).refuse_value_in_texts(
            f"The parameter {name!r}",
            [msgspec.json.encode(value, enc_hook=str).decode()],
            hint="Parameters are recorded and shown. Leave it out; the notebook can ask for "
            "etl.secret(...) of",
        )


def redacted_answer(redactor: Redactor, text: str) -> str:
    """Return an answer without the values of known secrets; JSON stays valid."""
    known = redactor.for_all_values()
    if not known.holds(text):
        return text
    try:
        value = msgspec.json.decode(text)
    except msgspec.DecodeError:
        return known.redact(text)
    return msgspec.json.encode(known.redact_json(value)).decode()
