"""The options of HTTP sources: authentication, paging and limits."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, urlsplit, urlunsplit

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.durations import parse_duration
from jupyter_etl.language.sizes import parse_size
from jupyter_etl.model import Source
from jupyter_etl.ports import Access

PAGING_OPTIONS = ("page", "offset", "cursor", "next", "total", "pages")
HTTP_OPTIONS = ("auth", *PAGING_OPTIONS, "size", "timeout")

_MAX_BYTES = 1_000_000_000
_MAX_PAGES = 1000
_TIMEOUT_S = 30.0
_AUTH = ("bearer", "basic", "header:NAME", "query:NAME")


@dataclass(frozen=True, kw_only=True)
class Paging:
    """How the next page is requested.

    Args:
        style: ``auto`` (follows the response), ``none``, ``page`` (a parameter counts pages),
            ``offset`` (a parameter counts records), ``cursor`` (a parameter takes a value from the
            response) or ``next`` (the response contains the URL).
        parameter: Query parameter; "" for ``auto``, ``none`` and ``next``.
        path: Place of the cursor or URL in the response, such as ``meta.next``; "" for the
            usual places.
        optional: Whether the first response may lack the ``path``.
        counted: Whether the total that a response declares is the number of records.
        most: Maximum number of pages; more are an error.
    """

    style: str = "auto"
    parameter: str = ""
    path: str = ""
    optional: bool = False
    counted: bool = True
    most: int = _MAX_PAGES


@dataclass(frozen=True, kw_only=True)
class HttpTarget:
    """The HTTP API of a source.

    Args:
        name: Name of the source.
        url: Without user and secret.
        user: For basic authentication; "" if the secret is ``user:password``.
        secret: "" for none; never shown.
        auth: ``bearer``, ``basic``, ``header:NAME`` or ``query:NAME``.
        timeout_s: Maximum wait for a connection, and for the next bytes.
        max_bytes: Maximum decompressed size of all pages together.
        paging: How the next page is requested.
    """

    name: str
    url: str
    user: str = ""
    secret: str = field(default="", repr=False)
    auth: str = "bearer"
    timeout_s: float = _TIMEOUT_S
    max_bytes: int = _MAX_BYTES
    paging: Paging = field(default_factory=Paging)

    @property
    def credentials(self) -> str:
        """User and password of basic authentication, in Base64 (RFC 7617)."""
        pair = f"{self.user}:{self.secret}" if self.user else self.secret
        return base64.b64encode(pair.encode()).decode()

    def masked(self, text: str) -> str:
        """Remove the secret from a text, in every encoding in which it is sent."""
        if not self.secret:
            return text
        for form in (
            self.credentials,
            self.secret,
            quote(self.secret, safe=""),
            quote_plus(self.secret),
        ):
            text = text.replace(form, "***")
        return text


def is_http(location: str) -> bool:
    """Return whether a location is read by HTTP."""
    return location.lower().startswith(("http://", "https://"))


def http_url(location: str) -> str:
    """Return the URL to request, without user and fragment; raises `ValueError`."""
    parts = urlsplit(location)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=host, fragment=""))


def http_target(source: Source, access: Access) -> HttpTarget:
    """Parse the options of a source and resolve its secret.

    Args:
        source: A source with an ``http://`` or ``https://`` URL.
        access: Resolves the first of the source's secrets.

    Raises:
        DeclarationError: An option has an invalid value.
        NotFound: The secret has no value.
    """
    parts = urlsplit(source.location)
    if not is_http(source.location) or not parts.hostname:
        raise DeclarationError(
            f"Source '{source.name}': {source.location} is not an http or https URL.",
            hint="Write it like https://api.example/rates.",
        )
    user = parts.username or ""
    options = source.options
    auth = options.get("auth", "basic" if user else "bearer")
    if auth.partition(":")[0] not in {a.partition(":")[0] for a in _AUTH} or (
        auth.startswith(("header", "query")) and not auth.partition(":")[2]
    ):
        raise DeclarationError(
            f"The option auth is '{auth}'; it is one of {', '.join(_AUTH)}.",
            hint="For example auth=header:X-Api-Key.",
        )
    if "auth" in options and not source.secrets:
        raise DeclarationError(
            f"Source '{source.name}' has the option auth={auth} but no secret.",
            hint="Name it with --secret.",
        )
    # Files and prompts often leave a line end after the value.
    secret = access.secret(source.secrets[0]).strip() if source.secrets else ""
    if not secret.isascii() or not secret.isprintable():
        raise DeclarationError(
            f"The secret '{source.secrets[0]}' has characters that HTTP cannot transmit.",
            hint="Set it again; it must be one line of ASCII.",
        )
    return HttpTarget(
        name=source.name,
        url=http_url(source.location),
        user=user,
        secret=secret,
        auth=auth,
        timeout_s=parse_duration(options["timeout"], bare_seconds=True)
        if "timeout" in options
        else _TIMEOUT_S,
        max_bytes=parse_size(options["size"]) if "size" in options else _MAX_BYTES,
        paging=_parse_paging(options),
    )


def _parse_paging(options: Mapping[str, str]) -> Paging:
    pages = options.get("pages", str(_MAX_PAGES))
    if not re.fullmatch("[0-9]{1,9}", pages) or int(pages) < 1:
        raise DeclarationError(f"The option pages is '{pages}'; it is a number of pages.")
    styles = [style for style in ("page", "offset", "cursor") if style in options]
    if len(styles) > 1 or (styles and styles != ["cursor"] and "next" in options):
        raise DeclarationError(
            f"The options {' and '.join([*styles, *(['next'] if 'next' in options else [])])} "
            "cannot be combined.",
            hint="Use a page number (page=NAME), a record offset (offset=NAME), or the position "
            "in the response (cursor=NAME next=PATH, or next=PATH alone).",
        )
    if options.get("total", "none") != "none":
        raise DeclarationError(
            f"The option total is '{options['total']}'; it must be none.",
            hint="total=none means that the total in the response does not count the records.",
        )
    path = options.get("next", "")
    if styles:
        style, parameter = styles[0], options[styles[0]]
    else:
        style, parameter = "none" if path == "none" else "next" if path else "auto", ""
    if styles and (not parameter or path == "none"):
        raise DeclarationError(
            f"The option {style} is empty, or is combined with next=none.",
            hint=f"{style}=NAME names a parameter of the query; next=none reads one page.",
        )
    return Paging(
        style=style,
        parameter=parameter,
        path="" if path == "none" else path.removesuffix("?"),
        optional=path.endswith("?"),
        counted="total" not in options,
        most=int(pages),
    )
