"""Connectors: they read declared sources into Arrow; DuckDB runs SQL over the result."""
