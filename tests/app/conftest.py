"""A PostgreSQL server for the tests that are marked so."""

from fakes.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
