from __future__ import annotations

import io
import json
import os
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fakes.serving import NOW, TOKEN, Client, FakeCatalogue, FakePublications
from jupyter_etl.errors import (
    PermissionDenied,
    PublishError,
    SourceError,
    StoreError,
)
from jupyter_etl.gateway.application import create_app

PATHS = [
    "/publications",
    "/tables/sales",
    "/files/export",
    "/files/export/versions/1",
    "/reports/brief",
    "/reports/brief/versions/1",
]


# -- the gate


def test_every_route_is_tested() -> None:
    app = create_app(FakeCatalogue(), lambda: TOKEN)
    routes = {route.path for route in app.routes}  # type: ignore[attr-defined]
    covered = {
        path.replace("sales", "{name}")
        .replace("export", "{name}")
        .replace("brief", "{name}")
        .replace("versions/1", "versions/{number}")
        for path in PATHS
    }
    assert routes == covered | {"/", "/healthz", "/sign-out"}


@pytest.mark.parametrize(
    "path", [*PATHS, "/", "/nope", "/tables/%2e%2e/healthz", "/healthz/", "//healthz"]
)
def test_without_a_token_nothing_is_reached(
    app: Client, publications: FakePublications, path: str
) -> None:
    for method in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = app.request(method, path)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert publications.opened == []


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN.upper()}",
        f"Basic {TOKEN}",
        f"token {TOKEN}",
        TOKEN,
        "Bearer ü",
    ],
)
def test_a_wrong_token_is_refused(app: Client, header: str) -> None:
    assert (
        app.get("/publications", headers=[(b"authorization", header.encode())]).status_code == 401
    )


