"""nbconvert's HTML exporter, for pages whose pictures come from the notebook."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from jinja2 import pass_context
from nbconvert import HTMLExporter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

if TYPE_CHECKING:
    from jinja2.runtime import Context

_PREFIX = "attachment:"
# Vector before raster, and lossless before lossy, as in nbconvert.
_PREFERRED = ("image/svg+xml", "image/png", "image/webp", "image/gif", "image/jpeg")
_IN_HTML = re.compile(rf"""(?i)(\bsrc\s*=\s*)(["']){_PREFIX}(.*?)\2""")
_NOWHERE = "lost-attachment"
"""Replaces the URL of a missing picture; the sanitizer then adds a note."""


class ReportExporter(HTMLExporter):
    """Renders text whose attachments may be missing, renamed or of another type."""

    # nbconvert registers the filter under this name.
    @pass_context
    def markdown2html(self, context: Context, source: str) -> str:
        """Render a text with the pictures that are attached to its cell."""
        attachments: dict[str, dict[str, str]] = context.get("cell", {}).get("attachments")
        renderer = _Renderer(
            escape=False,
            attachments=attachments or {},
            anchor_link_text=self.anchor_link_text,
            exclude_anchor_links=self.exclude_anchor_links,
            **self.lexer_options,
        )
        return str(MarkdownWithMath(renderer=renderer).render(source))


class _Renderer(IPythonRenderer):
    """Finds attachments by their names, including percent-encoded ones."""

    def _embed_image_or_attachment(self, src: str) -> str:
        if src.lower().startswith(_PREFIX):
            return picture_of(src[len(_PREFIX) :], self.attachments) or _NOWHERE
        return src

    def block_html(self, html: str) -> str:
        return str(super().block_html(self._embedded(html)))

    def inline_html(self, html: str) -> str:
        return str(super().inline_html(self._embedded(html)))

    def _embedded(self, source: str) -> str:
        def address(found: re.Match[str]) -> str:
            url = picture_of(html.unescape(found[3]), self.attachments) or _NOWHERE
            return f"{found[1]}{found[2]}{url}{found[2]}"

        return _IN_HTML.sub(address, source)


def picture_of(name: str, attachments: Mapping[str, Any]) -> str:
    """Return an attached picture as a data URL; "" if it does not exist.

    Args:
        name: As written in the text, for example with ``%20`` for a blank.
        attachments: Attachments of the cell: MIME bundles by name.
    """
    known = {unquote(key): key for key in attachments}
    key = name if name in attachments else known.get(unquote(name))
    bundle = attachments[key] if key is not None else None
    if not isinstance(bundle, Mapping):
        return ""
    kind = next((kind for kind in _PREFERRED if bundle.get(kind)), "")
    if not kind:
        return ""
    value = bundle[kind]
    text = "".join(map(str, value)) if isinstance(value, list) else str(value)
    if text.lstrip().startswith("<"):
        # JupyterLab stores drawings in base64, other tools as plain text.
        text = base64.b64encode(text.encode()).decode()
    return f"data:{kind};base64,{''.join(text.split())}"
