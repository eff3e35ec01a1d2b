"""Notifiers: one that forwards messages to several others, and the log file that gets all of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_etl.alerts.smtp import SmtpNotifier
from jupyter_etl.alerts.webhook import WebhookNotifier
from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.model import Run
from jupyter_etl.ports import Notifier


class LogNotifier:
    """Appends every message to a file, one line each, readable only by its user.

    Args:
        path: The file; a missing folder is created.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Append one line.

        Raises:
            EtlError: The file cannot be written.
        """
        at = datetime.now(UTC).isoformat(timespec="seconds")
        about = "" if run is None else f" run {run.id} of {run.new.pipeline}:"
        text = " ".join(f"{title} | {body}".split())
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            with self._path.open("a", encoding="utf-8") as file:
                file.write(f"{at} [{severity}]{about} {text}\n")
        except OSError as problem:
            raise EtlError(
                f"The alert could not be written to {self._path}: {problem.strerror}."
            ) from problem


class SeveralNotifier:
    """Sends messages to every notifier; a failure does not affect the others.

    Args:
        notifiers: In order. The first is also notified of the others' failures.
    """

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = tuple(notifiers)

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Send a message to all notifiers.

        Raises:
            EtlError: One or more failed. All were tried, and the first was notified.
        """
        failures = []
        for notifier in self._notifiers:
            try:
                notifier.notify(title, body, severity=severity, run=run)
            except Exception as problem:  # noqa: BLE001 - a block's fault is not the others'
                failures.append((notifier, _text_of(problem)))
        if not failures:
            return
        text = "; ".join(words for _, words in failures)
        first = self._notifiers[0]
        if all(notifier is not first for notifier, _ in failures):
            first.notify("an alert was not delivered", text, severity="warning", run=run)
        raise EtlError(f"{len(failures)} of {len(self._notifiers)} alerts were not sent: {text}")


def notifier_for(urls: Sequence[str], log: Path, *, allow: Sequence[str] = ()) -> Notifier:
    """Return the notifier for a list of URLs; all messages also go to a file.

    Args:
        urls: ``http(s)://``, ``smtp(s)://``.
        allow: Internal hosts, addresses and networks that webhooks may reach.

    Raises:
        DeclarationError: A URL has another scheme, or is incomplete.
    """
    return SeveralNotifier([LogNotifier(log), *(_one(url, allow) for url in urls)])


def _one(url: str, allow: Sequence[str]) -> Notifier:
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https"):
        return WebhookNotifier(url, allow=allow)
    if scheme in ("smtp", "smtps"):
        return SmtpNotifier(url)
    raise DeclarationError(
        f"Alerts cannot be sent to an address that starts with {scheme!r}; use http, https, "
        "smtp and smtps.",
        hint="Check the setting JUPYTER_ETL_ALERTS.",
    )


def _text_of(problem: Exception) -> str:
    return problem.message if isinstance(problem, EtlError) else type(problem).__name__