@pytest.mark.parametrize("name", ["token", "access_token", "Token"])
def test_a_token_in_the_url_is_refused_even_beside_a_right_one(app: Client, name: str) -> None:
    assert app.get(f"/publications?{name}={TOKEN}").status_code == 401
    answer = app.get(f"/publications?{name}={TOKEN}", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 401
    assert "URL" in answer.json()["error"]["message"]


def test_two_authorization_headers_are_refused(app: Client) -> None:
    headers = [("Authorization", f"Bearer {TOKEN}"), ("Authorization", "Bearer x")]
    assert app.get("/publications", headers=headers).status_code == 401


def test_health_is_open_and_shows_nothing_else(app: Client) -> None:
    answer = app.get("/healthz")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


@pytest.mark.parametrize("path", PATHS)
def test_nothing_can_be_changed(app: Client, path: str) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = app.request(method, path, headers={"Authorization": f"Bearer {TOKEN}"})
        assert answer.status_code == 405
        assert answer.json()["error"]["kind"] == "MethodNotAllowed"


# -- names


@pytest.mark.parametrize(
    "name",
    [
        "nope",
        "only-draft",
        "%2e%2e",
        "..%2Fx",
        "%2Fetc%2Fpasswd",
        "a%00b",
        "a%5Cb",
        ".",
        "%0a",
    ],
)
@pytest.mark.parametrize("kind", ["tables", "files", "reports"])
def test_what_is_not_published_is_404(get, kind: str, name: str) -> None:  # type: ignore[no-untyped-def]
    answer = get(f"/{kind}/{name}")
    assert answer.status_code == 404
    assert "error" in answer.json()


@pytest.mark.parametrize(
    "path", ["/files/sales", "/reports/export", "/tables/export", "/files/brief", "/reports/sales"]
)
def test_another_kind_is_404(get, path: str) -> None:  # type: ignore[no-untyped-def]
    assert get(path).status_code == 404


@pytest.mark.parametrize("number", ["0", "3", "-1", "x", "1.0", "٣", "9" * 40, "%2e%2e"])
def test_an_unknown_version_is_404(get, number: str) -> None:  # type: ignore[no-untyped-def]
    assert get(f"/files/export/versions/{number}").status_code == 404


def test_a_draft_and_a_live_version_of_no_name_look_alike(get) -> None:  # type: ignore[no-untyped-def]
    draft, nothing = get("/tables/only-draft").json(), get("/tables/never-there").json()
    assert draft["error"]["message"].replace("only-draft", "x") == nothing["error"][
        "message"
    ].replace("never-there", "x")


def test_the_list_holds_live_versions_and_no_path_of_the_server(get) -> None:  # type: ignore[no-untyped-def]
    answer = get("/publications")
    items = answer.json()["items"]
    assert [item["name"] for item in items] == ["brief", "export", "sales"]
    assert items[2]["version"] == 2
    assert items[2]["href"] == "/tables/sales"
    assert items[2]["columns"][0]["name"] == "id"
    assert "/home" not in answer.text
    assert "/lake" not in answer.text


# -- tables


def test_a_table_is_a_page_that_shows_how_much_there_is(get) -> None:  # type: ignore[no-untyped-def]
    answer = get("/tables/sales")
    body = answer.json()
    assert len(body["rows"]) == 10_000
    assert body["rows"][0] == [0, 0.5]
    assert (body["total_rows"], body["complete"], body["version"]) == (25_000, False, 2)
    assert answer.headers["x-total-rows"] == "25000"
    assert answer.headers["etag"].startswith('"2-')
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_following_the_pages_gives_every_row_once(get) -> None:  # type: ignore[no-untyped-def]
    address, seen = "/tables/sales?columns=id&limit=7001", []
    while address:
        answer = get(address)
        seen += [row[0] for row in answer.json()["rows"]]
        link = answer.headers.get("link", "")
        address = link[1 : link.index(">")] if link else ""
    assert seen == list(range(25_000))


def test_an_older_version(get) -> None:  # type: ignore[no-untyped-def]
    body = get("/tables/sales?version=1").json()
    assert body["rows"] == [[0, 0.5], [1, None], [2, 2.0]]
    assert body["complete"] is True
    assert get("/tables/sales?version=9").status_code == 404


@pytest.mark.parametrize("query", ["limit=0", "offset=25000", "offset=99999999"])
def test_an_empty_page(get, query: str) -> None:  # type: ignore[no-untyped-def]
    answer = get(f"/tables/sales?{query}")
    assert answer.json()["rows"] == []
    assert answer.headers["x-total-rows"] == "25000"


def test_the_other_formats_hold_the_same_rows(get) -> None:  # type: ignore[no-untyped-def]
    query = "/tables/sales?limit=2500&offset=500&format="
    expected = {"id": list(range(500, 3000)), "amount": [0.5] * 2500}
    parquet = get(query + "parquet")
    assert pq.read_table(io.BytesIO(parquet.content)).to_pydict() == expected
    assert 'filename="sales-2.parquet"' in parquet.headers["content-disposition"]
    arrow = get(query + "arrow")
    assert pa.ipc.open_stream(arrow.content).read_all().to_pydict() == expected
    lines = get(query + "csv").text.splitlines()
    assert lines[:2] == ['"id","amount"', "500,0.5"]
    assert len(lines) == 2501


@pytest.mark.parametrize("form", ["json", "csv", "arrow", "parquet"])
def test_an_empty_table_in_every_format(get, publications: FakePublications, form: str) -> None:  # type: ignore[no-untyped-def]
    publications.add_table("empty", pa.table({"x": pa.array([], pa.int64())}))
    answer = get(f"/tables/empty?format={form}")
    assert answer.status_code == 200
    assert answer.headers["x-total-rows"] == "0"
    assert answer.content


def test_json_values(get, publications: FakePublications) -> None:  # type: ignore[no-untyped-def]
    publications.add_table(
        "odd",
        pa.table(
            {
                "m": [Decimal("1.10")],
                "f": [float("nan")],
                "at": pa.array([NOW], pa.timestamp("us", "UTC")),
                "b": [b"\xff"],
                "l": [[1, None]],
                "s": ['</script>"'],
                "far": pa.array([568_971_820_800], pa.timestamp("s")),
            }
        ),
    )
    assert get("/tables/odd").json()["rows"] == [
        [
            "1.10",
            None,
            "2026-01-01T00:00:00Z",
            "/w==",
            [1, None],
            '</script>"',
            "20000-01-01 00:00:00",
        ]
    ]
    refused = get("/tables/odd?format=csv")
    assert refused.status_code == 400
    assert "'b' of type binary" in refused.json()["error"]["message"]


@pytest.mark.parametrize(
    "query",
    [
        "limit=-1",
        "limit=x",
        "limit=1e3",
        "offset=-5",
        "version=0",
        "format=exe",
        "columns=nope",
        "where=1",
        "limit=" + "9" * 30,
    ],
)
def test_a_wrong_parameter_is_400(get, query: str) -> None:  # type: ignore[no-untyped-def]
    answer = get(f"/tables/sales?{query}")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"]


def test_what_has_not_changed_is_not_sent(get) -> None:  # type: ignore[no-untyped-def]
    for path in ("/tables/sales", "/files/export", "/reports/brief"):
        etag = get(path).headers["etag"]
        again = get(path, **{"If-None-Match": f'"x", W/{etag}'})
        assert (again.status_code, again.content) == (304, b"")
        assert get(path, **{"If-None-Match": '"other"'}).status_code == 200


def test_a_number_that_is_given_again_is_another_version(
    get, publications: FakePublications
) -> None:  # type: ignore[no-untyped-def]
    """After a restore of the ledger, other rows get the number that a client has seen."""
    etag = get("/tables/sales").headers["etag"]
    versions = publications.versions["sales"]
    for changed in (
        {"published_at": NOW + timedelta(seconds=1)},
        {"what": replace(versions[-1].what, token="run-9.1/sales")},
    ):
        publications.versions["sales"] = [replace(one, **changed) for one in versions]
        answer = get("/tables/sales", **{"If-None-Match": etag})
        assert answer.status_code == 200
        assert answer.headers["etag"] != etag


# -- files and reports


def test_a_file_is_a_download_of_every_version(get) -> None:  # type: ignore[no-untyped-def]
    answer = get("/files/export")
    assert answer.content == b"\0two"
    assert answer.headers["content-length"] == "4"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"t__g.bin\"; filename*=UTF-8''t%C3%A4%22g.bin"
    )
    assert get("/files/export/versions/1").content == b"\0one"
    assert get("/files/export/versions/2").content == b"\0two"


