"""The databases of the ledger: SQLite and PostgreSQL."""
