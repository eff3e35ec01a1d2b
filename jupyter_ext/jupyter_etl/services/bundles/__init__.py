"""Local files that a notebook depends on: found without running it, pinned by its versions."""

from jupyter_etl.services.bundles.local_files import LocalFiles

__all__ = ["LocalFiles"]
