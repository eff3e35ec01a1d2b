"""Opening a run executes nothing, whatever its notebook contains."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.ui

RAN = "window.executed = (window.executed || []).concat('{}')"


def script(name: str) -> str:
    return f"<script>{RAN.format(name)}</script>"


def on_error(name: str) -> str:
    return f'<img src=x onerror="{RAN.format(name)}">'


def svg(name: str) -> str:
    return f"<svg xmlns='http://www.w3.org/2000/svg' onload=\"{RAN.format(name)}\">{script(name)}</svg>"


WIDGET = {
    "w": {
        "model_name": "HTMLModel",
        "model_module": "@jupyter-widgets/controls",
        "model_module_version": "2.0.0",
        "state": {"value": on_error("widget")},
    }
}
SHOWN: dict[str, object] = {
    "text/html": script("html") + on_error("html") + "<p>shown html</p>",
    "image/svg+xml": svg("svg"),
    "application/javascript": RAN.format("javascript"),
    "text/markdown": script("markdown") + on_error("markdown") + "shown markdown",
    "text/latex": "$x$" + on_error("latex"),
    "application/vnd.jupyter.widget-view+json": {"model_id": "w", "version_major": 2},
}
FRAMES = "<iframe srcdoc='<script>parent.executed = [1]</script>'></iframe><p>shown frame</p>"
LINK = f'<a href="javascript:{RAN.format("link")}">click me</a>'


def output(**data: object) -> dict[str, Any]:
    return {"output_type": "display_data", "data": data, "metadata": {}}


def cell(kind: str, source: str, **more: object) -> dict[str, Any]:
    return {
        "cell_type": kind,
        "id": f"c-{abs(hash(source))}",
        "metadata": {"trusted": True},
        "source": source,
        **more,
    }


def harmful() -> str:
    outputs = [output(**{media: content}) for media, content in SHOWN.items()]
    outputs += [output(**{"text/html": FRAMES}), output(**{"text/html": LINK})]
    image = {"image/svg+xml": base64.b64encode(svg("attachment").encode()).decode()}
    page = {"text/html": base64.b64encode(script("page").encode()).decode()}
    text = (
        f"{script('text')}{on_error('text')}\n\n![a](attachment:a.svg) [b](attachment:b.html)"
        " [js](javascript:executed=1)\n\nshown text"
    )
    return json.dumps(
        {
            "cells": [
                cell("markdown", text, attachments={"a.svg": image, "b.html": page}),
                cell("code", "1", outputs=outputs, execution_count=1),
            ],
            "metadata": {
                "kernelspec": {"name": "python3", "display_name": "Python 3"},
                "signature": "sha256:00",
                "trusted": True,
                "widgets": {
                    "application/vnd.jupyter.widget-state+json": {
                        "version_major": 2,
                        "version_minor": 0,
                        "state": WIDGET,
                    }
                },
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def test_opening_a_run_whose_cells_are_marked_trusted_executes_nothing(window, declared, lab):
    number = lab.ask("runs?pipeline=trips")["items"][0]["id"]
    (executed,) = (lab.etl_home / "runs" / f"{number:08}").glob("*/executed.ipynb")
    executed.write_text(harmful())
    kernels = window.kernels()
    window.execute("docmanager:open", path=f"etl-run:{number}.ipynb", factory="Notebook")
    shown = window.notebook
    for text in ("shown text", "shown html", "shown markdown", "shown frame"):
        expect(shown.locator(".jp-RenderedHTMLCommon").get_by_text(text).first).to_be_visible()
    shown.get_by_text("click me").click()
    assert window.page.evaluate("window.executed ?? []") == []
    assert shown.locator("iframe, script").count() == 0
    assert window.kernels() == kernels
    trusted = window.page.evaluate(
        "[...window.jupyterapp.shell.currentWidget.content.model.cells].map(cell => cell.trusted)"
    )
    assert trusted == [False, False]
