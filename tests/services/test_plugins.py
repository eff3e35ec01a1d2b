from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from jupyter_etl.errors import DeclarationError, MissingDependency, NotFound, PermissionDenied
from jupyter_etl.model import PublicationKind, SourceKind
from jupyter_etl.services import plugins
from jupyter_etl.services.plugins import block_names, load_block
from jupyter_etl.services.reading import connector_for, publisher_for
from jupyter_etl.services.secrets import (
    EnvironmentSecrets,
    FileSecrets,
    default_vault,
    known_values,
)


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


def test_a_missing_package_shows_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
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
