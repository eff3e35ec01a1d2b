"""Encodings in which a notebook may write a secret; a notebook executes this file, too."""

from __future__ import annotations

import base64
import binascii
import html
import json
import quopri
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import markupsafe
import sqlalchemy

PROSE = "the password that everybody in this department has to use is as follows: "


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def pairs(text: str, between: str) -> str:
    return text.encode().hex(between)


def each(text: str, form: str) -> str:
    return "".join(form.format(ord(char)) for char in text)


def bytewise(text: str, form: str) -> str:
    return "".join(form.format(byte) for byte in text.encode())


def uu(text: str) -> str:
    content = text.encode()
    lines = [binascii.b2a_uu(content[at : at + 45]) for at in range(0, len(content), 45)]
    return b"".join(lines).decode()


def encode_uri_component(text: str) -> str:
    return quote(text, safe="!'()*-._~")


def database_url(text: str) -> str:
    url = sqlalchemy.URL.create("postgresql", "sam", text, "db.example", 5432, "sales")
    return url.render_as_string(hide_password=False)


ENCODINGS: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "repr": repr,
    "repr of a list": lambda v: repr([v, 'it\'s "both"' + v]),
    "repr of repr": lambda v: repr(repr(v)),
    "repr of bytes": lambda v: repr(v.encode() + b"'\""),
    "repr of UTF-16": lambda v: repr(v.encode("utf-16")),
    "repr of UTF-32": lambda v: repr(v.encode("utf-32-be")),
    "UTF-16 read as Latin-1": lambda v: v.encode("utf-16-le").decode("latin-1"),
    "ascii": ascii,
    "JSON": json.dumps,
    "JSON in JSON in JSON": lambda v: json.dumps(json.dumps(json.dumps({"a": v}))),
    "JSON that is safe in HTML": lambda v: re.sub(
        "[<>&'/]", lambda m: f"\\u{ord(m[0]):04x}", json.dumps(v)
    ),
    r"\u escapes": lambda v: each(v, "\\u{:04x}"),
    r"\U escapes": lambda v: each(v, "\\U{:08X}"),
    r"\u{} escapes": lambda v: each(v, "\\u{{{:x}}}"),
    r"\x escapes": lambda v: bytewise(v, "\\x{:02x}"),
    "octal escapes": lambda v: bytewise(v, "\\{:03o}"),
    r"\N escapes": lambda v: v.encode("ascii", "namereplace").decode(),
    "HTML": html.escape,
    "HTML in HTML": lambda v: html.escape(html.escape(v)),
    "HTML of markupsafe": lambda v: str(markupsafe.escape(v)),
    "decimal entities": lambda v: each(v, "&#{};"),
    "padded decimal entities": lambda v: each(v, "&#{:07d};"),
    "hexadecimal entities": lambda v: each(v, "&#x{:X};"),
    "XML": lambda v: html.escape(v).encode("ascii", "xmlcharrefreplace").decode(),
    "entities in a URL": lambda v: quote(each(v, "&#{};")),
    "quote": quote,
    "quote of all": lambda v: quote(v, safe=""),
    "quote_plus": quote_plus,
    "quote of quote": lambda v: quote(quote(v, safe=""), safe=""),
    "lower case percent": lambda v: bytewise(v, "%{:02x}"),
    "encodeURIComponent": encode_uri_component,
    "escape() of JavaScript": lambda v: each(v, "%u{:04X}"),
    "database URL": database_url,
    "database URL in JSON": lambda v: json.dumps({"url": database_url(v)}),
    "quoted-printable": lambda v: quopri.encodestring((PROSE + v).encode()).decode(),
    "quoted-printable of all": lambda v: bytewise(v, "={:02X}"),
    "SQL": lambda v: "'" + v.replace("'", "''") + "'",
    "shell": lambda v: "'" + v.replace("'", "'\"'\"'") + "'",
    "base64": b64,
    "base64 in JSON": lambda v: json.dumps(b64(PROSE + v)),
    "base64 in a URL": lambda v: quote(b64("?>" + v), safe=""),
    "URL-safe base64": lambda v: base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "base64 behind a name": lambda v: b64("s:" + v),
    "base64 behind a longer name": lambda v: b64("sa:" + v),
    "base64 in lines of 76": lambda v: base64.encodebytes((PROSE + v + PROSE).encode()).decode(),
    "base64 in quoted lines": lambda v: repr(base64.encodebytes((PROSE + v + PROSE).encode())),
    "base64 in short lines": lambda v: "\r\n    ".join(re.findall(".{1,8}", b64(v))),
    "base64 of base64": lambda v: b64("x" + b64("yz" + v)),
    "base64 of JSON": lambda v: b64(json.dumps({"password": v})),
    "base64 of UTF-16": lambda v: base64.b64encode(v.encode("utf-16")).decode(),
    "base32": lambda v: base64.b32encode(("abc" + v).encode()).decode(),
    "base85": lambda v: base64.b85encode(v.encode()).decode(),
    "Ascii85": lambda v: base64.a85encode(v.encode()).decode(),
    "uuencode": uu,
    "hexadecimal": lambda v: pairs(v, "-").replace("-", ""),
    "capital hexadecimal": lambda v: pairs(v, "-").replace("-", "").upper(),
    "hexadecimal with colons": lambda v: pairs(v, ":"),
    "hexadecimal with blanks": lambda v: pairs(v, " ").upper(),
    "hexadecimal with commas": lambda v: ", ".join(hex(byte) for byte in v.encode()),
    "hexadecimal in lines": lambda v: "\n".join(re.findall(".{1,10}", pairs(v, " "))),
    "dump of bytes": lambda v: "\n".join(re.findall(".{1,47}", pairs(v, " "))),
    "hexadecimal of UTF-16": lambda v: v.encode("utf-16-le").hex(),
    "bytes as numbers": lambda v: str(list(v.encode())),
    "spaced": " ".join,
    "list of characters": lambda v: repr(list(v)),
    "in colour": lambda v: v[:3] + "\x1b[31m" + v[3:] + "\x1b[0m",
}
"""Each takes a value and returns a text that contains it."""
