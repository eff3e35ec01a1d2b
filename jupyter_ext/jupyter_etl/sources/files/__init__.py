"""Files of all other formats, and the union of several files."""
