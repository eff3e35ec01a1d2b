"""openapi.yaml is what the routes declare, and they answer as it says."""

from __future__ import annotations

import re

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from fakes.openapi import document
from fakes.published_endpoints import add_versions
from jupyter_etl.rest.routes import PREFIX, ROUTES, tornado_rules
from jupyter_etl.services import Etl
from rest.example import HELD, add_scheduler

DOCUMENT = document()
METHODS = ("get", "post", "put", "patch", "delete")
NAMES = {"sources": "trips", "pipelines": "delays", "publications": "sales.daily"}


def operations() -> dict[tuple[str, str], dict]:
    return {
        (path, method): item[method]
        for path, item in DOCUMENT["paths"].items()
        for method in METHODS
        if method in item
    }


def handled() -> set[tuple[str, str]]:
    return {(one.path, one.method.lower()) for one in ROUTES}


def gets() -> list[str]:
    return sorted(path for path, method in handled() if method == "get")


def concrete(path: str, run_id: int = HELD) -> str:
    """Fill a template with what the example has."""
    name = NAMES.get(path.split("/")[1], "")
    path = path.replace("{name}", name).replace("{id}", str(run_id))
    if path.endswith("/content"):
        path = "/publications/export/content"
    return path + ("?path=delays.ipynb" if path == "/notebook" else "")


def schema_check(answer, operation: dict, status: str) -> None:
    content = operation["responses"][status]["content"]
    kind = answer.headers["Content-Type"].partition(";")[0]
    assert kind in content
    schema = content[kind].get("schema")
    if schema is None:
        return
    value = answer.json if kind == "application/json" else answer.body.decode()
    validator = Draft202012Validator({**schema, "components": DOCUMENT["components"]})
    validator.validate(value)


def test_the_document_is_openapi() -> None:
    validate(DOCUMENT)


def test_paths_and_methods_agree_both_ways() -> None:
    assert set(operations()) == handled()


def test_the_server_has_exactly_these_routes(server, jp_base_url: str) -> None:
    have = {
        rule.matcher.regex.pattern.removesuffix("$")
        for group in server.web_app.default_router.rules
        for rule in getattr(group.target, "rules", [])
        if "etl/v1" in rule.matcher.regex.pattern
    }
    assert have == {jp_base_url + pattern for pattern, *_ in tornado_rules()}


def test_operations_are_complete() -> None:
    ids = [operation["operationId"] for operation in operations().values()]
    assert len(set(ids)) == len(ids)
    for (path, _), operation in operations().items():
        in_path = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert in_path == re.findall(r"{(\w+)}", path)
        assert operation["summary"].endswith(".")
        assert "default" in operation["responses"]


@pytest.mark.parametrize("path", gets())
async def test_each_get_answers_as_described(ask, path: str) -> None:
    answer = await ask(concrete(path))
    assert answer.status == 200, answer.body
    schema_check(answer, operations()[path, "get"], "200")
    assert b'"items":[]' not in answer.body


POSTS = [
    ("/schedulers", "200", None),
    ("/pipelines", "201", {"notebook": "delays.ipynb", "when": "daily at 07:00"}),
    ("/pipelines/{name}/pause", "200", None),
    ("/pipelines/{name}/resume", "200", {}),
    ("/pipelines/{name}/relink", "200", {"notebook": "delays.ipynb"}),
    ("/pipelines/{name}/trigger", "201", {"parameters": {"day": "2025-03-01"}, "draft": True}),
    ("/pipelines/{name}/trigger/lines", "200", {"parameters": {"day": "$x"}, "draft": True}),
    ("/pipelines/{name}/watermarks/reset", "200", {"table": "trips", "since": "id"}),
    ("/runs/{id}/cancel", "200", None),
    ("/runs/{id}/retry", "200", None),
    ("/runs/{id}/approve", "200", None),
    ("/runs/{id}/reject", "200", None),
    ("/publications/{name}/rollback", "200", {"to": 1}),
    ("/publications/{name}/promote", "200", {"version": 2}),
    ("/schedule/lines", "200", {"notebook": "delays.ipynb", "timeout": "1h30m"}),
    ("/schedule/preview", "200", {"when": "daily at 07:00", "timezone": "Europe/Paris"}),
]


def test_each_post_has_a_row() -> None:
    assert {(path, "post") for path, *_ in POSTS} == {o for o in handled() if o[1] == "post"}


@pytest.mark.parametrize(("path", "status", "body"), POSTS, ids=[path for path, *_ in POSTS])
async def test_each_post_answers_as_described(ask, etl: Etl, path: str, status: str, body) -> None:
    add_scheduler(etl)
    number = etl.runs.trigger("delays").id if path.endswith("/cancel") else HELD
    where = concrete(path, number)
    if path.endswith("/promote"):
        add_versions(etl, "score", 2)
        where = "/publications/score/promote"
    answer = await ask(where, "POST", body=body)
    assert answer.status == int(status), answer.body
    schema_check(answer, operations()[path, "post"], status)


async def test_errors_answer_as_described(ask) -> None:
    schema = {"$ref": "#/components/schemas/Error", "components": DOCUMENT["components"]}
    for path, method, status in (
        ("/summary", "DELETE", 405),
        ("/runs/99", "GET", 404),
        ("/runs?state=sleeping", "GET", 400),
        ("/publications/sales.daily/content", "GET", 422),
    ):
        answer = await ask(path, method)
        assert answer.status == status, path
        Draft202012Validator(schema).validate(answer.json)


def test_the_prefix_is_the_document_s() -> None:
    assert DOCUMENT["servers"][0]["url"] == f"/{PREFIX}"
