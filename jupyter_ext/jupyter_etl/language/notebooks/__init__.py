"""Notebook files: cells, commands, and the snapshot that a version pins."""
