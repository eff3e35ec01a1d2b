"""One notifier that tells all others."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from jupyter_etl.alerts.log import LogNotifier
from jupyter_etl.alerts.smtp import SmtpNotifier
from jupyter_etl.alerts.webhook import WebhookNotifier
from jupyter_etl.errors import DeclarationError, EtlError
from jupyter_etl.model import Run
from jupyter_etl.ports import Notifier


class SeveralNotifier:
    """Tells every notifier in turn; one that fails does not keep the others from it.

    Args:
        notifiers: In the order they are told. The first also hears which of the others failed.
    """

    def __init__(self, notifiers: Sequence[Notifier]) -> None:
        self._notifiers = tuple(notifiers)

    def notify(self, title: str, body: str, *, severity: str, run: Run | None) -> None:
        """Tell all.

        Raises:
            EtlError: One or more could not be told; all were tried, and the first was told so.
        """
        failures = []
        for notifier in self._notifiers:
            try:
                notifier.notify(title, body, severity=severity, run=run)
            except Exception as problem:  # noqa: BLE001 - a block's fault is not the others'
                failures.append((notifier, _say(problem)))
        if not failures:
            return
        text = "; ".join(words for _, words in failures)
        first = self._notifiers[0]
        if all(notifier is not first for notifier, _ in failures):
            first.notify("an alert was not delivered", text, severity="warning", run=run)
        raise EtlError(f"{len(failures)} of {len(self._notifiers)} alerts were not sent: {text}")


def notifier_for(urls: Sequence[str], log: Path, *, allow: Sequence[str] = ()) -> Notifier:
    """Return the notifier of a list of addresses; all messages also go to a file.

    Args:
        urls: ``http(s)://``, ``smtp(s)://``.
        allow: Hosts, addresses and networks inside that webhooks may reach.

    Raises:
        DeclarationError: An address of another kind, or one that lacks a part.
    """
    return SeveralNotifier([LogNotifier(log), *(_one(url, allow) for url in urls)])


def _one(url: str, allow: Sequence[str]) -> Notifier:
    scheme = urlsplit(url).scheme
    if scheme in ("http", "https"):
        return WebhookNotifier(url, allow=allow)
    if scheme in ("smtp", "smtps"):
        return SmtpNotifier(url)
    raise DeclarationError(
        f"Alerts cannot be sent to an address that starts with {scheme!r}; known are http, https, "
        "smtp and smtps.",
        hint="Check the setting JUPYTER_ETL_ALERTS.",
    )


def _say(problem: Exception) -> str:
    return problem.message if isinstance(problem, EtlError) else type(problem).__name__
