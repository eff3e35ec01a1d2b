"""``jupyter etl secret``: values go in, names come out."""

from __future__ import annotations

import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from fakes.command import CommandResult
from jupyter_etl.services import Etl

Command = Callable[..., CommandResult]


@pytest.fixture
def pipe(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    return lambda text: monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_from_set_to_rm(
    command: Command, home: Path, etl: Etl, here: Path, pipe: Callable[[str], None]
) -> None:
    pipe("hunter22\n")
    said = command("secret", "set", "wh_pw", "--stdin")
    assert (said.code, said.out) == (0, "")
    path = home / "secrets" / "wh_pw"
    assert path.read_text() == "hunter22"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    etl.sources.declare("wh", "postgresql://db/sales", base=here, secrets=["wh_pw", "ca"])
    listed = command("secret", "list")
    assert "wh_pw   file      wh" in listed.out
    assert "it has no value" in listed.out
    found = json.loads(command("secret", "list", "--json").out)
    assert found == [
        {
            "name": "ca",
            "provider": "",
            "sources": ["wh"],
            "problem": "it has no value",
            "owner": "",
            "allowed": [],
        },
        {
            "name": "wh_pw",
            "provider": "file",
            "sources": ["wh"],
            "problem": "",
            "owner": etl.settings.owner,
            "allowed": [],
        },
    ]
    assert "wh_pw may be sent to: db, https://b.example." in (
        command("secret", "allow", "wh_pw", "db,https://b.example/x").err
    )
    assert "db, https://b.example" in command("secret", "list").out
    assert (
        "wh_pw may be sent to: db." in command("secret", "deny", "wh_pw", "https://b.example").err
    )
    assert command("secret", "allow", "wh_pw").code == 2
    assert command("secret", "allow", "wh_pw", "*").code == 2
    assert etl.secret("wh_pw") == "hunter22"
    assert "Removed wh_pw from: file." in command("secret", "rm", "wh_pw").err
    assert command("secret", "rm", "wh_pw").code == 2
    assert "hunter22" not in listed.out + said.err


def test_without_a_terminal_there_is_a_hint(
    command: Command, home: Path, pipe: Callable[[str], None]
) -> None:
    pipe("hunter22\n")
    said = command("secret", "set", "wh_pw")
    assert said.code == 2
    assert "--stdin" in said.err
    assert "JUPYTER_ETL_SECRET_WH_PW" in said.err
    assert not (home / "secrets").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show"], "'show'"),
        (["set"], "NAME"),
        (["rm"], "NAME"),
        (["set", "wh_pw", "--stdin"], "4 characters"),
        (["set", "a/b", "--stdin"], "'a/b'"),
    ],
)
def test_what_is_not_understood(
    command: Command, pipe: Callable[[str], None], words: list[str], said: str
) -> None:
    pipe("abc")
    refused = command("secret", *words)
    assert refused.code == 2
    assert said in refused.err


def test_the_password_of_a_ledger_is_never_shown(
    command: Command, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = "postgresql://sam:hunter22@127.0.0.1:1/ledger?password=hunter22"
    monkeypatch.setenv("JUPYTER_ETL_LEDGER", url)
    monkeypatch.setenv("JUPYTER_ETL_ALERTS", "https://hooks.example/T0/hunter22")
    for words in (["doctor"], ["doctor", "--json"], ["status"], ["backup"]):
        said = command(*words)
        assert said.code, words
        assert "hunter22" not in said.out + said.err, words
    assert "hunter22" not in repr(Etl.__annotations__) + repr(_settings())


def _settings() -> object:
    from jupyter_etl.services import Settings

    return Settings.from_env()
