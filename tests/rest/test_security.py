"""Who is not allowed in, and what does not come out."""

from __future__ import annotations

import json

import pytest

from jupyter_etl.model import RunState
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.routes import ROUTES
from jupyter_etl.rest.service import EtlService
from rest.example import (
    FILE,
    HELD,
    REPORT,
    TABLE,
    Example,
    content_of,
    publish_interactively,
    reached,
    serve,
)

VERBS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD")
OFFERED = [(one.path, one.method) for one in ROUTES]
PATHS = sorted({one.path for one in ROUTES})
BODY = {"notebook": "delays.ipynb", "when": "daily at 07:00"}


def filled(path: str) -> str:
    return path.replace("{name}", "delays").replace("{id}", "1")


def concrete(path: str) -> str:
    """Fill a template with what the example has, so that its GET succeeds."""
    names = {"sources": "trips", "pipelines": "delays", "publications": TABLE}
    name = FILE if path.endswith("/content") else names.get(path.split("/")[1], "")
    return path.replace("{name}", name).replace("{id}", str(HELD)) + "?path=delays.ipynb"


async def test_nobody_gets_in_without_a_token(ask, server) -> None:
    for path in PATHS:
        for verb in VERBS:
            body = BODY if verb in {"POST", "PUT", "PATCH"} else None
            answer = await ask(filled(path), verb, body=body, login=False)
            allowed = {401, 403} if (path, verb) in OFFERED else {401, 403, 405}
            assert answer.status in allowed, (path, verb)
            assert not reached(server), (path, verb)


async def test_a_wrong_token_is_none(ask, server) -> None:
    answer = await ask("/summary", login=False, headers={"Authorization": "token wrong"})
    assert answer.status == 403
    assert not reached(server)


async def test_every_verb_asks_the_authorizer(ask, server, monkeypatch) -> None:
    asked = []

    class Refuse:
        def is_authorized(self, handler, user, action, resource):
            asked.append((action, resource))
            return False

    monkeypatch.setitem(server.web_app.settings, "authorizer", Refuse())
    for path, verb in OFFERED:
        asked.clear()
        answer = await ask(filled(path), verb, body=BODY if verb == "POST" else None)
        assert answer.status == 403, (path, verb)
        assert answer.error["type"] == "Forbidden"
        assert asked == [("read" if verb == "GET" else "write", "jupyter_etl")], (path, verb)
    assert not reached(server)


async def test_a_body_that_is_not_sent_as_json_is_refused(ask, server) -> None:
    for path in (p for p, verb in OFFERED if verb != "GET"):
        for said in ("text/plain", "application/x-www-form-urlencoded", ""):
            verb = "DELETE" if (path, "DELETE") in OFFERED else "POST"
            sent = json.dumps(BODY if path == "/pipelines" else {})
            answer = await ask(filled(path), verb, body=sent, headers={"Content-Type": said})
            assert answer.status == 415, (path, said)
    assert not reached(server)


async def test_no_get_changes_anything(ask, example: Example) -> None:
    before = content_of(example.base)
    for path in (p for p, verb in OFFERED if verb == "GET"):
        answer = await ask(concrete(path) + "&name=x&parameters=%7B%7D")
        assert answer.status == 200, (path, answer.body)
        assert content_of(example.base) == before, path


async def test_what_acts_cannot_be_got(ask, server) -> None:
    for path, verb in OFFERED:
        if verb == "POST" and (path, "GET") not in OFFERED:
            assert (await ask(filled(path))).status == 405, path
    assert not reached(server)


async def browser_cookies(ask, server) -> str:
    """Return the cookies of a user who logged in with a browser."""
    token = server.identity_provider.token
    answer = await ask(f"/summary?token={token}", login=False)
    assert answer.status == 200
    cookies = "; ".join(c.partition(";")[0] for c in answer.headers.get_list("Set-Cookie"))
    assert "username" in cookies
    return cookies


async def test_a_cookie_alone_changes_nothing(ask, etl, server) -> None:
    cookie = await browser_cookies(ask, server)
    serve(server, etl)
    for path, verb in OFFERED:
        if verb != "GET":
            body = BODY if verb == "POST" else None
            headers = {"Cookie": cookie}
            answer = await ask(filled(path), verb, body=body, login=False, headers=headers)
            assert answer.status == 403, (path, verb)
    assert not reached(server)


async def test_a_foreign_origin_gets_nothing(ask, etl, server) -> None:
    headers = {"Cookie": await browser_cookies(ask, server), "Origin": "https://evil.example"}
    serve(server, etl)
    for path, verb in OFFERED:
        body = BODY if verb == "POST" else None
        answer = await ask(filled(path), verb, body=body, login=False, headers=headers)
        assert answer.status in {403, 404}, (path, verb)
    assert not reached(server)


