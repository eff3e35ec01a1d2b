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


def spellings(value: str) -> frozenset[str]:
    """Return a value as it is written by itself, in JSON, Python, HTML, URLs and base64.

    Args:
        value: Of a secret; white space around it need not be part of it.
    """
    forms: set[str] = set()
    for one in {value, value.strip()}:
        plain = {one, repr(one)[1:-1], repr(one + "'\"")[1:-4], html.escape(one)}
        plain |= {html.escape(one, quote=False), json.dumps(one)[1:-1]}
        plain.add(json.dumps(one, ensure_ascii=False)[1:-1])
        quoted = {quote(one, safe=""), quote(one), quote_plus(one)}
        quoted |= {re.sub("%..", lambda found: found[0].lower(), text) for text in quoted}
        forms |= plain | quoted | _in_base64(one.encode("utf-8", "surrogatepass"))
    return frozenset(form for form in forms if len(form) >= LEAST)


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
