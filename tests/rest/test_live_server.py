"""A real Jupyter server that dies, and a scheduler that does not."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from fakes.patience import until

WAIT = "import os, time\nwhile not os.path.exists('go'): time.sleep(0.1)"
CELLS = ["print('one')", WAIT, "print('two')"]


def notebook() -> str:
    cells = [
        {
            "cell_type": "code",
            "id": f"c{n}",
            "source": source,
            "metadata": {},
            "outputs": [],
            "execution_count": None,
        }
        for n, source in enumerate(CELLS)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3"}}
    return json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5})


class Live:
    """A Jupyter server process with its own home."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.root = home / "work"
        self.root.mkdir(exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}/user/someone/"
        env = {
            **os.environ,
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "JUPYTER_ETL_HOME": str(home / "etl"),
            "JUPYTER_ETL_AUTOSTART": "1",
            # It makes one run, for which a fork server would cost more than it saves.
            "JUPYTER_ETL_WARM": "0",
        }
        self.log = home / "server.log"
        (home / "config").mkdir(exist_ok=True)
        enabled = {"ServerApp": {"jpserver_extensions": {"jupyter_etl": True}}}
        (home / "config" / "jupyter_server_config.json").write_text(json.dumps(enabled))
        options = [
            f"--ServerApp.port={port}",
            "--ServerApp.port_retries=0",
            "--ServerApp.base_url=/user/someone/",
            f"--ServerApp.root_dir={self.root}",
            "--ServerApp.allow_root=True",
            "--ServerApp.open_browser=False",
            "--IdentityProvider.token=live",
        ]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "jupyter_server", *options],
                env=env,
                cwd=self.root,
                stdout=log,
                stderr=log,
            )

    def ask(self, path: str, body: object = None):
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}etl/v1{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": "token live", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            return json.loads(answer.read())

    def schedulers(self) -> list[dict]:
        try:
            return self.ask("/summary")["schedulers"]
        except OSError:
            return []

    def until(self, what, happens):
        """Return the first true answer."""
        try:
            return until(what, happens, every_s=0.2)
        except AssertionError:
            raise AssertionError(f"{what}\n{self.log.read_text()[-4000:]}") from None


@pytest.fixture
def live(tmp_path: Path) -> Iterator[Live]:
    server = Live(tmp_path)
    (server.root / "slow.ipynb").write_text(notebook())
    yield server
    server.process.kill()
    server.process.wait()
    # What outlives the server on purpose, and nothing else: it names this test's own folder.
    for process in psutil.process_iter():
        try:
            if process.environ().get("JUPYTER_ETL_HOME") == str(tmp_path / "etl"):
                process.kill()
        except psutil.Error:
            continue


@pytest.mark.kernel
@pytest.mark.slow
def test_the_run_continues_when_the_server_is_killed(live: Live) -> None:
    (scheduler,) = live.until("no scheduler", live.schedulers)
    assert scheduler["pid"] != live.process.pid
    live.ask("/pipelines", {"notebook": "slow.ipynb"})
    run = live.ask("/pipelines/slow/trigger", {})["id"]
    live.until("not running", lambda: live.ask(f"/runs/{run}")["state"] == "running")

    live.process.send_signal(signal.SIGKILL)
    live.process.wait()
    assert psutil.pid_exists(scheduler["pid"])

    again = Live(live.home)
    try:
        again.until("no server", again.schedulers)
        (live.root / "go").touch()
        ended = again.until("not finished", lambda: finished(again, run))
        assert ended["outcome"] == "succeeded", ended
        assert ended["attempts"] == 1
        assert [s["pid"] for s in again.schedulers()] == [scheduler["pid"]]
        cells = again.ask(f"/runs/{run}/notebook")["cells"]
        said = [output["text"] for cell in cells for output in cell["outputs"]]
        assert "".join("".join(text) for text in said) == "one\ntwo\n"
    finally:
        again.process.terminate()
        assert again.process.wait(60) == 0
    assert "Traceback" not in again.log.read_text()


def finished(server: Live, run: int) -> dict | None:
    try:
        found = server.ask(f"/runs/{run}")
    except OSError:
        return None
    return found if found["finished_at"] else None
