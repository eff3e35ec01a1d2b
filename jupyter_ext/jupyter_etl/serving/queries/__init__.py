"""Queries that are served: declaration, serving copies of tables, pages, filters, execution."""