def test_a_report_gets_an_origin_of_its_own(get) -> None:  # type: ignore[no-untyped-def]
    answer = get("/reports/brief")
    assert answer.content == b"<script>new</script>"
    assert answer.headers["content-security-policy"] == "sandbox allow-scripts"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert get("/reports/brief/versions/1").content == b"<h1>old</h1>"


@pytest.mark.parametrize("swap", ["symlink", "folder", "fifo", "gone"])
def test_a_file_that_was_swapped_is_503(
    get, publications: FakePublications, tmp_path: Path, swap: str
) -> None:  # type: ignore[no-untyped-def]
    path = publications.file("export", version=2)
    path.unlink()
    if swap == "symlink":
        (tmp_path / "outside").write_text("secret")
        path.symlink_to(tmp_path / "outside")
    elif swap == "folder":
        path.mkdir()
    elif swap == "fifo":
        os.mkfifo(path)
    answer = get("/files/export")
    assert answer.status_code == 503
    assert "secret" not in answer.text


# -- errors


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (StoreError("/home/sam/secret-place/ledger.db is away"), 503),
        (PublishError("gone", hint="Look into /home/sam/secret-place."), 503),
        (PermissionDenied("/home/sam/secret-place is a symbolic link"), 503),
        (SourceError("s3://secret-place does not answer"), 503),
        (RuntimeError("/home/sam/secret-place exploded"), 500),
        (OSError("/home/sam/secret-place"), 500),
    ],
)
def test_errors_are_json_and_keep_the_server_to_itself(
    get, publications: FakePublications, error: Exception, status: int
) -> None:  # type: ignore[no-untyped-def]
    publications.error = error
    answer = get("/tables/sales")
    assert answer.status_code == status
    assert set(answer.json()["error"]) == {"kind", "message", "hint", "fields"}
    assert "secret-place" not in answer.text
    assert "Traceback" not in answer.text


def test_an_answer_is_no_place_for_scripts(get) -> None:  # type: ignore[no-untyped-def]
    answer = get("/tables/<script>alert(1)</script>")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_the_listing_is_json_of_plain_values(get) -> None:  # type: ignore[no-untyped-def]
    assert (
        json.loads(get("/publications").text)["items"][0]["published_at"] == "2026-01-01T00:00:00Z"
    )


def test_a_version_number_of_the_future_is_not_the_live_one(
    get, publications: FakePublications
) -> None:  # type: ignore[no-untyped-def]
    first = publications.versions["export"][0]
    publications.versions["export"][0] = replace(first, number=7)
    assert get("/files/export/versions/7").status_code == 200
    assert get("/files/export/versions/2").status_code == 404
