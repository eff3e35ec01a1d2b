"""The servers that receive the secrets of a source."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

from jupyter_etl.errors import DeclarationError
from jupyter_etl.language.numbers import read_whole
from jupyter_etl.model import Source, SourceKind
from jupyter_etl.sources.http.options import http_url, is_http

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_PORTS = {
    "http": 80, "https": 443, "postgresql": 5432, "redshift": 5439, "cockroachdb": 26257,
    "mysql": 3306, "mariadb": 3306, "mssql": 1433, "oracle": 1521, "clickhouse": 8123,
    "snowflake": 443, "trino": 8080,
}  # fmt: skip
_SAME = {"postgres": "postgresql"}
_FILES = frozenset({"sqlite", "duckdb"})
_HARMLESS = frozenset(
    [
        "application_name", "autocommit", "charset", "client_encoding", "collation",
        "connect_timeout", "driver", "encrypt", "options", "sslmode", "ssl", "ssl_ca", "ssl_mode",
        "target_session_attrs", "timezone", "trustservercertificate",
    ]
)  # fmt: skip
_LIBPQ_HOSTS = ("host", "hostaddr")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_AMAZON = "s3://amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Place:
    """A server that a secret may be sent to.

    Args:
        scheme: ``https``, ``postgresql`` ...; "" for any except ``http``, which is not encrypted.
        host: Lower case, without a final dot, in Punycode; for a socket, its absolute path.
        port: None for the default port of the scheme.
        more: Options of the URL that may redirect the driver to another server.
    """

    scheme: str
    host: str
    port: int | None = None
    more: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else quote(self.host, safe="")
        port = "" if self.port is None else f":{self.port}"
        return f"{self.scheme}{'://' if self.scheme else ''}{host}{port}{self.more}"

    def covers(self, other: Place) -> bool:
        """Return whether a secret that may be sent here may also be sent to another place."""
        if self == other:
            return True
        if self.scheme or other.scheme == "http" or self.more != other.more:
            return False
        wanted = _PORTS.get(other.scheme) if other.port is None else other.port
        own = _PORTS.get(other.scheme) if self.port is None else self.port
        return self.host == other.host and wanted == own


def places_of(source: Source) -> tuple[Place, ...]:
    """Return all servers that may receive a secret of a source; empty if there are none.

    Raises:
        DeclarationError: The location does not determine them.
    """
    location = source.location
    if is_http(location):
        return (_http_place(location),)
    if source.kind == SourceKind.SQL:
        return _database_places(location)
    if location.lower().startswith(("s3://", "s3a://")):
        return (place_of(source.options.get("endpoint", _AMAZON)),)
    if source.kind in SourceKind.__members__.values():
        return ()
    return (Place(scheme="", host="", more=f"{source.kind}:{location}"),)


def place_of(text: str) -> Place:
    """Parse a place from user input.

    Args:
        text: ``HOST``, ``HOST:PORT``, a URL, whose path is ignored, or the text form of a `Place`.

    Raises:
        DeclarationError: It is not valid.
    """
    written = text.strip()
    if "://" in written:
        found = [_http_place(written)] if is_http(written) else list(_database_places(written))
        if len(found) == 1:
            return found[0]
        raise _no_place(text)
    if written.count(":") > 1 and not written.startswith("["):
        return Place(scheme="", host=_host(written))
    host, colon, port = written.rpartition(":")
    if colon and not port.isdecimal() and not written.startswith("["):
        return Place(scheme="", host="", more=written)
    if not colon or port.endswith("]"):
        host, port = written, ""
    if not host.isascii():
        host = _http_place(f"https://{host}").host
    return Place(scheme="", host=_host(host), port=_port(port, ""))


def _http_place(location: str) -> Place:
    import httpx

    try:
        url = httpx.URL(http_url(location))
        return Place(
            scheme=url.scheme, host=_host(url.raw_host.decode()), port=_port(url.port, url.scheme)
        )
    except (httpx.InvalidURL, ValueError, UnicodeError) as problem:
        raise _no_place(location) from problem


def _database_places(location: str) -> tuple[Place, ...]:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(location)
    except (ArgumentError, ValueError) as problem:
        raise _no_place(location) from problem
    backend = url.get_backend_name()
    scheme = _SAME.get(backend, backend)
    if scheme in _FILES:
        return ()
    if scheme == "postgresql":
        return _libpq_places(url)
    query = sorted((k, v) for k, v in url.normalized_query.items() if k.lower() not in _HARMLESS)
    more = "?" + "&".join(f"{k}={','.join(v)}" for k, v in query) if query else ""
    host = _host(url.host) if url.host else "localhost"
    return (Place(scheme=scheme, host=host, port=_port(url.port, scheme), more=more),)


def _libpq_places(url: URL) -> tuple[Place, ...]:
    """Return all servers that libpq may try: the authority, ``host`` and ``hostaddr``.

    A ``service`` is rejected, because its server is defined in a file.
    """
    query = url.normalized_query
    if "service" in query:
        raise _no_place(url.render_as_string())
    ports = [port for value in query.get("port", ()) for port in value.split(",")]
    if url.port is not None:
        ports = [str(url.port), *ports]
    pairs: list[tuple[str, str]] = []
    for hosts in ([url.host or ""], *(query.get(key, ()) for key in _LIBPQ_HOSTS)):
        pairs += _paired([host for value in hosts for host in value.split(",") if host], ports)
    if not pairs:
        pairs = [("localhost", port) for port in ports or [""]]
    places = [
        Place(scheme="postgresql", host=_host(host), port=_port(port, "postgresql"))
        for host, port in pairs
    ]
    return tuple(dict.fromkeys(places))


def _paired(hosts: Sequence[str], ports: Sequence[str]) -> Iterable[tuple[str, str]]:
    for host, own in zip_longest(hosts, ports if len(ports) > 1 else (), fillvalue=""):
        if host:
            name, colon, port = host.rpartition(":")
            # SQLAlchemy accepts HOST:PORT in ``host``; IPv6 addresses have more colons.
            if colon and ":" not in name and port.isdecimal():
                yield name, port
            else:
                yield host, own or (ports[0] if len(ports) == 1 else "")


def _host(written: str) -> str:
    host = unquote(written) if written.lower().startswith("%2f") else written
    if host.startswith("/"):
        return host
    try:
        return str(ipaddress.ip_address(host.removeprefix("[").removesuffix("]")))
    except ValueError:
        plain = host.lower().removesuffix(".")
    if not _HOST.fullmatch(plain):
        raise _no_place(written)
    return plain


def _port(written: str | int | None, scheme: str) -> int | None:
    if written in {None, ""}:
        return None
    port = read_whole(str(written))
    if port is None or not 0 < port < 65536:
        raise _no_place(str(written))
    return None if port == _PORTS.get(scheme) else port


def _no_place(text: str) -> DeclarationError:
    shown = re.sub(r"//[^/@]*@", "//", text)
    return DeclarationError(
        f"{shown!r} contains no server.",
        hint="Write HOST, HOST:PORT, or a URL like https://api.example.",
    )
