"""The database of an SQL source, its user, and errors without its password."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn
from urllib.parse import quote, quote_plus

from jupyter_etl.errors import DeclarationError, MissingDependency, SourceError
from jupyter_etl.model import Source
from jupyter_etl.ports import Access

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_LATER_STATES = ("08", "53", "57", "40", "58", "55P03")
"""SQLSTATE classes after which the same statement may succeed: connection, resources, operator
intervention, serialization and deadlock, system, lock not available.
"""

_LATER_WORDS = (
    "connection refused", "timed out", "timeout expired", "could not translate host name",
    "server closed the connection", "connection reset", "connection was lost",
    "no connection to the server", "network is unreachable", "no route to host", "starting up",
    "shutting down", "too many connections", "too many clients", "database is locked",
    "lost connection", "can't connect", "terminating connection",
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class SqlTarget:
    """A database as a source declares it.

    Args:
        name: Name of the source.
        url: With the password if it needs one; never shown.
        readonly: Whether to reject writes.
        password: To redact in messages; "" for none.
        timezone: IANA name of the time zone for days; "" for that of the database.
    """

    name: str
    url: URL = field(repr=False)
    readonly: bool
    password: str = field(repr=False)
    timezone: str = ""

    @property
    def backend(self) -> str:
        """The dialect's name: ``postgresql``, ``sqlite`` ..."""
        name = str(self.url.get_backend_name())
        return "postgresql" if name == "postgres" else name

    def libpq_uri(self) -> str:
        """Return the URL for PostgreSQL's own client library, which decodes only ``%xx``."""
        url = self.url
        user = quote(url.username or "", safe="")
        password = f":{quote(self.password, safe='')}" if self.password else ""
        port = f":{url.port}" if url.port else ""
        host = f"[{url.host}]" if url.host and ":" in url.host else quote(url.host or "", safe="")
        query = {"connect_timeout": "10", **{k: v[0] for k, v in url.normalized_query.items()}}
        options = "&".join(f"{k}={quote(str(v), safe='')}" for k, v in query.items())
        at = f"{user}{password}@" if user or password else ""
        return f"postgresql://{at}{host}{port}/{quote(url.database or '', safe='')}?{options}"

    def masked(self, text: str) -> str:
        """Remove the password from a text, in every encoding that a URL uses."""
        if not self.password:
            return text
        for form in {self.password, quote(self.password, safe=""), quote_plus(self.password)}:
            text = text.replace(form, "***")
        return text

    def fail(self, problem: BaseException, *, state: str | None = None) -> NoReturn:
        """Raise a driver's exception as an error of the source.

        Args:
            problem: The exception; it becomes the cause of the error unless it contains the
                password.
            state: SQLSTATE, if the driver provides it.

        Raises:
            SourceError: Always.
        """
        text, hint = _split_message(self.masked(str(problem)))
        later = any(word in str(problem).lower() for word in _LATER_WORDS)
        later = later or bool(state and state.startswith(_LATER_STATES))
        echo = f"{problem} {problem!r}"
        raise SourceError(
            f"Source '{self.name}': {text}.",
            hint="The database may be available later; check its address and that it runs."
            if later
            else hint,
            retryable=later,
        ) from (problem if self.masked(echo) == echo else None)


def sql_target(source: Source, access: Access) -> SqlTarget:
    """Resolve a source's URL and password.

    Args:
        source: A source of kind ``sql``.
        access: Resolves the first of the source's secrets, and provides the time zone.

    Raises:
        DeclarationError: The URL is not valid, or contains a password.
        NotFound: The secret has no value.
    """
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        url = make_url(source.location)
    except (ArgumentError, ValueError) as problem:
        raise DeclarationError(
            f"Source '{source.name}': its location is not a database URL.",
            hint="Write it like postgresql://user@host/database or sqlite:///folder/file.db.",
        ) from problem
    if url.password:
        raise DeclarationError(
            f"Source '{source.name}': its URL contains a password.",
            hint="Leave it out of the URL and name it with --secret.",
        )
    password = access.secret(source.secrets[0]) if source.secrets else ""
    if password:
        url = url.set(password=password)
    return SqlTarget(
        name=source.name,
        url=url,
        readonly=source.readonly,
        password=password,
        timezone=access.timezone,
    )


def missing_driver(target: SqlTarget, problem: Exception) -> MissingDependency:
    """Return the error for a missing driver."""
    extra = "'jupyter-etl[postgres]'" if target.backend == "postgresql" else "its SQLAlchemy driver"
    return MissingDependency(
        f"Source '{target.name}': {target.url.drivername} needs a driver that is not installed "
        f"({problem}).",
        hint=f"Install {extra} into this environment with pip.",
    )


def _split_message(text: str) -> tuple[str, str]:
    """Split a driver's message into the reason and the database's hint; the query is dropped."""
    text = re.split(r"Query was:|\[SQL:|\nquery: |SQLSTATE: ", text)[0]
    text, _, hint = text.partition("HINT:")
    if "ERROR:" in text:
        text = re.split(r"\n\s*LINE \d", text.partition("ERROR:")[2])[0]
    text = re.sub(r"^(?:[A-Z_]+: )?(?:\[\w+\] )?(?:Failed to \w+(?: query)?: )?", "", text.strip())
    return " ".join(text.split())[:600].rstrip(" .?"), " ".join(hint.split())[:300]
