"""Alerts over HTTP, against servers of the test's own."""

from __future__ import annotations

import ipaddress
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from jupyter_etl.alerts.addresses import AllowList, connect
from jupyter_etl.alerts.webhook import WebhookNotifier
from jupyter_etl.errors import DeclarationError, EtlError, PermissionDenied


class Receiver:
    """A web server that records its requests, with configured responses."""

    def __init__(self) -> None:
        self.received: list[tuple[str, dict[str, object]]] = []
        self.status = 200
        self.location = ""
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                length = int(self.headers["Content-Length"])
                receiver.received.append((self.path, json.loads(self.rfile.read(length))))
                at_start = self.path.startswith("/start")
                self.send_response(receiver.status if not receiver.location or at_start else 200)
                if receiver.location and at_start:
                    self.send_header("Location", receiver.location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> Receiver:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver():
    with Receiver() as running:
        yield running


def test_a_message_is_posted_as_json(receiver):
    notifier = WebhookNotifier(f"{receiver.url}/hook?token=t", allow=["127.0.0.1"])
    notifier.notify("it failed", "cell 3\nNameError", severity="error", run=None)
    assert receiver.received == [
        (
            "/hook?token=t",
            {
                "text": "it failed\ncell 3\nNameError",
                "title": "it failed",
                "body": "cell 3\nNameError",
                "severity": "error",
                "run": None,
            },
        )
    ]


def test_an_address_inside_is_refused_unless_allowed(receiver):
    with pytest.raises(PermissionDenied, match=r"127\.0\.0\.1 is not public"):
        WebhookNotifier(receiver.url).notify("t", "b", severity="info", run=None)
    assert receiver.received == []


def test_a_redirect_inside_is_refused(receiver):
    receiver.status, receiver.location = 307, "http://169.254.169.254/latest/meta-data"
    notifier = WebhookNotifier(f"{receiver.url}/start", allow=["127.0.0.1"])
    with pytest.raises(PermissionDenied, match=r"169\.254\.169\.254"):
        notifier.notify("t", "b", severity="info", run=None)


def test_a_redirect_is_followed(receiver):
    receiver.status, receiver.location = 307, "/end"
    notifier = WebhookNotifier(f"{receiver.url}/start", allow=["127.0.0.0/8"])
    notifier.notify("t", "b", severity="info", run=None)
    assert [path for path, _ in receiver.received] == ["/start", "/end"]


def test_redirects_that_never_end_are_an_error(receiver):
    receiver.status, receiver.location = 302, "/start"
    notifier = WebhookNotifier(f"{receiver.url}/start", allow=["127.0.0.1"])
    with pytest.raises(EtlError, match="HTTP 302"):
        notifier.notify("t", "b", severity="info", run=None)
    assert len(receiver.received) == 4


@pytest.mark.parametrize(("status", "retryable"), [(404, False), (503, True)])
def test_a_refusal_is_an_error_that_does_not_show_the_token(receiver, status, retryable):
    receiver.status = status
    notifier = WebhookNotifier(f"{receiver.url}/hook?token=hush", allow=["127.0.0.1"])
    with pytest.raises(EtlError, match=f"HTTP {status}") as raised:
        notifier.notify("t", "b", severity="info", run=None)
    assert raised.value.retryable is retryable
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",  # the same, decimal
        "0xA9FEA9FE",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:a9fe:a9fe::1",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "168.63.129.16",
        "172.31.255.255",
        "192.0.0.9",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "240.0.0.1",
        "255.255.255.255",
        "127.1",
        "0.0.0.0",  # noqa: S104
        "::",
        "::1",
        "::8.8.8.8",
        "::ffff:0:8.8.8.8",
        "::ffff:10.0.0.1",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::8.8.8.8",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "febf::1",
        "fec0::1",
        "ff02::1",
        "224.0.0.1",
        "localhost",
    ],
)
def test_no_way_to_write_an_inner_address_gets_through(host):
    with pytest.raises(PermissionDenied, match="is not public"):
        connect(host, 9, AllowList(), timeout_s=1.0)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "11.0.0.1",
        "100.63.255.255",
        "100.128.0.1",
        "168.63.129.17",
        "172.32.0.1",
        "192.0.1.1",
        "192.31.196.1",
        "223.255.255.255",
        "2000::1",
        "2001:200::1",
        "2606:4700::1111",
        "2a00:1450::1",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2002:101:101::1",
    ],
)
def test_a_public_address_is_allowed(address):
    assert AllowList().allows("h", ipaddress.ip_address(address))


@pytest.mark.parametrize(
    ("entry", "address", "allowed"),
    [
        ("fd00::/8", "fd00::1", True),
        ("fd00::/8", "10.0.0.1", False),
        ("10.0.0.0/8", "::ffff:10.0.0.1", True),
        ("10.0.0.0/8", "64:ff9b::10.0.0.1", True),
        ("10.0.0.0/8", "fd00::1", False),
        ("chat.example", "fd00::1", False),
    ],
)
def test_an_allowed_network_is_compared_with_what_the_address_stands_for(entry, address, allowed):
    assert AllowList.of([entry]).allows("h", ipaddress.ip_address(address)) is allowed


def test_a_host_can_be_allowed_by_name(receiver):
    url = receiver.url.replace("127.0.0.1", "localhost")
    WebhookNotifier(url, allow=["LOCALHOST"]).notify("t", "b", severity="info", run=None)
    assert len(receiver.received) == 1


@pytest.mark.parametrize("url", ["ftp://h/x", "https://", "http://h:99999/", "file:///etc/passwd"])
def test_other_addresses_are_refused_when_declared(url):
    with pytest.raises(DeclarationError):
        WebhookNotifier(url)
