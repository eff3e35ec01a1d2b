"""The pinned files of a version in a run."""
