"""The extension inside a Jupyter server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from contracts.store_values import claim_one, finish, start
from jupyter_etl.model import AttemptReport, Outcome, RunState
from jupyter_etl.rest.application import EtlExtensionApp
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.watcher import RUN_EVENT
from jupyter_etl.services import Etl
from jupyter_etl.services import etl as facade
from rest.example import add_scheduler

HEAVY = "sqlalchemy pandas duckdb pyarrow deltalake papermill numpy nbclient alembic adbc_driver_manager"


@pytest.fixture
def extension(server) -> Iterator[EtlExtensionApp]:
    (app,) = server.extension_manager.extension_apps["jupyter_etl"]
    yield app
    app.autostart, app.lake = False, ""


async def started(extension: EtlExtensionApp, server) -> None:
    await extension._start_jupyter_server_extension(server)
    await extension._starting


def test_a_server_starts_without_the_heavy_libraries() -> None:
    code = f"""
import sys
before = set(sys.modules)
from jupyter_etl import _jupyter_server_extension_points
(point,) = _jupyter_server_extension_points()
print(sorted(set({HEAVY.split()!r}) & (set(sys.modules) - before)))
print(point["app"].name)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines() == ["[]", "jupyter_etl"]


def test_importing_the_room_imports_nothing_of_jupyter() -> None:
    code = "import sys, jupyter_etl.rest; print('tornado' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "False\n"


async def test_nothing_is_opened_until_it_is_used(extension, server, ask) -> None:
    await started(extension, server)
    assert not server.web_app.settings[SERVICE].is_open
    await ask("/sources")
    assert server.web_app.settings[SERVICE].is_open
    await extension.stop_extension()


@pytest.mark.parametrize("alive", [False, True])
async def test_a_scheduler_is_started_when_none_is_alive(
    extension, server, etl: Etl, monkeypatch, alive: bool
) -> None:
    processes: list[list[str]] = []
    popen = lambda argv, **_: processes.append(argv)  # noqa: E731
    monkeypatch.setattr(facade, "subprocess", SimpleNamespace(Popen=popen, DEVNULL=-3))
    if alive:
        add_scheduler(etl)
    extension.autostart = True
    await started(extension, server)
    up = [sys.executable, "-m", "jupyter_etl.cli", "up"]
    assert processes == ([] if alive else [up])
    await extension.stop_extension()


async def test_a_scheduler_that_cannot_be_started_is_only_logged(
    extension, server, ask, caplog, monkeypatch
) -> None:
    def fail(argv: list[str], **_: object) -> None:
        raise OSError("too many processes")

    monkeypatch.setattr(facade, "subprocess", SimpleNamespace(Popen=fail, DEVNULL=-3))
    extension.autostart = True
    await started(extension, server)
    assert "Run: jupyter etl up" in caplog.text
    assert "too many processes" in caplog.text
    assert (await ask("/summary")).status == 200
    await extension.stop_extension()


async def test_the_environment_decides_where_the_configuration_does_not(
    extension, monkeypatch
) -> None:
    extension.autostart = None
    monkeypatch.setenv("JUPYTER_ETL_AUTOSTART", "0")
    monkeypatch.setenv("JUPYTER_ETL_HOME", "/from/environment")
    monkeypatch.setenv("JUPYTER_ETL_LAKE", "s3://from-environment")
    extension.lake = "s3://from-configuration"
    settings = extension.load_settings()
    assert settings.autostart is False
    assert str(settings.home) == "/from/environment"
    assert settings.lake == "s3://from-configuration"
    extension.autostart = True
    assert extension.load_settings().autostart is True


async def test_progress_reaches_who_listens_on_the_server_s_events(
    extension, server, etl, ask
) -> None:
    heard: asyncio.Queue = asyncio.Queue()

    async def listen(logger, schema_id: str, data: dict) -> None:
        heard.put_nowait((schema_id, data))

    before = datetime.now(UTC).replace(microsecond=0)
    server.event_logger.add_listener(schema_id=RUN_EVENT, listener=listen)
    await started(extension, server)
    await ask("/runs")
    await extension._watcher.poll()
    answer = await ask("/pipelines/delays/trigger", "POST", body={})
    run = answer.json["id"]
    schema_id, data = await asyncio.wait_for(heard.get(), 30)
    assert schema_id == RUN_EVENT
    assert (data["run"], data["pipeline"], data["state"]) == (run, "delays", "queued")
    assert (data["outcome"], data["cell"]) == (None, None)
    claim = claim_one(etl.store, now=etl.clock.now(), run_id=run)
    start(etl.store, claim, now=etl.clock.now())
    report = AttemptReport(outcome=Outcome.TIMED_OUT)
    finish(etl.store, claim, report, state=RunState.FAILED, now=etl.clock.now())
    while data["state"] != "failed":
        _, data = await asyncio.wait_for(heard.get(), 30)
    assert (data["run"], data["outcome"], data["cells"]) == (run, "timed_out", 5)
    assert data["at"].endswith("Z")
    assert before <= datetime.fromisoformat(data["at"]) <= datetime.now(UTC)
    server.event_logger.remove_listener(listener=listen)
    await extension.stop_extension()


async def test_the_panel_receives_them_on_its_websocket(
    extension, server, jp_ws_fetch, etl, ask
) -> None:
    await started(extension, server)
    await ask("/runs")
    await extension._watcher.poll()
    socket = await jp_ws_fetch("api", "events", "subscribe")
    etl.runs.trigger("delays")
    while True:
        event = json.loads(await asyncio.wait_for(socket.read_message(), 30))
        if event["schema_id"] == RUN_EVENT:
            break
    assert event["pipeline"] == "delays"
    socket.close()
    await extension.stop_extension()


async def test_it_stops_cleanly_with_or_without_a_start(
    closed: list[Etl], extension, etl: Etl, ask
) -> None:
    await ask("/sources")
    await extension.stop_extension()
    assert closed == [etl]
    assert (await ask("/sources")).status == 503
    await extension.stop_extension()
