"""An executed notebook as one HTML page: nbconvert renders, nh3 cleans, no CDN is asked."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib import import_module
from importlib.resources import files
from typing import TYPE_CHECKING

from jupyter_etl.errors import DeclarationError, PublishError, first_line
from jupyter_etl.publishing.reports.cleaning import clean_html, clean_outputs

if TYPE_CHECKING:
    from nbformat import NotebookNode

HIDDEN_TAGS = frozenset({"hide", "parameters", "injected-parameters"})
"""Cells with one of these tags do not appear in a report."""

# The page forbids itself what it does not need, so that it is as safe from disk as from a server.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, kw_only=True)
class Heading:
    """What stands above a report.

    Args:
        title: Of the report.
        pipeline: Whose run made it; "" by hand.
        run: Its id; "" by hand.
        at: ISO instant; "" for the notebook's own end, or now.
    """

    title: str
    pipeline: str = ""
    run: str = ""
    at: str = ""


def render_report(notebook: str, heading: Heading, *, hide_code: bool) -> str:
    """Render an executed notebook.

    Args:
        notebook: JSON text.
        heading: What stands above.
        hide_code: Leave the code cells' inputs out.

    Returns:
        A whole HTML page without any reference to another host, without scripts.

    Raises:
        PublishError: It is no notebook.
        DeclarationError: Its content cannot be rendered.
    """
    import nbformat
    from nbformat import ValidationError

    try:
        node = nbformat.reads(notebook, as_version=4)  # type: ignore[no-untyped-call]
    except (ValueError, KeyError, AttributeError, TypeError, ValidationError) as problem:
        raise PublishError("The executed notebook is not a notebook.") from problem
    if hide_code:
        _drop_cards(node)
    _hide(node)
    with _blaming_content():
        clean_outputs(node)
        body = clean_html(_body(node, hide_code=hide_code))
    return _page(body, heading, _told_at(heading, node))


@contextmanager
def _blaming_content() -> Iterator[None]:
    """Turn an error of rendering or cleaning into one of the notebook, whose content is the cause."""
    try:
        yield
    except (OSError, MemoryError):
        raise
    except Exception as problem:
        first = first_line(problem)[:200]
        raise DeclarationError(
            f"The report cannot be rendered: {type(problem).__name__}: {first}",
            hint="Tag its cell with 'hide' to omit it from the report.",
        ) from problem


def _drop_cards(node: NotebookNode) -> None:
    """Take out what commands of the platform said: with the code hidden it answers nothing."""
    for cell in node.cells:
        if cell.cell_type == "code":
            cell.outputs = [
                output
                for output in cell.outputs
                if not output.get("metadata", {}).get("jupyter_etl", {}).get("card")
            ]


def _hide(node: NotebookNode) -> None:
    node.cells = [
        cell
        for cell in node.cells
        if not HIDDEN_TAGS & set(cell.metadata.get("tags", ()))
        and (cell.source.strip() or cell.get("outputs"))
    ]


def _body(node: NotebookNode, *, hide_code: bool) -> str:
    from jupyter_etl.publishing.reports.exporter import ReportExporter

    exporter = ReportExporter(  # type: ignore[no-untyped-call]
        template_name="basic",
        exclude_input=hide_code,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        embed_images=False,
        # These would be fetched from CDNs by the page.
        require_js_url="",
        jquery_url="",
        mathjax_url="",
        mermaid_js_url="",
        jupyter_widgets_base_url="",
        html_manager_semver_range="",
    )
    body, _ = exporter.from_notebook_node(node)
    # Headings keep their ids for links; the paragraph signs beside them are noise on paper.
    return re.sub(r'<a class="anchor-link"[^>]*>[^<]*</a>', "", str(body))


def _told_at(heading: Heading, node: NotebookNode) -> str:
    papermill = node.metadata.get("papermill", {})
    text = heading.at or papermill.get("end_time") or papermill.get("start_time") or ""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        at = datetime.now(UTC)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _page(body: str, heading: Heading, told_at: str) -> str:
    facts = [f"<time>{html.escape(told_at)}</time>"]
    if heading.pipeline:
        facts.append(f"<span>{html.escape(heading.pipeline)}</span>")
    if heading.run:
        facts.append(f"<span>run {html.escape(heading.run)}</span>")
    title = html.escape(heading.title)
    # A report whose first line is its own title does not say it twice.
    body = re.sub(
        rf"(?s)\A(\W*(?:<div[^>]*>\s*)*)<h1[^>]*>\s*{re.escape(title)}\s*</h1>", r"\1", body
    )
    return (
        "<!DOCTYPE html>\n"
        '<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>\n{_stylesheet()}</style></head>\n<body>\n"
        f'<header><h1>{title}</h1><p class="facts">{"".join(facts)}</p></header>\n'
        f"<main>\n{body}\n</main>\n</body></html>\n"
    )


@cache
def _stylesheet() -> str:
    # Named as text: pygments brings no types.
    HtmlFormatter = import_module("pygments.formatters").HtmlFormatter  # noqa: N806

    own = files("jupyter_etl.publishing.reports").joinpath("report.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"
