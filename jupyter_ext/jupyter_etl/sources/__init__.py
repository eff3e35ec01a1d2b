"""Connectors: they read a declared source into Arrow, and DuckDB answers SQL over what was read."""
