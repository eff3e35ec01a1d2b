"""papermill's engine ``jupyter_etl``; papermill loads every entry point when it is imported."""

from __future__ import annotations

from typing import Any


class PapermillEntry:
    """A papermill engine that imports nothing until it is used.

    Papermill loads its engines while it is being imported, and the platform imports papermill:
    importing either here would be a circular import.

    Source:
        Papermill, "Developing a new engine": the entry point group ``papermill.engine``.
    """

    @classmethod
    def execute_notebook(cls, nb: Any, kernel_name: str, **options: Any) -> Any:
        """Execute a parameterised notebook with this user's limits, and redact secrets.

        The arguments are papermill's. Dates, decimals and similar values get the types that the
        notebook declares, as in a run.

        Raises:
            DeclarationError: A setting is not valid, or a parameter has the wrong type.
        """
        from datetime import datetime
        from zoneinfo import ZoneInfo

        import nbformat

        from jupyter_etl.language.notebooks.notebook import parse_notebook
        from jupyter_etl.language.parameters.injection import inject_types
        from jupyter_etl.redaction.redactor import Redactor
        from jupyter_etl.runner.execution.standalone_engine import StandaloneEngine
        from jupyter_etl.runner.execution.translators import escape_parameters
        from jupyter_etl.services.secrets import known_secrets
        from jupyter_etl.services.settings import Settings

        settings = Settings.from_env()
        given = nb.metadata.get("papermill", {}).get("parameters", {})
        if given:
            text: str = nbformat.writes(nb)  # type: ignore[no-untyped-call]
            outline, at = parse_notebook(text), datetime.now(ZoneInfo(settings.timezone))
            if outline.language == "python":
                inject_types(nb.cells, outline.parameters, given, at=at)
            for language in (outline.language, kernel_name):
                escape_parameters(nb.cells, language, given)
        redactor = Redactor()
        # The kernel resolves its secrets itself and does not report which, so all known ones are
        # redacted.
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
