"""Every answer that shows what was recorded goes through the redactor."""

from __future__ import annotations

import pytest

PATHS = ["sources", "runs", "runs/1", "runs/1/notebook", "runs/1/log", "pipelines", "publications"]


@pytest.mark.parametrize("path", PATHS)
async def test_answers_are_redacted(server, ask, etl, path: str) -> None:
    plain = (await ask(f"/{path}")).body
    etl.redacted_answer = lambda text: text.replace("n", "*")
    redacted = await ask(f"/{path}")
    assert redacted.status == 200
    assert b"n" in plain
    assert redacted.body == plain.replace(b"n", b"*")
