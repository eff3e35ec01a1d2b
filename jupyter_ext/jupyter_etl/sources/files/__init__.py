"""Files of all other formats, and several files as one table."""
