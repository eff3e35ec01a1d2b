"""Pipelines: deployment and what it needs to know."""
