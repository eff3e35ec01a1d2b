"""Log file, mail, and all notifiers together."""

from __future__ import annotations

import socketserver
import threading

import pytest

from jupyter_etl.alerts.fan_out import LogNotifier, SeveralNotifier, notifier_for
from jupyter_etl.alerts.smtp import SmtpNotifier
from jupyter_etl.errors import DeclarationError, EtlError


class Remembering:
    """A notifier that records its messages, or fails."""

    def __init__(self, problem: Exception | None = None) -> None:
        self.reported: list[str] = []
        self._problem = problem

    def notify(self, title, body, *, severity, run):
        if self._problem is not None:
            raise self._problem
        self.reported.append(f"{severity}: {title}: {body}")


class MailServer:
    """Speaks as much SMTP as smtplib needs, and keeps the mails."""

    def __init__(self) -> None:
        self.mails: list[str] = []
        self.recipients: list[str] = []
        keeper = self

        class Session(socketserver.StreamRequestHandler):
            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def handle(self) -> None:
                self.say("220 here")
                while line := self.rfile.readline().decode().strip():
                    word = line.split()[0].upper()
                    if word == "DATA":
                        self.say("354 go on")
                        lines = []
                        while (text := self.rfile.readline().decode().rstrip("\r\n")) != ".":
                            lines.append(text)
                        keeper.mails.append("\n".join(lines))
                    if word == "RCPT":
                        keeper.recipients.append(line.partition(":")[2])
                    self.say("221 bye" if word == "QUIT" else "250 ok")
                    if word == "QUIT":
                        return

        self._server = socketserver.TCPServer(("127.0.0.1", 0), Session)
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> MailServer:
        self._thread.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def test_a_message_is_one_line_of_a_private_file(tmp_path):
    path = tmp_path / "deep" / "alerts.log"
    LogNotifier(path).notify("late", "line 1\nline 2", severity="warning", run=None)
    LogNotifier(path).notify("failed", "", severity="error", run=None)
    first, second = path.read_text().splitlines()
    assert first.endswith("[warning] late | line 1 line 2")
    assert second.endswith("[error] failed |")
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_is_an_etl_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(EtlError, match="could not be written"):
        LogNotifier(tmp_path / "file" / "alerts.log").notify("t", "b", severity="info", run=None)


def test_mail_goes_to_all_recipients():
    with MailServer() as server:
        url = f"smtp://127.0.0.1:{server.port}/?from=etl@x.org&to=a@x.org,b@x.org&to=c@x.org"
        SmtpNotifier(url).notify("fell\nover", "größer", severity="error", run=None)
    assert server.recipients == ["<a@x.org>", "<b@x.org>", "<c@x.org>"]
    assert "Subject: [error] fell over" in server.mails[0]


def test_mail_without_a_server_is_an_etl_error():
    with MailServer() as server:
        port = server.port
    notifier = SmtpNotifier(f"smtp://127.0.0.1:{port}/?from=a@x.org&to=b@x.org")
    with pytest.raises(EtlError, match=r"through 127\.0\.0\.1"):
        notifier.notify("t", "b", severity="info", run=None)


@pytest.mark.parametrize("url", ["smtp:///?from=a&to=b", "smtp://h/?to=b", "smtp://h/?from=a"])
def test_a_mail_address_lacking_a_part_is_refused(url):
    with pytest.raises(DeclarationError):
        SmtpNotifier(url)


@pytest.mark.parametrize("problem", [EtlError("no network"), RuntimeError("a block's own fault")])
def test_one_that_fails_does_not_stop_the_others(problem):
    first, last = Remembering(), Remembering()
    several = SeveralNotifier([first, Remembering(problem), last])
    with pytest.raises(EtlError, match="1 of 3 alerts"):
        several.notify("t", "b", severity="error", run=None)
    assert last.reported == ["error: t: b"]
    assert first.reported[0] == "error: t: b"
    assert first.reported[1].startswith("warning: an alert was not delivered")


def test_all_addresses_and_the_file_are_notified(tmp_path):
    with MailServer() as server:
        url = f"smtp://127.0.0.1:{server.port}/?from=a@x.org&to=b@x.org"
        notifier_for([url], tmp_path / "alerts.log").notify("t", "b", severity="info", run=None)
    assert len(server.mails) == 1
    assert "[info] t | b" in (tmp_path / "alerts.log").read_text()


def test_an_unknown_kind_of_address_is_refused(tmp_path):
    with pytest.raises(DeclarationError, match="'slack'"):
        notifier_for(["slack://x"], tmp_path / "alerts.log")
