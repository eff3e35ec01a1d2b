"""What preflight learns of the world: the kernel, the files and the ledger."""

from jupyter_etl.app.preflight.place import NotebookPlace

__all__ = ["NotebookPlace"]
