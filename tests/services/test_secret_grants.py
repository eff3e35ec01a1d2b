"""A secret is sent to the servers that its owner has allowed, and to no other."""

from __future__ import annotations

import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jupyter_etl.errors import EtlError, NotFound, PermissionDenied
from jupyter_etl.model import Source
from jupyter_etl.services import Etl, Settings
from jupyter_etl.services.secrets import Vault, default_vault

OURS = "https://api.example/rates"


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    made = default_vault(tmp_path, "sam")
    made.set("key", "canary-value")
    return made


def source(location: str = OURS, *, owner: str = "sam", kind: str = "http") -> Source:
    return Source(name="rates", kind=kind, location=location, secrets=("key",), owner=owner)


def test_the_first_use_binds_and_no_other_server_gets_it(vault: Vault, tmp_path: Path) -> None:
    assert vault.list()[0].allowed == ()
    assert vault.value("key", source()) == "canary-value"
    (listed,) = vault.list()
    assert (listed.owner, listed.allowed) == ("sam", ("https://api.example",))
    grants = tmp_path / "secrets" / ".grants.json"
    assert stat.S_IMODE(grants.stat().st_mode) == 0o600
    assert "canary" not in grants.read_text()
    for location in (
        "https://api.example:444/rates",
        "http://api.example/rates",
        "https://other.example/rates",
        "https://api.example@other.example/rates",
        "https://api.example.other.example/rates",
        "https://{{host}}/rates",
    ):
        with pytest.raises(PermissionDenied) as caught:
            vault.value("key", source(location))
        assert "canary" not in f"{caught.value}{caught.value.data}"
    assert vault.value("key", source("HTTPS://API.EXAMPLE.:443/other")) == "canary-value"
    assert vault.value("key", source(owner="kim")) == "canary-value"


@pytest.mark.parametrize(
    ("location", "kind"),
    [
        (OURS, "http"),
        ("https://api.example@evil.example/a.csv", "csv"),
        ("postgresql://db.example/d", "sql"),
        ("postgresql:///d?host=db.example,evil.example", "sql"),
        ("s3://bucket/a.csv", "csv"),
        ("abc", "sheets"),
    ],
)
def test_a_source_of_others_binds_nothing(vault: Vault, location: str, kind: str) -> None:
    with pytest.raises(PermissionDenied, match="which kim declared") as caught:
        vault.value("key", source(location, owner="kim", kind=kind))
    assert "jupyter etl secret allow key " in caught.value.hint
    assert vault.list()[0].allowed == ()


def test_every_server_of_a_url_must_be_allowed(vault: Vault) -> None:
    vault.allow("key", ["a.example"])
    both = source("postgresql:///d?host=a.example,b.example", kind="sql")
    with pytest.raises(PermissionDenied, match=r"b\.example"):
        vault.value("key", both)
    vault.allow("key", ["b.example"])
    assert vault.value("key", both) == "canary-value"


def test_allow_and_deny(vault: Vault) -> None:
    assert vault.allow("key", ["api.example", "https://b.example/x"]) == (
        "api.example",
        "https://b.example",
    )
    assert vault.value("key", source(owner="kim")) == "canary-value"
    assert vault.deny("key", ["api.example"]) == ("https://b.example",)
    assert vault.deny("key", ["https://b.example"]) == ()
    # What was taken away does not come back by use.
    with pytest.raises(PermissionDenied):
        vault.value("key", source())
    with pytest.raises(NotFound):
        vault.allow("kee", ["api.example"])


def test_a_secret_of_another_owner(vault: Vault, tmp_path: Path) -> None:
    vault.value("key", source())
    kim = default_vault(tmp_path, "kim")
    calls: list[Callable[[], object]] = [
        lambda: kim.value("key"),
        lambda: kim.set("key", "another-value"),
        lambda: kim.remove("key"),
        lambda: kim.allow("key", ["evil.example"]),
        lambda: kim.deny("key", ["https://api.example"]),
        lambda: kim.refuse_others(source(owner="kim"), list),
        lambda: kim.value("key", source("https://evil.example/", owner="kim")),
    ]
    for call in calls:
        with pytest.raises(PermissionDenied):
            call()
    assert vault.value("key") == "canary-value"
    assert kim.list()[0].owner == "sam"


def test_names_that_the_environment_cannot_distinguish_are_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "canary-value")
    default_vault(tmp_path, "sam").value("wh_pw", source())
    with pytest.raises(PermissionDenied):
        default_vault(tmp_path, "kim").value("wh-pw", source("https://evil.example", owner="kim"))


def test_a_removed_secret_may_be_set_by_another_owner(vault: Vault, tmp_path: Path) -> None:
    vault.value("key", source())
    vault.remove("key")
    kim = default_vault(tmp_path, "kim")
    kim.set("key", "another-value")
    assert (kim.list()[0].owner, kim.list()[0].allowed) == ("kim", ())


def test_what_is_not_there_is_bound_to_nothing(tmp_path: Path) -> None:
    vault = default_vault(tmp_path, "sam")
    with pytest.raises(NotFound):
        vault.value("key", source())
    assert not (tmp_path / "secrets").exists()


def test_sources_over_secrets_of_others_are_not_declared(tmp_path: Path) -> None:
    settings = Settings.from_env({}, home=str(tmp_path / "sam"), owner="sam")
    sam = Etl.open(settings)
    kim = Etl.open(replace(settings, home=tmp_path / "kim", owner="kim"))
    try:
        sam.secrets.set("key", "canary-value")
        sam.sources.declare("rates", OURS, base=tmp_path, secrets=["key"])
        with pytest.raises(PermissionDenied, match="belongs to sam"):
            kim.sources.declare("mine", "https://evil.example/", base=tmp_path, secrets=["key"])
        # One of kim's own is another one, and sam's does not go to kim's server.
        kim.secrets.set("key", "another-value")
        kim.sources.declare("mine", "https://evil.example/", base=tmp_path, secrets=["key"])
        for call in (sam.sources.preview, sam.sources.describe):
            with pytest.raises(EtlError, match="which kim declared"):
                call("mine")
    finally:
        sam.close()
        kim.close()
