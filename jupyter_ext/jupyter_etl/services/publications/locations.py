"""Code to read publications in place from other engines."""

from __future__ import annotations

from pathlib import Path

from jupyter_etl.language.sql.lexer import quoted_text
from jupyter_etl.model import PublicationKind, PublicationVersion
from jupyter_etl.publishing.lake.layout import is_local


def ways_in(version: PublicationVersion) -> list[tuple[str, str]]:
    """Return the code that reads a version in other engines: pairs of engine and code.

    Returns:
        Empty for a report.

    Source:
        https://docs.delta.io (Spark: option versionAsOf), https://trino.io (Delta Lake connector:
        system.register_table), https://docs.pola.rs (scan_delta), https://duckdb.org (delta).
    """
    what = version.what
    if what.kind is not PublicationKind.TABLE:
        return []
    place, number = what.location, what.delta_version
    uri = Path(place).as_uri() if is_local(place) else place
    schema, _, table = version.name.rpartition(".")
    named = f"schema_name => '{schema or 'default'}', table_name => '{table}'"
    return [
        ("polars", f"pl.scan_delta({place!r}, version={number})"),
        ("duckdb", f"select * from delta_scan({quoted_text(uri)})"),  # noqa: S608 - shown, never run
        ("spark", f'spark.read.format("delta").option("versionAsOf", {number}).load({uri!r})'),
        ("trino", f"call system.register_table({named}, table_location => {quoted_text(uri)})"),
    ]
