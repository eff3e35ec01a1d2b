"""Outputs that others rely on."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, cast
from urllib.parse import parse_qsl, urlencode

from jupyter_etl.errors import PublishError
from jupyter_etl.model import Publication, PublicationKind
from jupyter_etl.rest.handler import MOST_ROWS, EtlHandler
from jupyter_etl.rest.previews import preview_publication
from jupyter_etl.rest.views import publication_detail_view, publication_view
from jupyter_etl.services.publications.locations import ways_in
from jupyter_etl.services.publications.publications import open_published

if TYPE_CHECKING:
    from jupyter_etl.services import Etl

_CHUNK = 1 << 20


class PublicationsHandler(EtlHandler):
    """``publications``."""

    async def get(self) -> None:
        """List the publications whose name, owner or pipeline holds ``search``."""
        search = self.get_query_argument("search", "").casefold()

        def listing(etl: Etl) -> object:
            found = [
                p
                for p in etl.publications.list()
                if search in f"{p.name}\n{p.owner}\n{p.pipeline}".casefold()
            ]
            now = etl.clock.now()
            return {"items": [publication_view(p, now=now) for p in found], "total": len(found)}

        self.expect_looks()
        await self.answer(listing)


class PublicationHandler(EtlHandler):
    """``publications/{name}``."""

    async def get(self, name: str) -> None:
        """Return one publication with its live versions, and how others read it."""
        name = self.named(name, "publication")

        def detail(etl: Etl) -> object:
            found = etl.publications.get(name)
            history = etl.publications.history(name)
            return publication_detail_view(found, history, _ways_in(found), now=etl.clock.now())

        await self.answer(detail)


class PublicationPreviewHandler(EtlHandler):
    """``publications/{name}/preview``."""

    async def get(self, name: str) -> None:
        """Return the first rows of one version, or of what a run holds back."""
        name = self.named(name, "publication")
        await self.look(
            preview_publication,
            f"The preview of {name!r}",
            name=name,
            version=self.version(),
            draft=self.flag("draft"),
            held=self.number("held", default=0),
            limit=self.number("limit", default=20, low=1, high=MOST_ROWS),
        )


class PublicationContentHandler(EtlHandler):
    """``publications/{name}/content``."""

    async def get(self, name: str) -> None:
        """Return a published file, or a report's page.

        A report holds whatever its author and the rows of data put there, so the browser is told to
        run its scripts in an origin of its own, where nothing of Jupyter can be reached.
        """
        name = self.named(name, "publication")
        version, draft = self.version(), self.flag("draft")

        def locate(etl: Etl) -> tuple[PublicationKind, Path]:
            kind = etl.publications.get(name).kind
            return kind, etl.publications.file(name, version=version, draft=draft)

        kind, path = await self.ask(locate, slow=True)
        is_report = kind is PublicationKind.REPORT
        if is_report and "token" in self.request.query_arguments:
            # The page's scripts can read their address; the login cookie is set by now.
            self.redirect(self._address_without_token())
            return
        if is_report:
            self.set_header("Content-Security-Policy", "sandbox allow-scripts")
            self.set_header("Referrer-Policy", "no-referrer")
        else:
            self.set_attachment_header(path.name)
        self.set_header("X-Content-Type-Options", "nosniff")
        await self._send(path, "text/html; charset=utf-8" if is_report else _OPAQUE)

    def _address_without_token(self) -> str:
        query = [(k, v) for k, v in parse_qsl(self.request.query) if k != "token"]
        # A path of two slashes in front would name another host.
        return f"/{self.request.path.lstrip('/')}?{urlencode(query)}".rstrip("?")

    async def _send(self, path: Path, content_type: str) -> None:
        self.set_header("Content-Type", content_type)
        try:
            file = cast("BinaryIO", await asyncio.to_thread(open_published, path))
        except OSError as problem:
            raise PublishError(
                f"The published file {path.name!r} cannot be read: {problem.strerror}."
            ) from problem
        with file:
            while chunk := await asyncio.to_thread(file.read, _CHUNK):
                self.write(chunk)
                await self.flush()
        self.finish(set_content_type=content_type)


def _ways_in(publication: Publication) -> list[tuple[str, str]]:
    version = publication.live or publication.draft
    return ways_in(version) if version is not None else []


_OPAQUE = "application/octet-stream"
