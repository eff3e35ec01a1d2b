from __future__ import annotations

import pytest

from jupyter_etl.language.commands.completion import complete, completes
from jupyter_etl.language.commands.tables import MAGIC_COMMANDS


@pytest.mark.parametrize(
    ("line", "candidates"),
    [
        ("pu", ["publish", "published"]),
        ("publish ", ["table", "file", "report", "query", "function"]),
        ("publish t", ["table"]),
        ("publish table a b --mode ", ["replace", "append", "upsert"]),
        ("publish table a b --mode u", ["upsert"]),
        ("load x --", ["--columns", "--limit", "--as", "--since", "--lag", "--key", "--anyway"]),
        ("load x --limit 3 --", ["--columns", "--as", "--since", "--lag", "--key", "--anyway"]),
        ("source a b --secret x --s", ["--secret", "--sheet"]),
        ("nothing ", []),
        ("load 'open ", []),
        ("help lo", ["load", "logs"]),
    ],
)
def test_completion(line: str, candidates: list[str]) -> None:
    assert complete(line, len(line)) == candidates
    assert all(type(candidate) is str for candidate in complete(line, len(line)))


def test_completion_uses_only_the_text_before_the_cursor() -> None:
    assert complete("sched weekdays", 5) == ["schedule"]
    assert len(complete("", 0)) == len({spec.name for spec in MAGIC_COMMANDS})


@pytest.mark.parametrize(
    ("line", "kind", "typed"),
    [
        ("load w", "table", "w"),
        ("load x --columns day,f", "column", "f"),
        ("publish table sales or", "table", "or"),
        ("publish table sa", "publication", "sa"),
        ("schedule daily --after a,sa", "publication", "sa"),
        ("schedule daily --tz Eu", "timezone", "Eu"),
        ("runs --pipeline ", "pipeline", ""),
        ("runs --limit 3 --pipeline d", "pipeline", "d"),
        ("logs ", "run", ""),
        ("source x ", "", ""),
        ("load x --l", "", "--l"),
        ("load x y", "", "y"),
        ("nonsense x", "", "x"),
    ],
)
def test_what_a_catalogue_completes(line: str, kind: str, typed: str) -> None:
    assert completes(line, len(line)) == (kind, typed)
