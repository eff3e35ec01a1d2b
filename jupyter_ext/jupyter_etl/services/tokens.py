"""Tokens of consumers, which the gateway accepts."""

from __future__ import annotations

import builtins
import hashlib
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from jupyter_etl.errors import DeclarationError, PermissionDenied
from jupyter_etl.language.commands.general import TokenRequest
from jupyter_etl.language.durations import MAX_S
from jupyter_etl.language.names import parse_name
from jupyter_etl.language.numbers import Range
from jupyter_etl.language.scopes import RATE, format_rate, parse_glob, parse_rate
from jupyter_etl.model import AccessToken
from jupyter_etl.ports import Clock, TokenStore
from jupyter_etl.redaction.redactor import Redactor
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.services.settings import Settings

_PREFIX = "jetl_"
"""Scanners of code for secrets recognize a token by it."""

_RANDOM_BYTES = 32
_EXPIRES = Range(name="expires_s", least=0.001, most=int(MAX_S), whole=False)


class TokenState(StrEnum):
    """Whether a token is accepted."""

    VALID = "valid"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True, kw_only=True)
class NewToken:
    """A token that was just created.

    Args:
        token: The recorded facts.
        value: What the consumer sends; it is not stored and cannot be shown again.
    """

    token: AccessToken
    value: str = field(repr=False)


