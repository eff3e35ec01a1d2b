"""The lake: layout, marker, and safe access to its files."""
