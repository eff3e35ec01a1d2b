"""Every answer that shows what was recorded goes through the redactor."""

from __future__ import annotations

import pytest

HOLDS = {
    "sources": "root_dir/trips.csv",
    "sources/trips": "root_dir/trips.csv",
    "sources/trips/preview": "a text of the rows",
    "runs": "Check failed: fare >= 0",
    "runs/1": "attempt 1 succeeded",
    "runs/1/notebook": "hello from run 1",
    "runs/1/log": "queued on request",
    "pipelines": "elsewhere/brief.ipynb",
    "publications": "morning-brief",
}
"""A text that is in each answer, and long enough to be taken out of it."""


@pytest.mark.parametrize("path", HOLDS)
async def test_answers_are_redacted(ask, etl, jp_root_dir, path: str) -> None:
    (jp_root_dir / "trips.csv").write_text("id,fare\na text of the rows,1\n")
    assert HOLDS[path].encode() in (await ask(f"/{path}")).body
    etl.secrets.set("password", HOLDS[path])
    redacted = await ask(f"/{path}")
    assert redacted.status == 200
    assert HOLDS[path].encode() not in redacted.body


@pytest.mark.parametrize("path", ["runs/of-the-night", "sources/of-the-night"])
async def test_errors_are_redacted(ask, etl, path: str) -> None:
    await ask("/sources")
    plain = await ask(f"/{path}")
    assert (plain.status, b"of-the-night" in plain.body) == (404, True)
    etl.secrets.set("password", "of-the-night")
    redacted = await ask(f"/{path}")
    assert (redacted.status, b"of-the-night" in redacted.body) == (404, False)
