"""``%etl token`` in a notebook."""

from __future__ import annotations

import re

import pytest

from fakes.shell import Notebook
from jupyter_etl.errors import DeclarationError


def test_from_create_to_revoke(notebook: Notebook) -> None:
    made = notebook.card("%etl token create web-shop --read sales.* --expires 90d").text
    (value,) = re.findall(r"jetl_[\w-]{43}", made)
    assert "web-shop reads sales.*; valid until" in made
    listed = notebook.card("%etl token list").text
    assert "1 token" in listed
    revoked = notebook.card("%etl token revoke web-shop").text
    assert "web-shop is revoked" in revoked
    history = "".join(notebook.shell.history_manager.input_hist_raw)
    assert value not in listed + revoked + history + str(notebook.shell.user_ns.get("Out"))


@pytest.mark.parametrize(
    ("words", "said"), [("", "create|list|revoke"), ("create", "NAME"), ("create a", "nothing")]
)
def test_what_is_not_understood(notebook: Notebook, words: str, said: str) -> None:
    problem, shown = notebook.fails(f"%etl token {words}")
    assert isinstance(problem, DeclarationError)
    assert said in shown


def test_it_does_nothing_inside_a_run(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_CHANNEL", "/nowhere")
    shown = notebook.card("%etl token create web-shop --read sales.*").text
    assert "does nothing inside a run" in shown
    monkeypatch.delenv("JUPYTER_ETL_CHANNEL")
    assert "0 tokens" in notebook.card("%etl token list").text
