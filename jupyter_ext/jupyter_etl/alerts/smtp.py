"""Alerts by mail."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.model import Run

TIMEOUT_S = 20.0
_USAGE = "Write smtp://HOST:PORT/?from=ETL@HOST&to=NAME@HOST (smtps:// for TLS from the start)."


class SmtpNotifier:
    """Sends every message as a plain-text mail.

    Args:
        url: ``smtp://[USER:PASSWORD@]HOST[:PORT]/?from=A&to=B[&to=C][&starttls=yes]``, or
            ``smtps://`` for TLS from the start. With a user, ``smtp`` requires STARTTLS. The URL as
            a whole is a secret; messages show only the host.

    Raises:
        DeclarationError: The URL is incomplete.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        query = parse_qs(parts.query)
        self._to = [one for value in query.get("to", []) for one in value.split(",") if one]
        self._from = (query.get("from") or [""])[0]
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise DeclarationError("The URL of a mail server needs a host.", hint=_USAGE)
        if not self._to or not self._from:
            raise DeclarationError(
                "The URL of a mail server needs a sender and a recipient.", hint=_USAGE
            )
        self._tls = parts.scheme == "smtps"
        self._host = parts.hostname
        self._port = parts.port or (465 if self._tls else 25)
        self._user = unquote(parts.username or "")
        self._password = unquote(parts.password or "")
        wanted = (query.get("starttls") or ["no"])[0].lower() in ("1", "yes", "true")
        self._starttls = not self._tls and (wanted or bool(self._user))

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Send one mail.

        Raises:
            EtlError: It could not be sent.
        """
        message = EmailMessage()
        message["Subject"] = f"[{severity}] {' '.join(title.split())}"
        message["From"] = self._from
        message["To"] = ", ".join(self._to)
        about = "" if run is None else f"\n\nRun {run.id} of {run.new.pipeline}"
        message.set_content(f"{body}{about}\n")
        try:
            with self._connect() as server:
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as problem:
            raise EtlError(
                f"The mail could not be sent through {self._host}: {type(problem).__name__}: "
                f"{problem}.",
                retryable=True,
            ) from problem

    def _connect(self) -> smtplib.SMTP:
        if self._tls:
            context = ssl.create_default_context()
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, timeout=TIMEOUT_S, context=context
            )
        else:
            server = smtplib.SMTP(self._host, self._port, timeout=TIMEOUT_S)
        try:
            if self._starttls:
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server
