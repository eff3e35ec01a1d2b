"""What papermill finds as its engine ``jupyter_etl``; it loads every entry point when imported."""

from __future__ import annotations

from typing import Any


class PapermillEntry:
    """An engine of papermill that imports nothing until it is used.

    Papermill loads its engines while it is being imported, and the platform imports papermill: an
    import of either here would find the other one half done.

    Source:
        Papermill, "Developing a new engine": the entry point group ``papermill.engine``.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a parameterised notebook with this user's limits, showing none of the secrets.

        The arguments are papermill's.

        Raises:
            DeclarationError: A setting is not what it should be.
        """
        from jupyter_etl.app.secrets import known_secrets
        from jupyter_etl.app.settings import Settings
        from jupyter_etl.execution.redaction import Redactor
        from jupyter_etl.execution.standalone_engine import StandaloneEngine

        settings = Settings.from_env()
        redactor = Redactor()
        # The kernel resolves its secrets itself and tells nobody which: all that are known count.
        for name, value in known_secrets(settings.home):
            redactor.register(name, value)
        return StandaloneEngine.execute_notebook(
            nb, kernel_name, limits=settings.limits, redactor=redactor, **options
        )

    @classmethod
    def nb_kernel_name(cls, nb: Any, name: str | None = None) -> Any:
        """Return the kernel that a notebook names, or ``name``."""
        from papermill.utils import nb_kernel_name

        return nb_kernel_name(nb, name)

    @classmethod
    def nb_language(cls, nb: Any, language: str | None = None) -> Any:
        """Return the language that a notebook names, or ``language``."""
        from papermill.utils import nb_language

        return nb_language(nb, language)
