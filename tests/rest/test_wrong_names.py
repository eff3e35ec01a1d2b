"""Every route answers 404 for a name that does not exist, with the nearest existing one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.wrong_names import RIGHT, SUGGESTION, WRONG, declare_right_names
from jupyter_etl.rest.routes import ROUTES
from jupyter_etl.services import Etl

KINDS = {"sources": "source", "pipelines": "pipeline", "runs": "run", "publications": "publication"}
BODIES = {
    "/pipelines/{name}/watermarks/reset": {"table": RIGHT["source"], "since": "a"},
    "/publications/{name}/promote": {"version": 1},
}
CASES = [(one.method, one.path) for one in ROUTES if "{" in one.path]


@pytest.fixture
def etl(jp_root_dir: Path, home: Path) -> Iterator[Etl]:
    opened = Etl.open()
    declare_right_names(opened, jp_root_dir)
    yield opened
    opened.close()


@pytest.mark.parametrize(("method", "path"), CASES)
async def test_a_name_in_an_address(ask, method: str, path: str) -> None:
    kind = KINDS[path.split("/")[1]]
    address = path.replace("{name}", WRONG[kind]).replace("{id}", WRONG[kind])
    body = BODIES.get(path, {}) if method == "POST" else None
    answer = await ask(address, method, body=body)
    assert answer.status == 404, answer.body
    assert SUGGESTION[kind] in f"{answer.error['message']} {answer.error['hint']}"


async def test_a_name_in_a_query(ask) -> None:
    answer = await ask(f"/runs?pipeline={WRONG['pipeline']}")
    assert answer.status == 404
    assert SUGGESTION["pipeline"] in answer.error["hint"]
    known = await ask(f"/runs?pipeline={RIGHT['pipeline']}")
    assert known.json == {"items": [], "total": 0}
