"""Tests of every ledger: tokens of consumers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from contracts.store_values import HOUR, NOW
from jupyter_etl.errors import Conflict, NotFound
from jupyter_etl.model import AccessToken
from jupyter_etl.ports import Store

SHOP = AccessToken(
    name="web-shop",
    digest="a" * 64,
    read=("sales.*", "größen.**"),
    call=("score",),
    owner="ada",
    created_at=NOW,
    expires_at=NOW + HOUR,
    rate=2.5,
)


class TokensContract:
    """Tokens of consumers."""

    def test_a_token_comes_back_as_it_was_saved(self, store: Store) -> None:
        bare = AccessToken(name="bare", digest="b" * 64, owner="kim", created_at=NOW)
        for token in (SHOP, bare):
            store.save_token(token)
            assert store.load_token(token.name) == token
        assert store.load_tokens() == [bare, SHOP]

    def test_a_name_is_used_once(self, store: Store) -> None:
        store.save_token(SHOP)
        store.revoke_token("web-shop", by="ada", now=NOW)
        with pytest.raises(Conflict, match="'web-shop'"):
            store.save_token(replace(SHOP, digest="c" * 64, owner="eve"))
        assert [token.digest for token in store.load_tokens()] == [SHOP.digest]

    def test_an_unknown_token_names_the_nearest(self, store: Store) -> None:
        store.save_token(SHOP)
        for ask in (store.load_token, lambda name: store.revoke_token(name, by="ada", now=NOW)):
            with pytest.raises(NotFound, match="Did you mean 'web-shop'"):
                ask("web-shpo")

    def test_a_token_is_revoked_once(self, store: Store) -> None:
        store.save_token(SHOP)
        revoked = store.revoke_token("web-shop", by="kim", now=NOW)
        assert revoked == replace(SHOP, revoked_at=NOW, revoked_by="kim")
        assert store.revoke_token("web-shop", by="eve", now=NOW + HOUR) == revoked
        assert store.load_tokens() == [revoked]

    def test_the_last_use_never_goes_back(self, store: Store) -> None:
        store.save_token(SHOP)
        for at, expected in ((NOW, NOW), (NOW + HOUR, NOW + HOUR), (NOW, NOW + HOUR)):
            store.note_token_uses({"web-shop": at, "unknown": at})
            assert store.load_token("web-shop").last_used_at == expected
        store.note_token_uses({})
