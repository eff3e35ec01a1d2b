"""Providers of secrets, and the vault that asks them."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import keyring
import pytest
from keyring.backends.fail import Keyring as NoBackend

from contracts.secrets_contract import VALUE, ReadOnlySecretsContract, SecretsContract
from fakes.secret_places import FakeKeyring, MemoryBackend, MemorySecrets
from jupyter_etl.errors import (
    DeclarationError,
    MissingDependency,
    NotFound,
    PermissionDenied,
    SourceError,
)
from jupyter_etl.model import PublicationKind, Source, SourceKind
from jupyter_etl.ports import Secrets
from jupyter_etl.runner.kernel.kernels import kernel_environment
from jupyter_etl.services import plugins
from jupyter_etl.services.plugins import block_names, load_block
from jupyter_etl.services.reading import connector_for, publisher_for
from jupyter_etl.services.secrets import (
    EnvironmentSecrets,
    FileSecrets,
    KeyringSecrets,
    Vault,
    default_vault,
    known_values,
)


class TestEnvironment(ReadOnlySecretsContract):
    @pytest.fixture(autouse=True)
    def empty(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in [name for name in os.environ if name.startswith("JUPYTER_ETL_SECRET_")]:
            monkeypatch.delenv(name)
        self.monkeypatch = monkeypatch

    def provider(self) -> Secrets:
        return EnvironmentSecrets()

    def put(self, name: str, value: str) -> None:
        self.monkeypatch.setenv(EnvironmentSecrets.variable(name), value)


class TestFiles(SecretsContract):
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path) -> None:
        self.home = tmp_path

    def provider(self) -> Secrets:
        return FileSecrets(self.home / "secrets")

    def test_other_users_cannot_read_them(self) -> None:
        before = os.umask(0)
        try:
            self.put("wh_pw", VALUE)
        finally:
            os.umask(before)
        path = self.home / "secrets" / "wh_pw"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert [entry.name for entry in path.parent.iterdir()] == ["wh_pw"]

    def test_an_open_folder_is_refused(self) -> None:
        self.put("wh_pw", VALUE)
        folder = self.home / "secrets"
        folder.chmod(0o750)
        for refused in (lambda: self.provider().get("wh_pw"), lambda: self.put("other", VALUE)):
            with pytest.raises(PermissionDenied) as caught:
                refused()
            assert caught.value.hint == f"chmod 700 {folder}"

    def test_a_name_is_no_path(self) -> None:
        for name in ("../outside", "a/b", ".hidden", ""):
            with pytest.raises(DeclarationError):
                self.put(name, VALUE)
        assert not list(self.home.rglob("*outside*"))


class TestKeyring(SecretsContract):
    lists = False

    @pytest.fixture(autouse=True)
    def keyring(self) -> None:
        self.held = FakeKeyring()

    def provider(self) -> Secrets:
        return KeyringSecrets(self.held)

    def test_a_server_without_a_keyring_continues(self) -> None:
        self.held.locked = True
        assert self.provider().get("wh_pw") is None
        assert self.provider().remove("wh_pw") is False
        with pytest.raises(PermissionDenied) as caught:
            self.provider().set("wh_pw", VALUE)
        assert "--in file" in caught.value.hint
        assert VALUE not in str(caught.value)


class TestPackageKeyring(SecretsContract):
    lists = False

    @pytest.fixture(autouse=True)
    def backend(self) -> Iterator[None]:
        before = keyring.get_keyring()
        keyring.set_keyring(MemoryBackend())
        yield
        keyring.set_keyring(before)

    def provider(self) -> Secrets:
        return KeyringSecrets()

    def test_the_vault_writes_finds_and_removes_it(self, tmp_path: Path) -> None:
        vault = default_vault(tmp_path, "sam")
        assert vault.set("wh_pw", f"{VALUE}\nsecond line", provider="keyring") == "wh_pw"
        assert keyring.get_password("jupyter-etl", "wh_pw") == f"{VALUE}\nsecond line"
        assert vault.value("wh_pw") == f"{VALUE}\nsecond line"
        [named] = vault.list([source("wh", "wh_pw")])
        assert (named.provider, named.problem) == ("keyring", "")
        assert vault.remove("wh_pw") == ["keyring"]
        assert not (tmp_path / "secrets" / "wh_pw").exists()

    def test_a_server_has_the_package_and_no_keyring(self, tmp_path: Path) -> None:
        keyring.set_keyring(NoBackend())
        vault = default_vault(tmp_path, "sam")
        with pytest.raises(NotFound):
            vault.value("wh_pw")
        with pytest.raises(PermissionDenied, match="did not store the secret 'wh_pw': NoKeyring"):
            vault.set("wh_pw", VALUE, provider="keyring")
        vault.set("wh_pw", VALUE)
        assert vault.remove("wh_pw") == ["file"]


class TestPlugIn(SecretsContract):
    @pytest.fixture(autouse=True)
    def empty(self) -> Iterator[None]:
        MemorySecrets.held = {}
        yield
        MemorySecrets.held = {}

    def provider(self) -> Secrets:
        return MemorySecrets()


def test_without_the_package_there_is_no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "keyring", None)
    assert KeyringSecrets().get("wh_pw") is None
    with pytest.raises(MissingDependency) as caught:
        KeyringSecrets().set("wh_pw", VALUE)
    assert "jupyter-etl[keyring]" in caught.value.hint


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[MemorySecrets]]:
    point = EntryPoint("memory", "fakes.secret_places:MemorySecrets", "jupyter_etl.secrets")
    monkeypatch.setattr(
        plugins, "_installed", lambda port: {"memory": point} if port == "secret" else {}
    )
    MemorySecrets.held = {}
    yield MemorySecrets
    MemorySecrets.held = {}


def test_providers_are_asked_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, plug_in: type[MemorySecrets]
) -> None:
    vault = default_vault(tmp_path, "sam")
    plug_in.held["wh_pw"] = "of the plug-in"
    assert vault.value("wh_pw") == "of the plug-in"
    vault.set("wh_pw", "of the file\n")
    assert vault.value("wh_pw") == "of the file"
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "of the environment")
    assert vault.value("wh_pw") == "of the environment"
    monkeypatch.delenv("JUPYTER_ETL_SECRET_WH_PW")
    assert vault.remove("wh_pw") == ["file", "memory"]
    with pytest.raises(NotFound) as caught:
        vault.value("wh_pw")
    assert "jupyter etl secret set wh_pw" in caught.value.hint


def test_a_plug_in_that_fails_is_not_the_platform(tmp_path: Path) -> None:
    class Broken(MemorySecrets):
        def get(self, name: str) -> str | None:
            raise ConnectionError("the vault is sealed")

    vault = Vault({"file": FileSecrets(tmp_path)}, lambda: {"broken": Broken()})
    with pytest.raises(SourceError, match="'broken' failed: ConnectionError: the vault is sealed"):
        vault.value("wh_pw")
    [named] = vault.list([source("wh", "wh_pw")])
    assert (named.provider, named.sources) == ("broken", ("wh",))
    assert "the vault is sealed" in named.problem


def source(name: str, *secrets: str) -> Source:
    return Source(name=name, kind="sql", location="x", declared="x", secrets=secrets, owner="sam")


def test_the_list_has_names_and_no_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_API_KEY_2", VALUE)
    vault = default_vault(tmp_path, "sam")
    vault.set("wh_pw", VALUE)
    found = vault.list([source("wh", "wh_pw"), source("api", "api-key.2"), source("ftp", "gone")])
    reported = [(one.name, one.provider, one.sources) for one in found]
    assert reported == [
        ("api-key.2", "environment", ("api",)),
        ("gone", "", ("ftp",)),
        ("wh_pw", "file", ("wh",)),
    ]
    assert VALUE not in repr(found)
    (tmp_path / "secrets" / "wh_pw").chmod(0o644)
    assert "can be read by other users" in vault.list()[-1].problem


def test_what_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    vault = default_vault(tmp_path, "sam")
    for value in ("", "\n", "abc", "  a  "):
        with pytest.raises(DeclarationError, match="less than 4 characters"):
            vault.set("wh_pw", value)
    with pytest.raises(DeclarationError, match="environment, file, keyring"):
        vault.set("wh_pw", VALUE, provider="files")
    with pytest.raises(PermissionDenied, match="cannot be stored in the environment"):
        vault.set("wh_pw", VALUE, provider="environment")
    with pytest.raises(NotFound):
        vault.remove("wh_pw")
    assert not (tmp_path / "secrets").exists()


def test_removing_shows_where_it_cannot(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vault = default_vault(tmp_path, "sam")
    vault.set("wh_pw", VALUE)
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", VALUE)
    with pytest.raises(PermissionDenied) as caught:
        vault.remove("wh_pw")
    assert "JUPYTER_ETL_SECRET_WH_PW" in caught.value.hint
    assert not (tmp_path / "secrets" / "wh_pw").exists()


def test_a_kernel_has_no_secrets_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", VALUE)
    monkeypatch.setenv("OTHER", "stays")
    env = kernel_environment({})
    assert env["OTHER"] == "stays"
    assert VALUE not in env.values()


def test_every_kind_has_its_block() -> None:
    assert set(block_names("connector")) == {kind.value for kind in SourceKind}
    for kind in SourceKind:
        assert kind.value in connector_for(kind.value).kinds
    for kind in (PublicationKind.TABLE, PublicationKind.FILE, PublicationKind.REPORT):
        assert publisher_for(kind).kind is kind
    assert block_names("executor") == ["local"]
    assert block_names("check_runner") == ["duckdb"]


def test_an_unknown_kind_lists_what_there_is() -> None:
    with pytest.raises(DeclarationError) as caught:
        load_block("connector", "mongo")
    assert "'mongo'" in caught.value.message
    assert "csv" in caught.value.message
    assert "parquet" in caught.value.message
    assert "jupyter_etl.connectors" in caught.value.hint


def test_a_missing_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("fancy", "a_package_that_is_not_there:Fancy", "jupyter_etl.connectors")
    monkeypatch.setattr(plugins, "_installed", lambda port: {"fancy": point})
    with pytest.raises(MissingDependency) as caught:
        load_block("connector", "fancy")
    assert caught.value.hint == "pip install a_package_that_is_not_there"


def test_secrets_of_the_environment_come_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "secrets"
    folder.mkdir(mode=0o700)
    (folder / "wh_pw").write_text("from file\n")
    (folder / "wh_pw").chmod(0o600)
    secret = default_vault(tmp_path, "sam").value
    assert secret("wh_pw") == "from file"
    assert EnvironmentSecrets.variable("wh-pw.2") == "JUPYTER_ETL_SECRET_WH_PW_2"
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "from environment")
    assert secret("wh_pw") == "from environment"


def test_a_secret_that_others_could_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pw"
    path.write_text("x")
    path.chmod(0o640)
    with pytest.raises(PermissionDenied) as caught:
        FileSecrets(tmp_path).get("pw")
    assert caught.value.hint == f"chmod 600 {path}"


def test_a_secret_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotFound) as caught:
        default_vault(tmp_path, "sam").value("nope")
    assert "'nope'" in caught.value.message
    assert "JUPYTER_ETL_SECRET_NOPE" in caught.value.hint


def test_a_secret_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "outside").write_text("x")
    with pytest.raises(DeclarationError):
        FileSecrets(tmp_path / "secrets").get("../outside")


def test_all_values_that_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert known_values(tmp_path) == frozenset()
    monkeypatch.setenv("JUPYTER_ETL_SECRET_WH_PW", "from-env")
    monkeypatch.setenv("JUPYTER_ETL_SECRET_NOTHING", "")
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "token").write_text("from-file\n")
    assert known_values(tmp_path) == {"from-env", "from-file"}
