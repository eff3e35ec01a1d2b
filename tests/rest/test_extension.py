"""The extension inside a Jupyter server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from dataclasses import replace

import pytest

from fakes.etl import FakeEtl
from jupyter_etl.errors import ExecutionError
from jupyter_etl.model import Outcome, RunState
from jupyter_etl.rest.application import EtlExtensionApp
from jupyter_etl.rest.handler import SERVICE
from jupyter_etl.rest.watcher import RUN_EVENT

HEAVY = "sqlalchemy pandas duckdb pyarrow deltalake papermill numpy nbclient alembic adbc_driver_manager"


@pytest.fixture
def extension(server) -> EtlExtensionApp:
    (app,) = server.extension_manager.extension_apps["jupyter_etl"]
    return app


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


async def test_nothing_is_opened_until_it_is_used(extension, server, etl: FakeEtl, ask) -> None:
    await started(extension, server)
    assert etl.calls == []
    assert not server.web_app.settings[SERVICE].is_open
    await ask("/sources")
    assert server.web_app.settings[SERVICE].is_open
    await extension.stop_extension()


async def test_a_scheduler_is_started_when_none_is_alive(extension, server, etl) -> None:
    extension.autostart = True
    await started(extension, server)
    assert etl.calls == ["start_scheduler"]
    assert len(etl.alive) == 1
    await extension.stop_extension()


async def test_a_scheduler_that_cannot_be_started_is_only_logged(
    extension, server, etl, ask, caplog
) -> None:
    def fail() -> bool:
        raise ExecutionError("The scheduler could not be started.")

    etl.start_scheduler = fail
    extension.autostart = True
    await started(extension, server)
    assert "Run: jupyter etl up" in caplog.text
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

    server.event_logger.add_listener(schema_id=RUN_EVENT, listener=listen)
    await started(extension, server)
    await ask("/runs")
    await extension._watcher.look()
    answer = await ask("/pipelines/delays/trigger", "POST", body={})
    run = answer.json["id"]
    schema_id, data = await asyncio.wait_for(heard.get(), 30)
    assert schema_id == RUN_EVENT
    assert (data["run"], data["pipeline"], data["state"]) == (run, "delays", "queued")
    etl.runs.held[run] = replace(
        etl.runs.held[run], state=RunState.FAILED, outcome=Outcome.TIMED_OUT, cell=None
    )
    _, data = await asyncio.wait_for(heard.get(), 30)
    assert (data["state"], data["outcome"], data["cell"]) == ("failed", "timed_out", None)
    assert data["at"] == "2025-03-03T06:00:00Z"
    await extension.stop_extension()


async def test_the_panel_hears_them_on_its_websocket(
    extension, server, jp_ws_fetch, etl, ask
) -> None:
    await started(extension, server)
    await ask("/runs")
    await extension._watcher.look()
    socket = await jp_ws_fetch("api", "events", "subscribe")
    etl.runs.trigger("delays")
    while True:
        event = json.loads(await asyncio.wait_for(socket.read_message(), 30))
        if event["schema_id"] == RUN_EVENT:
            break
    assert event["pipeline"] == "delays"
    socket.close()
    await extension.stop_extension()


async def test_it_stops_cleanly_with_or_without_a_start(extension, server, etl, ask) -> None:
    await ask("/sources")
    await extension.stop_extension()
    assert etl.closed
    assert (await ask("/sources")).status == 503
    await extension.stop_extension()
