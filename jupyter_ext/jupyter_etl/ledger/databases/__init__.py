"""The databases under the ledger: SQLite and PostgreSQL."""
