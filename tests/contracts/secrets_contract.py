"""What every provider of secrets does; a block's test class says how one is made and filled."""

from __future__ import annotations

import pytest

from jupyter_etl.errors import PermissionDenied
from jupyter_etl.ports import Secrets

VALUE = "s3cret ü'\"\\/+ value"


class SecretsContract:
    """Inherit it, and give `provider` and, where it cannot be written, `put`."""

    writable = True
    lists = True

    def provider(self) -> Secrets:
        raise NotImplementedError

    def put(self, name: str, value: str) -> None:
        """Bring a value to where the provider finds it."""
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
    """Of a provider that finds what others have put there; give `put` too."""

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
