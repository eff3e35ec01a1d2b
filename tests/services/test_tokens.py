"""Tokens of consumers: created, listed, revoked, kept by backups."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fakes.clock import FakeClock
from jupyter_etl.errors import Conflict, DeclarationError, EtlError, NotFound, PermissionDenied
from jupyter_etl.runner.channel.sockets import CHANNEL
from jupyter_etl.services import Etl
from jupyter_etl.services.maintenance.backups import backup, restore
from jupyter_etl.services.settings import Settings
from jupyter_etl.services.tokens import Tokens, TokenState, digest_of, state_of


def tokens_of(etl: Etl, owner: str, **changes: str) -> Tokens:
    settings = replace(etl.settings, owner=owner, **changes)
    return Tokens(etl.store, etl.clock, settings, etl.redactor)


def test_a_new_token_has_its_value_once(etl: Etl, home: Path) -> None:
    made = etl.tokens.create("shop", read=["sales.*", "sales.*"], call=["score"], rate="5/s")
    assert re.fullmatch(r"jetl_[\w-]{43}", made.value)
    assert made.token.digest == digest_of(made.value)
    assert (made.token.read, made.token.call, made.token.rate) == (("sales.*",), ("score",), 5.0)
    assert etl.tokens.list() == [made.token]
    other = etl.tokens.create("other", read=["*"])
    assert other.value != made.value
    shown = f"{made!r}{made.token!r}{etl.tokens.rows()!r}"
    assert made.value not in shown
    assert made.token.digest not in shown
    assert made.value.encode() not in (home / "ledger.sqlite").read_bytes()
    assert etl.redactor.redact(f"x {made.value} y") == "x [secret token shop] y"


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [
        ("", {"read": ["a"]}, "token name is empty"),
        ("a/b", {"read": ["a"]}, "'a/b' is not a valid token name"),
        ("shop", {}, "could read and call nothing"),
        ("shop", {"read": ["a[b]"]}, r"'a\[b\]' is not a valid glob"),
        ("shop", {"call": ["a", ""]}, "glob is empty"),
        ("shop", {"read": ["a"], "rate": "fast"}, "rate 'fast' is invalid"),
        ("shop", {"read": ["a"], "rate": 0}, "rate is 0/s"),
        ("shop", {"read": ["a"], "rate": float("nan")}, "rate is nan"),
        ("shop", {"read": ["a"], "expires_s": -1}, "expires_s is -1"),
        ("shop", {"read": ["a"], "expires_s": 1e12}, "expires_s is"),
    ],
)
def test_what_is_refused(etl: Etl, name: str, arguments: dict[str, object], said: str) -> None:
    with pytest.raises(DeclarationError, match=said):
        etl.tokens.create(name, **arguments)  # type: ignore[arg-type]
    assert etl.tokens.list() == []


def test_a_name_is_not_used_again(etl: Etl) -> None:
    etl.tokens.create("shop", read=["a"])
    etl.tokens.revoke("shop")
    with pytest.raises(Conflict, match="already a token 'shop'"):
        etl.tokens.create("shop", read=["a"])


def test_a_token_expires(etl: Etl) -> None:
    clock = FakeClock(datetime(2026, 1, 1, tzinfo=UTC))
    tokens = Tokens(etl.store, clock, etl.settings, etl.redactor)  # type: ignore[arg-type]
    token = tokens.create("shop", read=["a"], expires_s=90 * 86_400.0).token
    assert token.expires_at == clock.now() + timedelta(days=90)
    assert state_of(token, token.expires_at - timedelta(microseconds=1)) is TokenState.VALID
    assert state_of(token, token.expires_at) is TokenState.EXPIRED
    clock.advance(90 * 86_400.0)
    assert [row.state for row in tokens.rows()] == [TokenState.EXPIRED]


def test_inside_a_run_no_token_is_created(etl: Etl, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CHANNEL, "/nowhere")
    with pytest.raises(PermissionDenied, match="executed notebook"):
        etl.tokens.create("shop", read=["a"])
    assert etl.tokens.list() == []


def test_its_owner_and_that_of_the_home_revoke_a_token(etl: Etl, home: Path) -> None:
    etl.tokens.create("shop", read=["a"])
    with pytest.raises(PermissionDenied, match="belongs to 'sam', not to 'eve'"):
        tokens_of(etl, "eve").revoke("shop")
    shared = tokens_of(etl, home.owner(), ledger="postgresql://db/etl")
    with pytest.raises(PermissionDenied):
        shared.revoke("shop")
    revoked = tokens_of(etl, home.owner()).revoke("shop")
    assert (revoked.revoked_by, state_of(revoked, etl.clock.now())) == (
        home.owner(),
        TokenState.REVOKED,
    )
    assert etl.tokens.revoke("shop") == revoked


@pytest.mark.parametrize(
    ("name", "error"), [("shpo", NotFound), ("", DeclarationError), ("a\0b", DeclarationError)]
)
def test_what_cannot_be_revoked(etl: Etl, name: str, error: type[EtlError]) -> None:
    etl.tokens.create("shop", read=["a"])
    with pytest.raises(error):
        etl.tokens.revoke(name)


def test_a_revoked_token_stays_revoked_after_a_restore(etl: Etl, tmp_path: Path) -> None:
    kept, ended = (etl.tokens.create(name, read=["a"]).token for name in ("kept", "ended"))
    settings = Settings.from_env()
    copy = backup(settings, tmp_path / "copy.sqlite", now=etl.clock.now()).path
    etl.tokens.create("later", read=["a"])
    revoked = etl.tokens.revoke("ended")
    etl.close()
    restore(settings, copy, now=etl.clock.now())
    opened = Etl.open(settings)
    assert opened.tokens.list() == [revoked, kept]
    assert ended.digest == revoked.digest
    opened.close()
