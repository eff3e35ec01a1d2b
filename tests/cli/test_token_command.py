"""``jupyter etl token``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from fakes.command import CommandResult
from jupyter_etl.services import Etl
from jupyter_etl.services.tokens import digest_of

Command = Callable[..., CommandResult]


def test_from_create_to_revoke(command: Command, etl: Etl) -> None:
    said = command(
        "token", "create", "web-shop", "--read", "sales.*", "brief", "--call", "score",
        "--expires", "90d", "--rate", "5/s", "--json",
    )  # fmt: skip
    made = json.loads(said.out)
    assert (said.code, said.err, list(made)) == (0, "", ["name", "token", "expires_at"])
    token = etl.store.load_token("web-shop")
    assert digest_of(made["token"]) == token.digest
    assert datetime.fromisoformat(made["expires_at"]) == token.created_at + timedelta(days=90)
    (row,) = json.loads(command("token", "list", "--json").out)
    assert (row["name"], row["state"], row["owner"]) == ("web-shop", "valid", "sam")
    assert (row["read"], row["call"], row["rate"]) == (["sales.*", "brief"], ["score"], 5.0)
    listed = command("token", "list")
    assert "sales.*, brief" in listed.out
    revoked = json.loads(command("token", "revoke", "web-shop", "--json").out)
    assert (revoked["name"], revoked["state"], revoked["revoked_by"]) == (
        "web-shop",
        "revoked",
        "sam",
    )
    assert "web-shop is revoked" in command("token", "revoke", "web-shop").err
    assert made["token"] not in f"{row}{listed}{revoked}"


def test_standard_output_is_the_value_only(command: Command) -> None:
    said = command("token", "create", "shop", "--read", "a")
    assert said.out.startswith("jetl_")
    assert len(said.out.split()) == 1
    assert "reads a; valid until it is revoked" in said.err
    assert "There are no" not in command("token", "list").out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("show", 2, "'show'"),
        ("create", 2, "NAME"),
        ("revoke", 2, "NAME"),
        ("revoke nope", 2, "There is no token 'nope'"),
        ("create a --read", 2, "--read"),
        ("create a", 2, "--read sales.*"),
        ("create a --read b --expires soon", 2, "--expires"),
        ("create a --read b --rate 5", 2, "5/s"),
        ("create old --read b", 1, "already a token 'old'"),
    ],
)
def test_what_is_not_understood(
    command: Command, etl: Etl, words: str, code: int, said: str
) -> None:
    etl.tokens.create("old", read=["b"])
    refused = command("token", *words.split())
    assert (refused.code, refused.out) == (code, "")
    assert said in refused.err
