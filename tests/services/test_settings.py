from __future__ import annotations

from pathlib import Path

import pytest

from jupyter_etl.errors import DeclarationError
from jupyter_etl.runner.limits import Limits
from jupyter_etl.services import Etl, Settings


def test_everything_follows_from_home() -> None:
    settings = Settings.from_env({"JUPYTER_ETL_HOME": "/srv/etl", "TZ": "Europe/Paris"})
    assert settings.home == Path("/srv/etl")
    assert settings.ledger == "sqlite:////srv/etl/ledger.sqlite"
    assert settings.lake == "/srv/etl/lake"
    assert settings.timezone == "Europe/Paris"
    assert settings.autostart is True
    assert settings.workers >= 1
    assert settings.alerts == ()


@pytest.mark.parametrize("name", ["50% of it", "what?", "a%41b", "plain"])
def test_any_folder_may_be_the_home(tmp_path: Path, name: str) -> None:
    settings = Settings.from_env({}, home=str(tmp_path / name))
    etl = Etl.open(settings)
    etl.close()
    assert {file.name for file in (tmp_path / name).iterdir()} == {
        "ledger.sqlite",
        ".ledger.sqlite.id",
    }
    assert Settings.from_env(settings.environ()).ledger == settings.ledger


def test_home_is_under_jupyters_data_by_default(user_home: Path) -> None:
    assert Settings.from_env({}).home == user_home / "data" / "etl"


def test_the_environment_and_what_wins_over_it() -> None:
    env = {
        "JUPYTER_ETL_HOME": "/a",
        "JUPYTER_ETL_LEDGER": "postgresql://db/x",
        "JUPYTER_ETL_LAKE": "s3://bucket/lake",
        "JUPYTER_ETL_OWNER": "kim",
        "JUPYTER_ETL_WORKERS": "3",
        "JUPYTER_ETL_AUTOSTART": "off",
        "JUPYTER_ETL_LEASE": "2",
        "JUPYTER_ETL_ALERTS": "https://a.example/x  mailto://b",
        "JUPYTER_ETL_TIMEZONE": "Asia/Tokyo",
    }
    settings = Settings.from_env(env)
    assert (settings.ledger, settings.lake) == ("postgresql://db/x", "s3://bucket/lake")
    assert (settings.owner, settings.workers, settings.autostart) == ("kim", 3, False)
    assert settings.timezone == "Asia/Tokyo"
    assert settings.heartbeat_s < settings.lease_s == 2
    assert settings.alerts == ("https://a.example/x", "mailto://b")
    given = Settings.from_env(env, home="/b", lake="/l", owner="sam", autostart=True, ledger="l")
    assert (given.home, given.lake, given.owner) == (Path("/b"), "/l", "sam")
    assert (given.ledger, given.autostart) == ("l", True)


def test_former_names_are_read_where_the_new_one_is_not_set() -> None:
    former = {"JUPYTER_ETL_BEAT": "3", "JUPYTER_ETL_TICK": "2", "JUPYTER_ETL_STANDBY": "7"}
    settings = Settings.from_env(former)
    assert (settings.heartbeat_s, settings.poll_s, settings.prestart_s) == (3, 2, 7)
    assert Settings.from_env({**former, "JUPYTER_ETL_POLL": "4"}).poll_s == 4


def test_another_process_gets_the_same_settings() -> None:
    settings = Settings.from_env({"JUPYTER_ETL_HOME": "/a", "JUPYTER_ETL_ALERTS": "x y"})
    assert Settings.from_env(settings.environ()) == settings


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WORKERS", "0"),
        ("WORKERS", "many"),
        ("WORKERS", "1.5"),
        ("WORKERS", "inf"),
        *(
            (name, "1e12")
            for name in ("WORKERS", "LEASE", "HEARTBEAT", "POLL", "KEEP_DAYS", "PRESTART")
        ),
        *((name, "9" * 60) for name in ("LEASE", "KEEP_VERSIONS", "MEMORY", "CELL_OUTPUT")),
        ("LEASE", "-1"),
        ("LEASE", "nan"),
        ("HEARTBEAT", "5s"),
        ("POLL", "0"),
        ("MEMORY", "plenty"),
        ("CELL_OUTPUT", "-1MB"),
        ("AUTOSTART", "perhaps"),
        ("TIMEZONE", "Mars/Base"),
    ],
)
def test_a_wrong_value_names_the_variable_and_the_value(name: str, value: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        Settings.from_env({f"JUPYTER_ETL_{name}": value})
    assert f"JUPYTER_ETL_{name}" in caught.value.message
    assert value in caught.value.message
    assert caught.value.hint


def test_limits_are_sizes_and_0_stays_0() -> None:
    env = {"JUPYTER_ETL_HOME": "/a"}
    assert Settings.from_env(env).limits == Limits()
    env |= {"JUPYTER_ETL_MEMORY": "2GB", "JUPYTER_ETL_RUN_OUTPUT": "1 MiB"}
    settings = Settings.from_env(env | {"JUPYTER_ETL_CELL_OUTPUT": "5000"})
    limits = Limits(memory_bytes=2_000_000_000, cell_output_bytes=5_000, run_output_bytes=1_048_576)
    assert settings.limits == limits
    assert Settings.from_env(settings.environ()).limits == limits
    unlimited = Settings.from_env(env | {"JUPYTER_ETL_MEMORY": "0"})
    assert unlimited.limits.memory_for(None) is None
    assert Settings.from_env(unlimited.environ()) == unlimited


def test_blank_values_are_as_if_unset() -> None:
    env = {"JUPYTER_ETL_HOME": "/a", "JUPYTER_ETL_WORKERS": " ", "JUPYTER_ETL_AUTOSTART": ""}
    assert Settings.from_env(env).autostart is True


@pytest.mark.parametrize(
    ("ledger", "named", "owners"),
    [
        ("", "", ()),
        ("postgresql://db/etl", "", ("sam",)),
        ("postgresql://db/etl", "kim  eve kim", ("kim", "eve")),
        ("postgresql://db/etl", "all", ()),
        ("sqlite:////tmp/x.sqlite", "kim", ("kim",)),
    ],
)
def test_whose_pipelines_a_scheduler_runs(ledger: str, named: str, owners: tuple[str, ...]) -> None:
    environ = {"JUPYTER_ETL_FOR": named, "JUPYTER_ETL_LEDGER": ledger}
    settings = Settings.from_env(environ, home="/tmp/home", owner="sam")
    assert settings.runs_for == owners
    assert Settings.from_env(settings.environ()).runs_for == owners
