"""Which local files a notebook depends on, found without running it, and pinned by its versions."""

from jupyter_etl.services.bundles.local_files import LocalFiles

__all__ = ["LocalFiles"]
