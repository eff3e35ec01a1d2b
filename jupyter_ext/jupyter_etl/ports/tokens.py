"""The ledger for the tokens of consumers."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from jupyter_etl.model import AccessToken


class TokenStore(Protocol):
    """The tokens of consumers, without their values."""

    def save_token(self, token: AccessToken) -> None:
        """Record a new token; raises `Conflict` if one has or had its name."""
        ...

    def load_token(self, name: str) -> AccessToken:
        """Return a token; raises `NotFound`."""
        ...

    def load_tokens(self) -> list[AccessToken]:
        """Return all tokens, also expired and revoked ones, by name."""
        ...

    def revoke_token(self, name: str, *, by: str, now: datetime) -> AccessToken:
        """Revoke a token for good; a revoked one stays as it is. Raises `NotFound`."""
        ...

    def note_token_uses(self, uses: Mapping[str, datetime]) -> None:
        """Record the last uses of tokens by name; an earlier use than the recorded is ignored."""
        ...
