"""Fixtures of a PostgreSQL server, for the tests marked so, and of a notebook's data session."""

from __future__ import annotations

from fakes.data_session import names, session
from fakes.postgres import postgres_server, postgres_url

__all__ = ["names", "postgres_server", "postgres_url", "session"]
