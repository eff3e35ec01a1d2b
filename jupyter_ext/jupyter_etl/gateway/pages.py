"""The HTML pages of the service: sign-in, and an index of the publications."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from starlette.responses import Response

from jupyter_etl.gateway.responses import SAFE_HEADERS
from jupyter_etl.model import Publication, PublicationKind

if TYPE_CHECKING:
    from jinja2 import Environment

_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADINGS = {
    PublicationKind.TABLE: "Tables",
    PublicationKind.FILE: "Files",
    PublicationKind.REPORT: "Reports",
}


def sign_in_page(path: str, *, message: str = "", status: int = 401) -> Response:
    """Return the form for the token.

    Args:
        path: Path of this service to open after the sign-in.
        message: Why the form is shown again.
    """
    return _page("sign_in.html", status=status, path=path, message=message)


def index_page(publications: Sequence[Publication]) -> Response:
    """Return a page that lists all publications with a live version, by kind and name."""
    kinds = [
        (heading, kind, [one for one in publications if one.live and one.live.what.kind is kind])
        for kind, heading in _HEADINGS.items()
    ]
    return _page("index.html", kinds=kinds)


def _page(name: str, *, status: int = 200, **values: object) -> Response:
    text = _templates().get_template(name).render(values)
    headers = {**SAFE_HEADERS, "Content-Security-Policy": _POLICY, "Cache-Control": "no-store"}
    return Response(text, status_code=status, media_type="text/html", headers=headers)


def _templates() -> Environment:
    from jinja2 import Environment, FileSystemLoader

    return Environment(
        loader=FileSystemLoader(str(files("jupyter_etl.gateway") / "templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
