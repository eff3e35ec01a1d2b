"""What the tests of the ledger share."""

from fakes.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]
