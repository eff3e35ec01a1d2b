"""Locations of files: paths, globs, folders and URLs, and how they are opened."""
