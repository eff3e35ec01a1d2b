"""Tests of every provider of secrets; an implementation's test class creates and fills one."""

from __future__ import annotations

import pytest

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.ports import Secrets

VALUE = "s3cret ü'\"\\/+ value"


class SecretsContract:
    """Inherit this, and override `provider` and, if it is read-only, `put`."""

    writable = True
    lists = True

    def provider(self) -> Secrets:
        raise NotImplementedError

    def put(self, name: str, value: str) -> None:
        """Write a value to the place where the provider reads it."""
        self.provider().set(name, value)

    def test_what_is_not_there_is_none(self) -> None:
        assert self.provider().get("wh_pw") is None
        assert self.provider().names() == []
        assert self.provider().remove("wh_pw") is False

    def test_a_value_comes_back_as_it_was(self) -> None:
        self.put("wh_pw", VALUE)
        self.put("api.key-2", "  spaces stay  ")
        assert self.provider().get("wh_pw") == VALUE
        assert self.provider().get("api.key-2") == "  spaces stay  "
        assert self.provider().get("wh") is None

    def test_names_are_sorted_and_without_values(self) -> None:
        for name in ("wh_pw", "api_key"):
            self.put(name, VALUE)
        assert self.provider().names() == (["api_key", "wh_pw"] if self.lists else [])

    def test_a_value_is_replaced_and_removed(self) -> None:
        self.put("wh_pw", "first value")
        self.put("wh_pw", VALUE)
        assert self.provider().get("wh_pw") == VALUE
        if self.writable:
            assert self.provider().remove("wh_pw") is True
            assert self.provider().get("wh_pw") is None
            assert self.provider().remove("wh_pw") is False


class ReadOnlySecretsContract(SecretsContract):
    """For a provider of values that others write; override `put` too."""

    writable = False

    def test_writing_shows_how_else(self) -> None:
        with pytest.raises(PermissionDenied) as caught:
            self.provider().set("wh_pw", VALUE)
        assert caught.value.hint
        assert VALUE not in str(caught.value)

    def test_removing_shows_how_else(self) -> None:
        self.put("wh_pw", VALUE)
        with pytest.raises(PermissionDenied) as caught:
            self.provider().remove("wh_pw")
        assert caught.value.hint
        assert self.provider().get("wh_pw") == VALUE
