"""Sanitization of a notebook's outputs for reports, by allow-lists."""

from __future__ import annotations

import base64
import html
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from nbformat import NotebookNode

_SHOWN = (
    "text/html", "image/svg+xml", "image/png", "image/jpeg", "image/gif", "image/webp",
    "text/markdown", "text/latex", "text/plain",
)  # fmt: skip
_WIDGET = "application/vnd.jupyter.widget-view+json"
_LEFT_OUT = '<p class="left-out">An interactive output is left out of this report.</p>'
_NO_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="420" height="24"><text y="17" fill="#808080" '
    'font-family="sans-serif" font-size="13" font-style="italic">A picture that is not in the '
    "notebook itself is left out of this report.</text></svg>"
)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_TAGS = _words(
    "a abbr b bdi bdo blockquote br caption cite code col colgroup dd del details dfn div dl dt em "
    "figcaption figure h1 h2 h3 h4 h5 h6 hr i img ins kbd li mark meter ol p pre progress q rp rt "
    "ruby s samp section small span strong sub summary sup table tbody td tfoot th thead time tr "
    "tt u ul var wbr"
)
_ATTRIBUTES: dict[str, set[str]] = {
    "*": {"class", "style", "title", "lang", "dir", "align", "role", "aria-label", "aria-hidden"},
    "a": {"href"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "scope"},
    "col": {"span"},
    "colgroup": {"span"},
    "ol": {"start", "type", "reversed"},
    "details": {"open"},
    "time": {"datetime"},
    "progress": {"value", "max"},
    "meter": {"value", "min", "max", "low", "high", "optimum"},
    **{f"h{level}": {"id"} for level in range(1, 7)},
}
# No property here accepts a url(); nh3 drops all other properties.
_STYLES = _words(
    "background-color border border-bottom border-collapse border-color border-left border-radius "
    "border-right border-spacing border-style border-top border-width color display flex "
    "flex-direction flex-wrap float font-family font-size font-style font-weight gap height "
    "letter-spacing line-height margin margin-bottom margin-left margin-right margin-top "
    "max-height max-width min-height min-width opacity overflow overflow-x overflow-y padding "
    "padding-bottom padding-left padding-right padding-top text-align text-decoration "
    "text-transform vertical-align white-space width word-break"
)
_IMAGE = re.compile(r"data:image/(?:png|jpeg|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
_FRAMED = re.compile(
    r"<(iframe|video|audio|object|canvas)\b[^>]*>.*?</\1\s*>", re.IGNORECASE | re.DOTALL
)
_SVG = re.compile(r"<svg\b[^>]*>.*?</svg\s*>", re.IGNORECASE | re.DOTALL)


def clean_outputs(node: NotebookNode) -> None:
    """Keep the outputs that a page without scripts can show; replace the others by a note.

    An SVG picture becomes an image: inside an image, browsers run no scripts and load nothing.
    """
    for cell in node.cells:
        for output in cell.get("outputs", []):
            if output.output_type in {"display_data", "execute_result"}:
                output.data = _shown(dict(output.data))


def _shown(bundle: dict[str, object]) -> dict[str, object]:
    # A widget's other representation is its Python repr, which is useless to readers.
    if _WIDGET in bundle:
        return {"text/html": _LEFT_OUT}
    kept = {kind: bundle[kind] for kind in _SHOWN if kind in bundle}
    scripted = any("javascript" in kind or "vnd." in kind for kind in bundle)
    if not kept or (scripted and set(kept) == {"text/plain"}):
        return {"text/html": _LEFT_OUT}
    if "text/html" in kept:
        source = _text(kept["text/html"])
        if "<script" in source.lower() and not _visible(source):
            others = {kind: value for kind, value in kept.items() if kind.startswith("image/")}
            return _shown(others) if others else {"text/html": _LEFT_OUT}
        framed = _FRAMED.sub(_LEFT_OUT, source)
        kept["text/html"] = _SVG.sub(lambda found: _svg_image(found.group()), framed)
    elif "image/svg+xml" in kept:
        return {"text/html": _svg_image(_text(kept["image/svg+xml"]))}
    return kept


def _text(value: object) -> str:
    return "".join(map(str, value)) if isinstance(value, list) else str(value)


def _visible(source: str) -> bool:
    bare = re.sub(r"(?is)<(script|style)\b.*?</\1\s*>", "", source)
    return bool(re.search(r"(?i)<(img|svg|table)\b", bare) or re.sub(r"<[^>]*>", "", bare).strip())


def _svg_image(source: str) -> str:
    start = source.lower().find("<svg")
    drawing = source[max(start, 0) :]
    if "xmlns=" not in drawing[: drawing.find(">") + 1]:
        drawing = drawing[:4] + ' xmlns="http://www.w3.org/2000/svg"' + drawing[4:]
    label = re.search(r"(?is)<title[^>]*>(.*?)</title>", drawing)
    alt = html.escape(html.unescape(label.group(1).strip()) if label else "drawing", quote=True)
    return f'<img src="{_embedded(drawing)}" alt="{alt}">'


def _embedded(drawing: str) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(drawing.encode()).decode()}"


def clean_html(body: str) -> str:
    """Return HTML with only allowed tags, attributes, styles, links and embedded images."""
    import nh3

    return str(
        nh3.clean(
            body,
            tags=set(_TAGS),
            clean_content_tags={"script", "style", "iframe", "object", "template", "noscript"},
            attributes=_ATTRIBUTES,
            attribute_filter=_filtered,
            url_schemes={"http", "https", "mailto", "data"},
            link_rel="noopener noreferrer",
            filter_style_properties=set(_STYLES),
        )
    )


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    """Allow only embedded images, links without data URLs, and styles without url()."""
    if attribute == "src":
        return value if _IMAGE.match(value) else _embedded(_NO_PICTURE)
    if attribute == "href":
        return None if value.strip().lower().startswith("data:") else value
    if attribute == "style" and re.search(r"url|image|expression|\\", value, re.IGNORECASE):
        return None
    return value
