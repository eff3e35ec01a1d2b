"""Pictures attached to texts: in the page if they exist, otherwise noted as left out."""

from __future__ import annotations

import base64
import html
import json
import re

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from jupyter_etl.errors import DeclarationError, PublishError
from jupyter_etl.model import Failure, FailureKind, VerdictKind
from jupyter_etl.publishing.reports import page as report_page
from jupyter_etl.publishing.reports.page import Heading, render_report
from jupyter_etl.scheduling.verdicts import judge

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII="
SVG = '<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>'
LEFT_OUT = "left out of this report"


def page_of(*cells: object) -> str:
    notebook = {"cells": list(cells), "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    return render_report(json.dumps(notebook), Heading(title="Daily"), hide_code=False)


def text(source: str, attachments: object = None) -> object:
    cell = new_markdown_cell(source)
    if attachments is not None:
        dict.__setitem__(cell, "attachments", attachments)
    return cell


def pictures(page: str) -> list[str]:
    """Return the kind of each image of a page, or that it is left out."""
    found = []
    for address in re.findall(r'<img[^>]*\bsrc="([^"]*)"', page):
        head, _, data = html.unescape(address).partition(",")
        content = base64.b64decode(data)
        found.append("left out" if LEFT_OUT.encode() in content else head)
    return found


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("image.png", "image.png"),
        ("image.png", "image%2Epng"),
        ("two words.png", "two%20words.png"),
        ("two%20words.png", "two%20words.png"),
        ("Bildschirmfoto ü 1.png", "Bildschirmfoto%20ü%201.png"),
        ("Bildschirmfoto ü 1.png", "Bildschirmfoto%20%C3%BC%201.png"),
        ("図.png", "図.png"),
        ("a&b.png", "a&b.png"),
        ("100%.png", "100%25.png"),
        ("d41d8cd9-8f00-b204-e980-0998ecf8427e.png", "d41d8cd9-8f00-b204-e980-0998ecf8427e.png"),
    ],
)
@pytest.mark.parametrize("form", ["![x](attachment:{})", '<img src="attachment:{}" width="9">'])
def test_a_picture_is_found_by_its_name(name: str, spelled: str, form: str) -> None:
    page = page_of(text(f"before {form.format(spelled)} behind", {name: {"image/png": PNG}}))
    assert pictures(page) == ["data:image/png;base64"]
    assert PNG in html.unescape(page)


def test_a_name_with_blanks_in_angle_brackets_and_by_reference() -> None:
    cell = text(
        "![x](<attachment:two words.png>)\n\n![y][ref]\n\n[ref]: attachment:b.png",
        {"two words.png": {"image/png": PNG}, "b.png": {"image/jpeg": PNG}},
    )
    assert pictures(page_of(cell)) == ["data:image/png;base64", "data:image/jpeg;base64"]


@pytest.mark.parametrize(
    "attachments",
    [
        None,
        {},
        {"other.png": {"image/png": PNG}},
        {"image.png": {}},
        {"image.png": {"application/pdf": PNG}},
        {"image.png": {"text/html": "<script>alert(1)</script>"}},
        {"image.png": {"image/png": ""}},
    ],
)
@pytest.mark.parametrize(
    "source",
    [
        "![x](attachment:image.png)",
        '![x](attachment:image.png "A title")',
        "a ![x][1] b\n\n[1]: attachment:image.png",
        '<p><img alt="x" src="attachment:image.png"></p>',
        "| a |\n|---|\n| ![x](attachment:image.png) |",
    ],
)
def test_a_lost_picture_is_reported_as_left_out(source: str, attachments: object) -> None:
    page = page_of(text(f"# Title\n\n{source}\n\nThe text.", attachments))
    assert pictures(page) == ["left out"]
    assert "The text." in page
    assert "alert" not in page


@pytest.mark.parametrize("attachments", [{"image.png": None}, {"image.png": "x"}, ["image.png"]])
def test_attachments_of_no_notebook_are_refused_as_such(attachments: object) -> None:
    with pytest.raises(PublishError, match="not a notebook"):
        page_of(text("![x](attachment:image.png)", attachments))


def test_the_attachment_of_another_cell_is_not_this_ones() -> None:
    page = page_of(
        text("![x](attachment:a.png)", {"a.png": {"image/png": PNG}}),
        text("![x](attachment:a.png)"),
    )
    assert pictures(page) == ["data:image/png;base64", "left out"]


def test_output_of_a_cell_that_names_an_attachment() -> None:
    bundle = {"text/markdown": "![x](attachment:a.png)", "text/plain": "x"}
    cell = new_code_cell("x", outputs=[new_output("display_data", data=bundle)])
    assert pictures(page_of(cell)) == ["left out"]


@pytest.mark.parametrize(
    "value", [SVG, [SVG[:20], SVG[20:]], base64.b64encode(SVG.encode()).decode()]
)
def test_a_drawing_as_text_and_in_base64(value: object) -> None:
    page = page_of(text("![x](attachment:a.svg)", {"a.svg": {"image/svg+xml": value}}))
    assert pictures(page) == ["data:image/svg+xml;base64"]
    assert base64.b64encode(SVG.encode()).decode() in page


def test_a_large_picture_and_base64_in_lines() -> None:
    data = base64.encodebytes(base64.b64decode(PNG) + bytes(9_000_000)).decode()
    page = page_of(text("![x](attachment:a.png)", {"a.png": {"image/png": data}}))
    assert len(page) > 12_000_000
    assert pictures(page) == ["data:image/png;base64"]


def test_a_link_to_an_attachment_leads_nowhere() -> None:
    page = page_of(text("[the file](attachment:a.csv)", {"a.csv": {"text/csv": "a"}}))
    assert "the file" in page
    assert "attachment:" not in page


def test_what_cannot_be_rendered_is_the_notebooks_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DeclarationError, match="cannot be rendered: UnicodeEncodeError") as caught:
        page_of(text("half a character: \ud800"))
    assert "'hide'" in caught.value.hint
    verdict = judge(
        Failure(kind=FailureKind.ERROR, error_type="DeclarationError", message=str(caught.value))
    )
    assert (verdict.kind, verdict.retryable) == (VerdictKind.NOTEBOOK, False)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report_page, "clean_outputs", full)
    with pytest.raises(OSError, match="No space"):
        page_of(text("text"))
