"""Pages: a token continues with the versions that the first page had read."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence

import msgspec

from jupyter_etl.language.numbers import read_whole
from jupyter_etl.serving.queries.rejection import Rejected, invalid, rejected

TOKEN_S = 86_400.0
"""Seconds for which a chain of pages can be continued."""

_MAC_BYTES = 16
_FIRST = "Request the first page again, without 'next'."


class CopyRef(msgspec.Struct, frozen=True, array_like=True):
    """A version that a page reads: its number, and the file of its copy without the folder."""

    number: int
    file: str


class PageToken(msgspec.Struct, frozen=True, array_like=True):
    """Where a chain of pages continues.

    Args:
        endpoint: Name of the query or table.
        version: Version of the query; 0 for a table.
        copies: The versions that it reads, by publication.
        position: Number of rows before the page; for a table, the first row id of the page.
        at: The instant of the first page, in seconds since 1970, to which ``today`` refers.
        digest: Digest of the parameters, see `digest_of`.
    """

    endpoint: str
    version: int
    copies: dict[str, CopyRef]
    position: int
    at: float
    digest: bytes


def digest_of(parameters: object) -> bytes:
    """Return a digest of the parameters of a request, as they were given."""
    encoded = msgspec.json.encode(parameters, order="deterministic")
    return hashlib.sha256(encoded).digest()[:_MAC_BYTES]


def write_token(token: PageToken, secret: bytes) -> str:
    """Return a token as text for URLs.

    Args:
        secret: Known to all gateways of the ledger and nobody else.
    """
    content = msgspec.msgpack.encode(token)
    return _text(_mac(content, secret) + content)


def read_token(text: str, secret: bytes, *, now: float | None = None) -> PageToken:
    """Return the content of a token, also to find the versions that its page reads.

    Raises:
        Rejected: It was not issued here (400), or is too old (410).
    """
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        if _text(raw) != text:
            raise ValueError
        mac, content = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
        if not hmac.compare_digest(mac, _mac(content, secret)):
            raise ValueError
        token = msgspec.msgpack.decode(content, type=PageToken)
    except (ValueError, msgspec.MsgspecError):
        raise _foreign("'next' was not issued by this service, or was changed.") from None
    if (time.time() if now is None else now) - token.at > TOKEN_S:
        raise outdated("'next' is more than a day old.")
    return token


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _mac(content: bytes, secret: bytes) -> bytes:
    return hmac.digest(secret, content, "sha256")[:_MAC_BYTES]


def check_token(token: PageToken, endpoint: str, version: int, digest: bytes) -> None:
    """Raise `Rejected` if a token belongs to another endpoint or to other parameters."""
    if (token.endpoint, token.version) != (endpoint, version):
        raise _foreign(
            f"'next' belongs to {token.endpoint!r}, not to this version of {endpoint!r}."
        )
    if token.digest != digest:
        raise _foreign("'next' belongs to a request with other parameters.")


def check_copies(token: PageToken, copies: Mapping[str, CopyRef]) -> None:
    """Raise `Rejected` if the page would read other versions than the first one (410)."""
    if token.copies != copies:
        raise outdated("The versions that the first page has read are not available any more.")


def _foreign(message: str) -> Rejected:
    return rejected(400, "InvalidToken", message, _FIRST)


def outdated(message: str) -> Rejected:
    """Return the error for a chain of pages that cannot be continued: status 410."""
    return rejected(410, "OutdatedToken", message, _FIRST)


def limit_of(text: str | None, most: int) -> int:
    """Return the number of rows of a page.

    Args:
        text: As given; None for the largest page.
        most: The endpoint's limit.

    Raises:
        Rejected: It is not from 1 to ``most``.
    """
    number = most if text is None else read_whole(text)
    if number is None or not 1 <= number <= most:
        message = f"'limit' takes a whole number from 1 to {most:,}, but got {str(text)[:80]!r}."
        raise invalid([("limit", message)])
    return number


def split_pairs(
    pairs: Sequence[tuple[str, str]], reserved: Sequence[str]
) -> tuple[dict[str, list[str]], list[tuple[str, str]]]:
    """Separate the reserved names of a query string from the others.

    Returns:
        Values of the reserved names; and the other pairs, in order.
    """
    found: dict[str, list[str]] = {}
    others = []
    for name, text in pairs:
        if name in reserved:
            found.setdefault(name, []).append(text)
        else:
            others.append((name, text))
    return found, others


def single(found: Mapping[str, Sequence[str]], name: str) -> str | None:
    """Return the value of a reserved name, None if absent; raise `Rejected` for several."""
    values = found.get(name, ())
    if len(values) > 1:
        raise invalid([(name, f"'{name}' is given {len(values)} times; give it once.")])
    return values[0] if values else None
