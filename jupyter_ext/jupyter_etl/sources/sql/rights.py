"""Server rights that the role of a read-only source has nevertheless."""

from __future__ import annotations

from jupyter_etl.model import Source
from jupyter_etl.ports import Access
from jupyter_etl.sources.sql.catalogue import connected
from jupyter_etl.sources.sql.target import sql_target

_RIGHTS = """
SELECT CASE WHEN rolsuper THEN 'superuser' ELSE (
    SELECT min(name) FROM unnest(ARRAY[
        'pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files'
    ]) AS name JOIN pg_roles ON rolname = name WHERE pg_has_role(current_user, name, 'member')
) END FROM pg_roles WHERE rolname = current_user
"""

PATIENCE_S = 2
"""Timeout in seconds for a server that does not respond."""


def server_rights(source: Source, access: Access) -> str:
    """Return ``superuser`` or a predefined role with access to the server's files and programs.

    Args:
        source: A source of kind ``sql``.
        access: Resolves its password.

    Returns:
        "" for neither, and for databases other than PostgreSQL, which are not opened.

    Raises:
        SourceError: It cannot be reached.
        MissingDependency: Its driver is not installed.
    """
    target = sql_target(source, access)
    if target.backend != "postgresql":
        return ""
    with connected(target, patience_s=PATIENCE_S) as connection:
        return str(connection.exec_driver_sql(_RIGHTS).scalar() or "")
