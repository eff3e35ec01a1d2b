from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from contracts.publisher_contract import PublisherContract
from jupyter_etl.errors import PublishError
from jupyter_etl.model import PublicationKind, Staged
from jupyter_etl.ports import ReadRequest
from jupyter_etl.publishing.reports.page import Heading, render_report
from jupyter_etl.publishing.reports.publisher import ReportPublisher

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="


def notebook_of(*cells: object) -> str:
    return nbformat.writes(new_notebook(cells=list(cells)))


def shown(**data: object) -> object:
    bundle = {kind.replace("__", "/").replace("_X_", "+"): value for kind, value in data.items()}
    return new_output("display_data", data=bundle)


def rendered(*cells: object, hide_code: bool = False, **heading: str) -> str:
    return render_report(
        notebook_of(*cells), Heading(**{"title": "Daily", **heading}), hide_code=hide_code
    )


class TestReportContract(PublisherContract):
    has_rows = False

    def publisher(self) -> ReportPublisher:
        return ReportPublisher()

    def request(self, folder: Path, content: int) -> Staged:
        notebook = folder.parent / f"executed-{content}.ipynb"
        notebook.write_text(notebook_of(new_markdown_cell(f"Content {content}")))
        return Staged(
            name="daily-sales",
            kind=PublicationKind.REPORT,
            folder=str(folder),
            title="Daily sales",
            options={"notebook": str(notebook)},
        )

    def data(self, content: int) -> None:
        return None

    def test_where_it_lies(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        what = self.committed(self.staged(folders, 1), lake, 3, "run-8/daily-sales")
        assert what.location == f"{lake}/reports/daily-sales/3/index.html"
        page = Path(what.location).read_text()
        assert "<title>Daily sales</title>" in page
        assert "run 8" in page
        assert what.rows is None

    def test_it_has_no_rows(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        what = self.committed(self.staged(folders, 1), lake, 1, "t")
        with pytest.raises(PublishError, match="has no rows"):
            ReportPublisher().read(self.version(what), ReadRequest())

    def test_without_an_executed_notebook(self, folders, lake: str) -> None:  # type: ignore[no-untyped-def]
        staged = self.staged(folders, 1)
        for options in ({}, {"notebook": "absent.ipynb"}):
            with pytest.raises(PublishError, match="no executed notebook"):
                self.committed(replace(staged, options=options), lake, 1, "t")
        Path(staged.options["notebook"]).write_text("{")
        with pytest.raises(PublishError, match="not a notebook"):
            self.committed(staged, lake, 1, "t")


class _Resources(HTMLParser):
    """Collects everything a browser would fetch, and everything it would run."""

    def __init__(self) -> None:
        super().__init__()
        self.fetched: list[str] = []
        self.scripts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        fetching = {"src", "srcset", "data", "poster", "background", "xlink:href", "action"}
        for name, value in attrs:
            if name in fetching or (name == "href" and tag != "a"):
                self.fetched.append(value or "")
            if name == "style" and "url" in (value or ""):
                self.fetched.append(value or "")
            if name.startswith("on"):
                self.scripts.append(name)
            if "javascript:" in (value or "").lower().replace("\n", ""):
                self.scripts.append(value or "")
        if tag in {"script", "iframe", "object", "embed", "form", "base"}:
            self.scripts.append(tag)


def resources(page: str) -> _Resources:
    parser = _Resources()
    parser.feed(page)
    parser.fetched += re.findall(r"url\([^)]*\)|@import[^;]*", page)
    return parser


HOSTILE = [
    '<script src="https://cdn.example/x.js"></script><p>kept</p>',
    '<img src="https://evil.example/x.png" onerror="alert(1)"><p>kept</p>',
    '<p style="background-image:url(https://evil.example/x)">kept</p>',
    '<link rel="stylesheet" href="https://evil.example/x.css"><p>kept</p>',
    "<style>@import 'https://evil.example/x.css';</style><p>kept</p>",
    '<iframe src="https://evil.example"></iframe><p>kept</p>',
    '<a href="javascript:alert(1)">kept</a>',
    '<a href="data:text/html,<script>alert(1)</script>">kept</a>',
    '<svg onload="alert(1)"><script>alert(1)</script></svg><p>kept</p>',
    "<math><mtext><img src=x onerror=alert(1)></mtext></math><p>kept</p>",
    '<form action="https://evil.example"><input></form><p>kept</p>',
    '<base href="https://evil.example/"><p>kept</p>',
    '<img src="data:text/html;base64,PHNjcmlwdD4="><p>kept</p>',
    '<video poster="https://evil.example/x" src="https://evil.example/y"></video><p>kept</p>',
    '<table background="https://evil.example/x"><tr><td>kept</td></tr></table>',
    '<meta http-equiv="refresh" content="0;url=https://evil.example"><p>kept</p>',
]


@pytest.mark.parametrize("source", HOSTILE)
def test_hostile_html_fetches_and_runs_nothing(source: str) -> None:
    page = rendered(
        new_markdown_cell(f"Text\n\n{source}\n"),
        new_code_cell("x", outputs=[shown(text__html=source, text__plain="x")]),
        new_code_cell("y", outputs=[shown(text__markdown=source, text__plain="x")]),
    )
    found = resources(page)
    assert [address for address in found.fetched if not address.startswith("data:image/")] == []
    assert found.scripts == []
    assert page.count("kept") == 3
    assert 'http-equiv="refresh"' not in page


def test_an_ordinary_report_asks_no_host_for_anything() -> None:
    page = rendered(
        new_markdown_cell("## Delays\n\n$a < b$ and [more](https://example.org/more)"),
        new_code_cell(
            "frame",
            outputs=[
                shown(image__png=PNG, text__plain="<Figure>"),
                shown(text__html="<table><tr><td>1</td></tr></table>", text__plain="x"),
                new_output("stream", text="a \x1b[31mred\x1b[0m word"),
            ],
        ),
    )
    found = resources(page)
    assert [address[:22] for address in found.fetched] == ["data:image/png;base64,"]
    assert not found.scripts
    assert "default-src 'none'" in page
    assert '<h2 id="Delays">' in page
    assert 'href="https://example.org/more"' in page
    assert "a &lt; b" in page
    assert "prefers-color-scheme: dark" in page
    assert "@media print" in page
    assert PNG[:40] in page


def test_a_drawing_becomes_an_image() -> None:
    drawing = "<svg width='4'><title>Delays</title><circle r='1'/></svg>"
    page = rendered(
        new_code_cell("a", outputs=[shown(image__svg_X_xml=drawing, text__plain="x")]),
        new_code_cell("b", outputs=[shown(text__html=f"<p>see</p>{drawing}")]),
    )
    codes = re.findall(r'alt="Delays" src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(codes) == 2
    assert all(b"<circle" in base64.b64decode(code) for code in codes)


@pytest.mark.parametrize(
    "bundle",
    [
        {"application__vnd.jupyter.widget-view_X_json": {}, "text__plain": "IntSlider()"},
        {"application__javascript": "alert(1)", "text__plain": "<Javascript>"},
        {"application__vnd.plotly.v1_X_json": {}},
        {"text__html": "<div id='p'></div><script>draw()</script>", "text__plain": "Figure()"},
    ],
)
def test_what_needs_scripts_is_left_out_and_reported(bundle: dict[str, object]) -> None:
    page = rendered(new_code_cell("x", outputs=[shown(**bundle)]), hide_code=True)
    assert page.count("An interactive output is left out") == 1
    assert "Slider" not in page
    assert "alert" not in page


@pytest.mark.parametrize(
    "frame",
    [
        '<iframe srcdoc="&lt;script&gt;map()&lt;/script&gt;"></iframe>',
        '<VIDEO controls><source src="https://evil.example/v"></VIDEO>',
        "<canvas id='c'></canvas>",
    ],
)
def test_what_comes_in_a_frame_of_its_own_is_left_out_and_reported(frame: str) -> None:
    page = rendered(new_code_cell("x", outputs=[shown(text__html=f"<p>a map</p>{frame}")]))
    assert "<p>a map</p>" in page
    assert page.count("An interactive output is left out") == 1
    assert "evil" not in page
    assert "map()" not in page


@pytest.mark.parametrize("place", ["plot.png", "https://evil.example/x.png", "//evil.example/x"])
def test_a_picture_from_elsewhere_is_left_out_and_reported(place: str) -> None:
    page = rendered(
        new_markdown_cell(f"![plot]({place})"),
        new_code_cell("x", outputs=[shown(text__html=f'<img src="{place}">')]),
    )
    codes = re.findall(r'src="data:image/svg\+xml;base64,([^"]+)"', page)
    assert len(codes) == 2
    assert all(b"is left out of this report" in base64.b64decode(code) for code in codes)
    assert place not in page


def test_a_picture_stands_in_for_what_needs_scripts() -> None:
    bundle = {"text__html": "<script>draw()</script>", "image__png": PNG, "text__plain": "x"}
    page = rendered(new_code_cell("x", outputs=[shown(**bundle)]))
    assert PNG[:40] in page
    assert "left out" not in page


def test_code_is_shown_or_hidden() -> None:
    cell = new_code_cell("secret_sauce = 1", outputs=[new_output("stream", text="done")])
    assert "secret_sauce" in rendered(cell)
    hidden = rendered(cell, hide_code=True)
    assert "secret_sauce" not in hidden
    assert "done" in hidden


@pytest.mark.parametrize("tag", ["hide", "parameters", "injected-parameters"])
def test_tagged_cells_are_hidden(tag: str) -> None:
    cell = new_code_cell(
        "gone = 1", metadata={"tags": [tag]}, outputs=[new_output("stream", text="also gone")]
    )
    page = rendered(cell, new_markdown_cell("stays"))
    assert "gone" not in page
    assert "stays" in page


def test_the_header_is_escaped_and_shows_when_and_whose() -> None:
    page = rendered(
        new_markdown_cell("x"),
        title="<b>Sales & more</b>",
        pipeline="daily<i>",
        run="42",
        at="2026-02-09T06:00:00+01:00",
    )
    assert "<h1>&lt;b&gt;Sales &amp; more&lt;/b&gt;</h1>" in page
    assert "daily&lt;i&gt;" in page
    assert "run 42" in page
    assert "9 February 2026, 05:00 UTC" in page


def test_a_title_that_the_notebook_has_too_stands_once() -> None:
    page = rendered(new_markdown_cell("# Daily\n\nText"))
    assert len(re.findall(r"<h1[^>]*>", page)) == 1


def test_an_error_of_a_cell_is_shown() -> None:
    error = new_output("error", ename="E", evalue="v", traceback=["\x1b[31mValueError\x1b[0m: v"])
    assert "ValueError" in rendered(new_code_cell("x", outputs=[error]))


def test_rows_are_refused(tmp_path: Path) -> None:
    import pyarrow as pa

    request = Staged(name="r", kind=PublicationKind.REPORT, folder=str(tmp_path))
    with pytest.raises(PublishError, match="not from rows"):
        ReportPublisher().stage(request, pa.table({"x": [1]}).to_reader())


def test_remarks_of_the_platform_go_with_the_code() -> None:
    remark = new_output(
        "display_data",
        data={"text/plain": "3 checks pass"},
        metadata={"jupyter_etl": {"card": True}},
    )
    cell = new_code_cell("check()", outputs=[remark, shown(text__plain="the result")])
    assert "3 checks pass" in rendered(cell)
    page = rendered(cell, hide_code=True)
    assert "3 checks pass" not in page
    assert "the result" in page
