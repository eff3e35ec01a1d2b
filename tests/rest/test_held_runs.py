"""Runs that are held, whatever holds them: looked at and decided by REST."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from fakes.held import FIRST, KINDS, Kind, counts, hold
from fakes.openapi import document
from jupyter_etl.services import Etl

pytestmark = pytest.mark.kernel

DOCUMENT = document()


def matches(value: object, name: str) -> None:
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    Draft202012Validator(schema).validate(value)


@pytest.fixture
def etl(jp_root_dir: Path, home: Path) -> Iterator[Etl]:
    opened = Etl.open()
    yield opened
    opened.close()


@pytest.mark.parametrize(
    ("kind", "decision"),
    [(KINDS["gate"], "approve"), (KINDS["check"], "approve"), (KINDS["both"], "reject")],
    ids=KINDS,
)
async def test_it_is_looked_at_and_decided(
    etl: Etl, here: Path, ask, kind: Kind, decision: str
) -> None:
    number = hold(etl, here, kind)
    view = (await ask(f"/runs/{number}")).json
    matches(view, "RunDetail")
    assert (view["state"], view["held_by"]) == ("held", list(kind.held_by))
    (listed,) = (await ask("/holds")).json["items"]
    assert listed == view["hold"]
    assert listed["held_by"] == list(kind.held_by)
    reported = [one["message"] for one in listed["checks"]]
    reported += [reason for one in listed["differences"] for reason in one["reasons"]]
    assert len(reported) == len(kind.says)
    assert all(any(said in one for one in reported) for said in kind.says)
    outputs = [(one["name"], one["mode"], one["rows"]) for one in listed["outputs"]]
    assert outputs == [("t", "replace", kind.rows), ("more", "append", kind.rows)]
    for name in ("t", "more"):
        preview = (await ask(f"/publications/{name}/preview?held={number}&limit=2")).json
        matches(preview, "Preview")
        assert (preview["rows"], preview["total_rows"]) == ([[0], [1]], kind.rows)
    assert (await ask(f"/publications/other/preview?held={number}")).status == 404
    assert (await ask(f"/runs/{number}/cancel", "POST")).status == 409
    assert counts(etl) == (FIRST, FIRST)

    decided = (await ask(f"/runs/{number}/{decision}", "POST")).json
    matches(decided, "RunView")
    approved = decision == "approve"
    assert decided["state"] == ("succeeded" if approved else "cancelled")
    assert decided["held_by"] == []
    assert counts(etl) == ((kind.rows, FIRST + kind.rows) if approved else (FIRST, FIRST))
    assert (await ask(f"/publications/t/preview?held={number}")).status == 409
    assert (await ask(f"/runs/{number}/{decision}", "POST")).status == 409
    assert (await ask("/holds")).json["items"] == []
