"""Pipelines and their deployment."""