class Tokens:
    """Create, list and revoke tokens of consumers."""

    def __init__(
        self, store: TokenStore, clock: Clock, settings: Settings, redactor: Redactor
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._redactor = redactor

    def create(
        self,
        name: str,
        *,
        read: Sequence[str] = (),
        call: Sequence[str] = (),
        expires_s: float | None = None,
        rate: str | float | None = None,
    ) -> NewToken:
        """Create a token with a random value of 256 bits.

        Args:
            name: Unique among all tokens, also expired and revoked ones.
            read: Globs over the names of the tables, files and reports that it may read; see
                `parse_glob`.
            call: Globs over the names of the queries and functions that it may call.
            expires_s: How long it is valid, in seconds; None until it is revoked.
            rate: Maximum requests per second, as a number or as text such as ``5/s``; None for no
                limit.

        Raises:
            DeclarationError: An argument is not valid, or both scopes are empty.
            Conflict: A token has or had the name.
            PermissionDenied: This is a run, whose executed notebook would contain the value.
        """
        if os.environ.get(CHANNEL):
            raise PermissionDenied(
                "A run cannot create a token: the executed notebook would contain its value.",
                hint="Create it in a terminal: jupyter etl token create NAME --read GLOB",
            )
        known = parse_name(name, what="token name")
        may_read, may_call = _globs(read), _globs(call)
        if not may_read and not may_call:
            raise DeclarationError(
                f"The token {known!r} could read and call nothing.",
                hint="Name what it may read or call: --read sales.* --call score",
            )
        per_second = parse_rate(rate) if isinstance(rate, str) else rate
        if per_second is not None:
            RATE.check(per_second)
        if expires_s is not None:
            _EXPIRES.check(expires_s)
        value = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
        now = self._clock.now()
        token = AccessToken(
            name=known,
            digest=digest_of(value),
            read=may_read,
            call=may_call,
            owner=self._settings.owner,
            created_at=now,
            expires_at=None if expires_s is None else now + timedelta(seconds=expires_s),
            rate=per_second,
        )
        self._redactor.register(f"token {known}", value)
        self._store.save_token(token)
        return NewToken(token=token, value=value)

    def list(self) -> builtins.list[AccessToken]:
        """Return all tokens, also expired and revoked ones, by name."""
        return self._store.load_tokens()

    def rows(self) -> builtins.list[TokenRow]:
        """Return all tokens as rows of a listing."""
        now = self._clock.now()
        return [row_of(token, now) for token in self.list()]

    def revoke(self, name: str) -> AccessToken:
        """Revoke a token; every gateway refuses it within a second. A revoked one stays as it is.

        Raises:
            NotFound: There is no token of that name.
            PermissionDenied: It belongs to another owner, and this user does not own the home of
                its ledger.
        """
        token = self._store.load_token(parse_name(name, what="token name"))
        me = self._settings.owner
        if me != token.owner and not self._owns_home():
            raise PermissionDenied(
                f"The token {token.name!r} belongs to {token.owner!r}, not to {me!r}.",
                hint=f"Ask {token.owner} to revoke it.",
                data={"name": token.name, "owner": token.owner},
            )
        return self._store.revoke_token(token.name, by=me, now=self._clock.now())

    def note_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record the last uses of tokens by name."""
        self._store.note_token_uses(uses)

    def _owns_home(self) -> bool:
        """Return whether this user owns the home that contains the ledger.

        A ledger in PostgreSQL is shared by several homes, and belongs to none of their owners.
        """
        if not self._settings.ledger.startswith("sqlite"):
            return False
        try:
            return self._settings.home.owner() == self._settings.owner
        except (KeyError, OSError):
            return False


def _globs(given: Sequence[str]) -> tuple[str, ...]:
    if isinstance(given, str):
        given = [given]
    return tuple(dict.fromkeys(parse_glob(text) for text in given))


def required_name(request: TokenRequest) -> str:
    """Return the name in a request; raises `DeclarationError` without one."""
    if not request.name:
        raise DeclarationError(
            f"'token {request.verb}' needs a NAME.",
            hint=f"For example: token {request.verb} web-shop",
        )
    return request.name


def digest_of(value: str) -> str:
    """Return the SHA-256 of the value of a token, as hexadecimal text."""
    return hashlib.sha256(value.encode("utf-8", "surrogateescape")).hexdigest()


def looks_like_token(text: str) -> bool:
    """Return whether a text begins like the value of a token of a consumer."""
    return text.startswith(_PREFIX)


def state_of(token: AccessToken, now: datetime) -> TokenState:
    """Return whether a token is accepted at an instant."""
    if token.revoked_at is not None:
        return TokenState.REVOKED
    expired = token.expires_at is not None and token.expires_at <= now
    return TokenState.EXPIRED if expired else TokenState.VALID


class TokenRow(msgspec.Struct, frozen=True):
    """A token as a row of a listing, without its value and digest.

    Args:
        rate: Requests per second; null for no limit.
        last_used_at: To the minute; null before its first use.
    """

    name: str
    state: TokenState
    owner: str
    read: tuple[str, ...]
    call: tuple[str, ...]
    rate: float | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    revoked_by: str
    last_used_at: datetime | None


def row_of(token: AccessToken, now: datetime) -> TokenRow:
    """Return a token as a row of a listing."""
    return TokenRow(
        name=token.name,
        state=state_of(token, now),
        owner=token.owner,
        read=token.read,
        call=token.call,
        rate=token.rate,
        created_at=token.created_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        revoked_by=token.revoked_by,
        last_used_at=token.last_used_at,
    )


def as_texts(row: TokenRow) -> dict[str, object]:
    """Return a row of a table of text."""
    return {
        "token": row.name,
        "state": row.state.value,
        "read": ", ".join(row.read),
        "call": ", ".join(row.call),
        "rate": "" if row.rate is None else format_rate(row.rate),
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "owner": row.owner,
    }


def scope_of(token: AccessToken) -> str:
    """Return what a token allows, as a phrase: ``reads sales.*; calls score; at most 5/s``."""
    parts = [
        f"reads {', '.join(token.read)}" if token.read else "",
        f"calls {', '.join(token.call)}" if token.call else "",
        f"at most {format_rate(token.rate)}" if token.rate is not None else "",
        f"valid until {token.expires_at:%Y-%m-%d %H:%M} UTC"
        if token.expires_at is not None
        else "valid until it is revoked",
    ]
    return "; ".join(filter(None, parts))
