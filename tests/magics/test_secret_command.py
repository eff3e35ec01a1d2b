"""``%etl secret`` and ``etl.secret`` in a notebook."""

from __future__ import annotations

import getpass
from pathlib import Path

import pytest

import jupyter_etl
from fakes.shell import Notebook
from jupyter_etl.errors import DeclarationError


def test_from_set_to_rm(notebook: Notebook, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(getpass, "getpass", lambda prompt: asked.append(prompt) or "hunter22")
    shown = notebook.card("%etl secret set wh_pw").text
    assert asked == ["Value of wh_pw: "]
    assert "wh_pw is stored" in shown
    assert (home / "secrets" / "wh_pw").read_text() == "hunter22"
    assert jupyter_etl.secret("wh_pw") == "hunter22"
    listed = notebook.card("%etl secret list").text
    assert "1 secret" in listed
    assert "file" in listed
    assert "hunter22" not in shown + listed
    assert notebook.complete("%etl secret rm wh") == ["wh_pw"]
    assert "removed from: file" in notebook.card("%etl secret rm wh_pw").text
    assert "There is no secret 'wh_pw'" in notebook.fails("%etl secret rm wh_pw")[1]


def test_a_frontend_that_cannot_ask(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(prompt: str) -> str:
        raise NotImplementedError("getpass was called, but this frontend does not support it")

    monkeypatch.setattr(getpass, "getpass", refuse)
    problem, _ = notebook.fails("%etl secret set wh_pw")
    said = str(problem)
    assert "There is no terminal to prompt for the value" in said
    assert "JUPYTER_ETL_SECRET_WH_PW" in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "set|list|rm"),
        ("show", "'show'"),
        ("set", "NAME"),
        ("rm", "NAME"),
        ("set a/b", "'a/b'"),
    ],
)
def test_what_is_not_understood(notebook: Notebook, words: str, said: str) -> None:
    problem, shown = notebook.fails(f"%etl secret {words}")
    assert isinstance(problem, DeclarationError)
    assert said in shown


def test_it_does_nothing_inside_a_run(notebook: Notebook, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_CHANNEL", "/nowhere")
    assert "does nothing inside a run" in notebook.card("%etl secret list").text
