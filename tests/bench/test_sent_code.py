"""The code and settings that the benchmark gives to other processes fit the platform."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from bench.of_runs import prestart_s
from bench.sizes import FULL, QUICK, Size
from jupyter_etl.services import Settings

FOLDER = Path(__file__).parent


def texts(module: Path) -> Iterator[str]:
    """Yield the texts of a module that import the platform; inserted values are None."""
    tree = ast.parse(module.read_text())
    inner = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr)
             for part in node.values}  # fmt: skip
    for node in ast.walk(tree):
        if id(node) in inner:
            continue
        parts = node.values if isinstance(node, ast.JoinedStr) else [node]
        text = "".join(
            part.value if isinstance(part, ast.Constant) and isinstance(part.value, str) else "None"
            for part in parts
        )
        if "import jupyter_etl" in text or "from jupyter_etl" in text:
            yield text


def missing(code: str) -> list[str]:
    """Return the names of the platform that code uses and that do not exist."""
    tree = ast.parse(code)
    used: list[tuple[str, str]] = []
    aliases: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("jupyter_etl"):
            used += [(str(node.module), name.name) for name in node.names]
        elif isinstance(node, ast.Import):
            mine = [name for name in node.names if name.name.startswith("jupyter_etl")]
            aliases |= {name.asname or name.name: name.name for name in mine}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = aliases.get(node.value.id)
            used += [(module, node.attr)] if module else []
    return [f"{name}.{what}" for name, what in used if not hasattr(import_module(name), what)]


SENT = [(path.stem, text) for path in sorted(FOLDER.glob("*.py")) for text in texts(path)
        if path != Path(__file__)]  # fmt: skip


def test_there_is_code_to_check() -> None:
    assert {name for name, _ in SENT} >= {"of_data", "of_ledger", "of_surfaces"}


@pytest.mark.parametrize(("name", "code"), SENT, ids=[name for name, _ in SENT])
def test_what_is_sent_uses_what_there_is(name: str, code: str) -> None:
    assert missing(code) == []


def test_a_renamed_function_is_found() -> None:
    code = (
        "from jupyter_etl.scheduling.occurrences import next_tick\nimport jupyter_etl as etl\netl.x"
    )
    assert missing(code) == ["jupyter_etl.scheduling.occurrences.next_tick", "jupyter_etl.x"]


@pytest.mark.parametrize("size", [FULL, QUICK])
def test_the_time_of_a_prestarted_runner_is_a_valid_setting(size: Size) -> None:
    seconds = prestart_s(size)
    settings = Settings.from_env({"JUPYTER_ETL_PRESTART": str(seconds)})
    assert settings.prestart_s == seconds
