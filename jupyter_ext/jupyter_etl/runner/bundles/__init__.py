"""The pinned files of a run's version."""
