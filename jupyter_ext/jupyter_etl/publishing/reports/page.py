"""Rendering of an executed notebook as one HTML page, with nbconvert and nh3, without CDNs."""

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

# The page's own policy forbids what it does not need, so it is as safe from disk as from a server.
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True, kw_only=True)
class Heading:
    """The header of a report.

    Args:
        title: Title of the report.
        pipeline: The pipeline whose run made it; "" interactively.
        run: Id of the run; "" interactively.
        at: ISO instant; "" for the end of the notebook's execution, or now.
    """

    title: str
    pipeline: str = ""
    run: str = ""
    at: str = ""


def render_report(notebook: str, heading: Heading, *, hide_code: bool) -> str:
    """Render an executed notebook.

    Args:
        notebook: JSON text.
        heading: The header of the page.
        hide_code: Whether to omit the inputs of code cells.

    Returns:
        A complete HTML page without scripts and without references to other hosts.

    Raises:
        PublishError: It is not a notebook.
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
    return _page(body, heading, _shown_time(heading, node))


@contextmanager
def _blaming_content() -> Iterator[None]:
    """Convert rendering and cleaning errors to errors of the notebook, which causes them."""
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
    """Remove the output of platform commands, which makes no sense without their code."""
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
        # The page would load these from CDNs.
        require_js_url="",
        jquery_url="",
        mathjax_url="",
        mermaid_js_url="",
        jupyter_widgets_base_url="",
        html_manager_semver_range="",
    )
    body, _ = exporter.from_notebook_node(node)
    # Headings keep their ids for links; the paragraph signs next to them are noise on paper.
    return re.sub(r'<a class="anchor-link"[^>]*>[^<]*</a>', "", str(body))


def _shown_time(heading: Heading, node: NotebookNode) -> str:
    papermill = node.metadata.get("papermill", {})
    text = heading.at or papermill.get("end_time") or papermill.get("start_time") or ""
    try:
        at = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        at = datetime.now(UTC)
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return at.astimezone(UTC).strftime("%d %B %Y, %H:%M UTC").lstrip("0")


def _page(body: str, heading: Heading, shown_time: str) -> str:
    facts = [f"<time>{html.escape(shown_time)}</time>"]
    if heading.pipeline:
        facts.append(f"<span>{html.escape(heading.pipeline)}</span>")
    if heading.run:
        facts.append(f"<span>run {html.escape(heading.run)}</span>")
    title = html.escape(heading.title)
    # Do not repeat the title of a report whose first line is its title.
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
    # Named as a string, because pygments has no type stubs.
    HtmlFormatter = import_module("pygments.formatters").HtmlFormatter  # noqa: N806

    own = files("jupyter_etl.publishing.reports").joinpath("report.css").read_text(encoding="utf-8")
    light = HtmlFormatter(style="default").get_style_defs(".highlight")
    dark = HtmlFormatter(style="github-dark").get_style_defs(".highlight")
    return f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{own}"
