"""The token of the service: its file, and the sign-in with it in a browser."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import httpx
import pytest

from fakes.serving import TOKEN, Client, FakePublications
from jupyter_etl.errors import (
    DeclarationError,
    PermissionDenied,
    StoreError,
)
from jupyter_etl.gateway.sign_in import COOKIE, Cookies, local_path
from jupyter_etl.gateway.token_file import TokenFile, load_or_make_token

BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def post(app: Client, token: str, path: str = "/") -> httpx.Response:
    return app.request("POST", "/sign-in", data={"token": token, "next": path}, headers=BROWSER)


def signed_in(**headers: str) -> dict[str, str]:
    return {**BROWSER, "Cookie": f"{COOKIE}={Cookies(token=TOKEN).make()}", **headers}


@pytest.mark.parametrize("path", ["/", "/tables/sales", "/nope", '/"><script>x</script>'])
def test_a_browser_without_a_cookie_gets_the_form(
    app: Client, publications: FakePublications, path: str
) -> None:
    answer = app.get(path, headers=BROWSER)
    assert answer.status_code == 401
    assert answer.headers["content-type"].startswith("text/html")
    assert 'action="/sign-in"' in answer.text
    assert "<script>" not in answer.text
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert publications.opened == []


def test_the_right_token_gives_a_cookie_that_opens_the_page_asked_for(app: Client) -> None:
    answer = post(app, f" {TOKEN}\n", "/reports/brief")
    assert (answer.status_code, answer.headers["location"]) == (303, "/reports/brief")
    cookie = answer.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Secure" not in cookie
    assert TOKEN not in cookie
    page = app.get("/reports/brief", headers={**BROWSER, "Cookie": cookie.partition(";")[0]})
    assert page.status_code == 200
    assert "new" in page.text


def test_a_wrong_token_is_reported_and_keeps_the_path(app: Client) -> None:
    answer = post(app, "wrong", "/reports/brief")
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert "This is not a token of the service." in answer.text
    assert 'value="/reports/brief"' in answer.text


def test_a_long_form_is_refused(app: Client) -> None:
    assert post(app, "x" * 20_000).status_code == 413


@pytest.mark.parametrize(
    ("path", "kept"),
    [
        ("/tables/a?format=csv", True),
        ("//evil.example", False),
        ("https://evil.example", False),
        ("/\\evil.example", False),
        ("/a\r\nSet-Cookie: x", False),
        ("", False),
    ],
)
def test_redirects_stay_on_the_service(path: str, kept: bool) -> None:
    assert local_path(path) == (path if kept else "/")


def test_the_index_lists_live_publications_by_kind(app: Client) -> None:
    answer = app.get("/", headers=signed_in())
    assert answer.status_code == 200
    text = answer.text
    assert text.index("Tables") < text.index("Files") < text.index("Reports")
    assert 'href="/tables/sales"' in text
    assert "25,000" in text
    assert "2026-01-01 00:00 UTC" in text
    assert "only-draft" not in text
    assert "secret-place" not in text


def test_an_empty_index_shows_what_to_do(app: Client, publications: FakePublications) -> None:
    publications.versions.clear()
    text = app.get("/", headers=signed_in()).text
    assert "Nothing is published yet." in text
    assert "<table>" not in text


def test_names_and_titles_are_escaped(app: Client, publications: FakePublications) -> None:
    import pyarrow as pa

    publications.add_table("<b>x", pa.table({"a": [1]}))
    text = app.get("/", headers=signed_in()).text
    assert "&lt;b&gt;x" in text
    assert 'href="/tables/%3Cb%3Ex"' in text
    assert "<b>x" not in text


def test_a_program_with_the_token_gets_json(app: Client) -> None:
    answer = app.get("/", headers={"Authorization": f"Bearer {TOKEN}", "Accept": "*/*"})
    assert answer.json() == {"publications": "/publications"}
    assert app.get("/", headers={"Accept": "*/*"}).json()["error"]["kind"] == "Unauthorized"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors"}, 401),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, 401),
        ({"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"}, 401),
    ],
)
def test_scripts_of_other_sites_and_of_reports_cannot_use_the_cookie(
    app: Client, headers: dict[str, str], status: int
) -> None:
    assert app.get("/publications", headers=signed_in(**headers)).status_code == status


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_cookie_permits_reading_only(app: Client, method: str) -> None:
    assert app.request(method, "/publications", headers=signed_in()).status_code == 401


@pytest.mark.parametrize("value", ["", ".", "9999999999.", "9999999999." + "0" * 64, "x.y", "é.é"])
def test_forged_cookies_are_refused(app: Client, value: str) -> None:
    headers = [(b"Cookie", f"{COOKIE}={value}".encode())]
    assert app.request("GET", "/publications", headers=headers).status_code == 401


def test_cookies_expire_and_end_with_the_token(
    app: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {**BROWSER, "Cookie": f"{COOKIE}={Cookies(token='u' * 43).make()}"}
    assert app.get("/", headers=other).status_code == 401
    headers = signed_in()
    now = time.time()
    monkeypatch.setattr("jupyter_etl.gateway.sign_in.time.time", lambda: now + 7 * 24 * 3600 + 1)
    assert app.get("/", headers=headers).status_code == 401


def test_signing_out_removes_the_cookie(app: Client) -> None:
    answer = app.get("/sign-out", headers=signed_in())
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    assert "Max-Age=0" in answer.headers["set-cookie"]


# -- the token's file


def test_a_token_is_made_once_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "home" / "serve.token"
    token = load_or_make_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load_or_make_token(path) == token
    assert [file.name for file in path.parent.iterdir()] == ["serve.token"]
    assert load_or_make_token(tmp_path / "other.token") != token


def test_a_token_that_others_can_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "serve.token"
    load_or_make_token(path)
    path.chmod(0o644)
    with pytest.raises(PermissionDenied, match="chmod 600"):
        load_or_make_token(path)


def test_a_token_behind_a_link_or_empty_is_refused(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "serve.token"
    load_or_make_token(real)
    link.symlink_to(real)
    with pytest.raises(PermissionDenied, match="symbolic link"):
        load_or_make_token(link)
    real.write_text("")
    with pytest.raises(DeclarationError, match="contains no token"):
        load_or_make_token(real)


def test_a_home_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    with pytest.raises(StoreError, match="cannot be stored"):
        load_or_make_token(tmp_path / "plain" / "serve.token")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_a_token_that_is_removed_or_replaced_is_refused_at_once(
    publications: FakePublications, tmp_path: Path
) -> None:
    path = tmp_path / "serve.token"
    app = Client(publications, TokenFile(path).current)
    first = load_or_make_token(path)
    cookie = {"Cookie": f"{COOKIE}={Cookies(token=first).make()}"}
    assert app.get("/publications", headers=bearer(first)).status_code == 200
    assert app.get("/publications", headers=cookie).status_code == 200

    path.unlink()
    assert app.get("/publications", headers=bearer(first)).status_code == 401
    assert app.get("/publications", headers=cookie).status_code == 401
    second = path.read_text().strip()
    assert app.get("/publications", headers=bearer(second)).status_code == 200

    path.write_text("a-token-of-my-own-choice\n")
    assert app.get("/publications", headers=bearer(second)).status_code == 401
    assert app.get("/publications", headers=bearer("a-token-of-my-own-choice")).status_code == 200


def test_a_token_that_others_may_read_from_now_on_is_refused(
    publications: FakePublications, tmp_path: Path
) -> None:
    path = tmp_path / "serve.token"
    app = Client(publications, TokenFile(path).current)
    token = load_or_make_token(path)
    assert app.get("/publications", headers=bearer(token)).status_code == 200
    path.chmod(0o644)
    answer = app.get("/publications", headers=bearer(token))
    assert answer.status_code == 503
    assert str(tmp_path) not in answer.text
    assert app.get("/healthz").status_code == 200
    path.chmod(0o600)
    assert app.get("/publications", headers=bearer(token)).status_code == 200