async def test_the_cookie_with_the_xsrf_token_gets_in(ask, etl, server) -> None:
    cookie = await browser_cookies(ask, server)
    assert (await ask("/summary", login=False, headers={"Cookie": cookie})).status == 200
    xsrf = "2|11111111|" + "0" * 32 + "|1700000000"
    headers = {"Cookie": f"{cookie}; _xsrf={xsrf}", "X-XSRFToken": xsrf}
    number = etl.runs.trigger("delays").id
    answer = await ask(f"/runs/{number}/cancel", "POST", body={}, login=False, headers=headers)
    assert answer.status == 200, answer.body
    assert etl.runs.get(number).state is RunState.CANCELLED


ODD_PATHS = [
    "",
    "../delays.ipynb",
    "..%2fdelays.ipynb",
    "%2e%2e/delays.ipynb",
    "%252e%252e/delays.ipynb",
    "a/../../delays.ipynb",
    "a/../delays.ipynb",
    "/etc/passwd",
    "%2fetc%2fpasswd",
    "delays.ipynb%00",
    "%00",
    "..%5cdelays.ipynb",
    ".hidden.ipynb",
    "link.ipynb",
    "linked/secret.ipynb",
    "loop.ipynb",
    "lake",
    "absent.ipynb",
    "a" * 5000,
]


@pytest.fixture
def traps(etl, jp_root_dir):
    (jp_root_dir / "lake").mkdir()
    outside = jp_root_dir.parent / "root_dir-sibling"
    outside.mkdir()
    (outside / "secret.ipynb").write_text("{}")
    (jp_root_dir.parent / "delays.ipynb").write_text("{}")
    (jp_root_dir / ".hidden.ipynb").write_text("{}")
    (jp_root_dir / "link.ipynb").symlink_to(outside / "secret.ipynb")
    (jp_root_dir / "linked").symlink_to(outside)
    (jp_root_dir / "loop.ipynb").symlink_to("loop.ipynb")


async def test_no_path_leads_outside(ask, traps, server) -> None:
    for path in ODD_PATHS:
        answer = await ask(f"/notebook?path={path}")
        assert answer.status == 404, path
        assert answer.error["type"] == "NotFound"
    assert not reached(server)
    assert (await ask("/notebook?path=delays.ipynb")).status == 200


async def test_nothing_outside_is_deployed(ask, traps, server) -> None:
    for path in ("../delays.ipynb", "/etc/passwd", "x\0", "link.ipynb", "../root_dir/x.ipynb"):
        answer = await ask("/pipelines", "POST", body={"notebook": path, "when": "@daily"})
        assert answer.status == 404, path
    assert not reached(server)


async def test_no_odd_name_reaches_the_ledger(ask, server) -> None:
    for noun in ("sources", "pipelines", "publications"):
        for name in ("..", "%2e%2e", "%2e%2e%2fx", "a%2f..%2fb", "x%00", "%5cx", "a%0ab", ".x"):
            assert (await ask(f"/{noun}/{name}")).status == 404, (noun, name)
    assert not reached(server)


async def test_a_run_has_a_number(ask, server) -> None:
    for run in ("x", "-1", "1.5", "0x1", "%D9%A1", "1e3", "9" * 40, "%00", "+1"):
        for route in ("", "/notebook", "/log"):
            assert (await ask(f"/runs/{run}{route}")).status == 404, (run, route)
        for route in ("/cancel", "/retry"):
            assert (await ask(f"/runs/{run}{route}", "POST")).status == 404, (run, route)
    assert not reached(server)


async def test_a_report_runs_in_an_origin_of_its_own(ask) -> None:
    answer = await ask(f"/publications/{REPORT}/content")
    assert answer.status == 200
    assert answer.headers["Content-Security-Policy"] == "sandbox allow-scripts"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert b"hello" in answer.body


async def test_a_report_never_sees_the_token(ask, server) -> None:
    token = server.identity_provider.token
    answer = await ask(f"/publications/{REPORT}/content?version=1&token={token}", login=False)
    assert answer.status == 302
    assert answer.headers["Location"].endswith(f"/{REPORT}/content?version=1")
    assert b"hello" not in answer.body


async def test_a_file_is_an_attachment(ask, etl) -> None:
    large = "<html>" + "x" * 3_000_000
    publish_interactively(
        etl, lambda interactive: interactive.stage_file(FILE, large, path="export.csv")
    )
    answer = await ask(f"/publications/{FILE}/content")
    assert answer.status == 200
    assert answer.headers["Content-Disposition"] == "attachment; filename*=utf-8''export.csv"
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert len(answer.body) == 3_000_006


async def test_an_unforeseen_error_gives_nothing_away(ask, server) -> None:
    def broken():
        raise RuntimeError("password hunter2 at /secret/place")

    server.web_app.settings[SERVICE] = EtlService(broken)
    answer = await ask("/summary")
    assert answer.status == 500
    assert answer.error["type"] == "InternalServerError"
    assert b"hunter2" not in answer.body
