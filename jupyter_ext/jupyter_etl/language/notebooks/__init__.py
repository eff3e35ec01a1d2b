"""Notebooks as text: cells, commands, and the snapshot that a version pins."""
