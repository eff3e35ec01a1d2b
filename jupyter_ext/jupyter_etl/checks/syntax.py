"""Whether a rule could be asked of any data at all."""

from __future__ import annotations

import re

from jupyter_etl.errors import DeclarationError
from jupyter_etl.model import CheckRule


def check_syntax(rule: CheckRule) -> None:
    """Refuse a rule that DuckDB does not read, whatever the columns.

    Args:
        rule: One.

    Raises:
        DeclarationError: Its condition is not SQL, or its pattern is no regular expression.
    """
    import duckdb

    with duckdb.connect(":memory:", config={"enable_external_access": False}) as connection:
        try:
            if rule.kind == "expression":
                connection.extract_statements(f"SELECT (\n{rule.argument}\n)")
            elif rule.kind == "matches":
                connection.execute("SELECT regexp_matches('', $1)", [rule.argument])
        except duckdb.Error as problem:
            first = str(problem).strip().splitlines()[0]
            said = re.sub(r"^\w[\w ]* Error: ", "", first)
            raise DeclarationError(
                f"The check '{rule.text}' cannot be asked: {said}",
                hint="Write a condition that is true for every good row, in DuckDB's SQL.",
            ) from problem
