"""What preflight learns of the world: the kernel, the files and the ledger."""

from jupyter_etl.services.preflight.place import NotebookPlace

__all__ = ["NotebookPlace"]
