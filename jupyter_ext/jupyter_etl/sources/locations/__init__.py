"""Locations of files: paths, globs, folders, URLs, and how they are opened."""
