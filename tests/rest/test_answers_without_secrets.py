"""Every answer that shows what was recorded goes through the redactor."""

from __future__ import annotations

import pytest

PATHS = [
    *("sources", "runs", "runs/1", "runs/1/notebook", "runs/1/log", "pipelines", "publications"),
    *("sources/trips", "sources/trips/preview"),
]


@pytest.mark.parametrize("path", PATHS)
async def test_answers_are_redacted(server, ask, etl, path: str) -> None:
    plain = (await ask(f"/{path}")).body
    etl.redacted_answer = lambda text: text.replace("n", "*")
    redacted = await ask(f"/{path}")
    assert redacted.status == 200
    assert b"n" in plain
    assert redacted.body == plain.replace(b"n", b"*")


@pytest.mark.parametrize("path", ["runs/nine", "sources/none", "runs?limit=n"])
async def test_errors_are_redacted(server, ask, etl, path: str) -> None:
    await ask("/sources")
    etl.redacted_answer = lambda text: text.replace("n", "*")
    redacted = await ask(f"/{path}")
    assert redacted.status >= 400
    assert b"n" not in redacted.body
