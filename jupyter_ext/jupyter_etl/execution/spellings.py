"""The ways in which a value is written: what a search for it has to look for."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

LEAST = 4
"""A shorter value is in too many words to be taken out of them."""

_CODED = 8
"""Characters of base64 from which on a part of a longer text is no coincidence."""

_LINE = 12
"""Characters from which on a line of a longer value, as of a key file, is no coincidence."""

_SHORT = 256
"""Characters up to which a value is looked for as it is written inside of what is quoted itself."""


def spellings(value: str) -> frozenset[str]:
    """Return a value as it is written by itself, in JSON, Python, HTML, URLs, hex and base64.

    Args:
        value: Of a secret; white space around it need not be part of it. Of several lines each
            is looked for too, for they are printed indented, or with other ends.
    """
    forms: set[str] = set()
    for one in {value, value.strip()}:
        quoted, encoded = _quoted(one), _in_url(one)
        if len(one) <= _SHORT:
            quoted |= {text for inner in tuple(quoted) for text in _quoted(inner)}
            encoded |= {text for inner in tuple(encoded) for text in _in_url(inner)}
        content = one.encode("utf-8", "surrogatepass")
        forms |= {one, html.escape(one), html.escape(one, quote=False)}
        forms |= quoted | encoded | _in_base64(content) | _in_hex(content)
    forms |= _lines(value)
    return frozenset(form for form in forms if len(form) >= LEAST)


def _quoted(text: str) -> set[str]:
    """Return what is between the quotes, where Python or JSON write a text, or Python its bytes."""
    content = text.encode("utf-8", "surrogatepass")
    return {
        repr(text)[1:-1],
        repr(text + "'\"")[1:-4],
        repr(content)[2:-1],
        repr(content + b"'\"")[2:-4],
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
    }


def _in_url(text: str) -> set[str]:
    forms = {quote(text, safe=""), quote(text), quote_plus(text)}
    return forms | {re.sub("%..", lambda found: found[0].lower(), form) for form in forms}


def _in_hex(content: bytes) -> set[str]:
    form = content.hex()
    return {form, form.upper()} if len(form) >= _CODED else set()


def _lines(value: str) -> set[str]:
    lines = {line.strip() for line in value.splitlines()}
    # The first and the last line of a key file say only that it is one.
    return {line for line in lines if len(line) >= _LINE and not line.startswith("-----")}


def _in_base64(value: bytes) -> set[str]:
    """Return a value in base64, also where it stands behind other bytes, as in ``user:value``."""
    forms = {base64.b64encode(value).decode().rstrip("=")}
    for before in (0, 1, 2):
        coded = base64.b64encode(bytes(before) + value).decode().rstrip("=")
        # Only the characters that no neighbour of the value has a part in.
        core = coded[(before * 8 + 5) // 6 : (before + len(value)) * 8 // 6]
        if len(core) >= _CODED:
            forms.add(core)
    return forms | {form.translate(str.maketrans("+/", "-_")) for form in forms}
