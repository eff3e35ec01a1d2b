"""A real ``jupyter lab`` with a home of its own, for the browser tests and the screenshots."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
BASE_URL = "/user/someone/"
"""As behind JupyterHub: no address may be taken to begin at the root."""

TOKEN = "ui-test"
PATIENCE_S = 120


@dataclass(frozen=True)
class Lab:
    """A running JupyterLab.

    Args:
        url: Its address, with the base URL and a slash at the end.
        root: The folder its file browser shows.
        etl_home: ``JUPYTER_ETL_HOME`` of the server, its kernels and the scheduler it starts.
    """

    url: str
    root: Path
    etl_home: Path

    def ask(self, path: str, body: object = None, *, method: str | None = None) -> Any:
        """Ask the platform's REST API; returns the JSON of the answer."""
        request = urllib.request.Request(  # noqa: S310
            f"{self.url}etl/v1/{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:  # noqa: S310
            return json.loads(answer.read() or b"null")

    def deploy(self, notebook: str, when: str = "every day at 06:00", **more: object) -> None:
        """Deploy a notebook, as the dialog does."""
        self.ask("pipelines", {"notebook": notebook, "when": when, "timezone": "UTC", **more})

    def wait_for_run(self, pipeline: str, state: str) -> dict[str, Any]:
        """Return the newest run of a pipeline once it is in a state."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            items: list[dict[str, Any]] = self.ask(f"runs?pipeline={pipeline}&limit=1")["items"]
            if items and items[0]["state"] == state:
                return items[0]
            time.sleep(0.1)
        raise AssertionError(f"No run of {pipeline} came to {state}: {items}")


@contextmanager
def running_lab(
    home: Path, root: Path, etl_home: Path, *, application: str = "jupyterlab"
) -> Iterator[Lab]:
    """Start JupyterLab, and end it with the scheduler that it left behind.

    Args:
        home: An empty folder: HOME, settings and workspaces of the server.
        root: The folder the file browser shows.
        etl_home: Ledger, lake and runs.
        application: The module that is started: ``jupyterlab`` or ``notebook``.

    Raises:
        RuntimeError: It did not start; the message is its log.
    """
    _answer_before_it_asks(home)
    url = f"http://127.0.0.1:{(port := _free_port())}{BASE_URL}"
    with (home / "lab.log").open("wb") as log:
        server = subprocess.Popen(
            [
                sys.executable,
                *("-m", application, "--no-browser", "--allow-root", "--ip=127.0.0.1"),
                *(f"--port={port}", "--ServerApp.port_retries=0"),
                *(f"--IdentityProvider.token={TOKEN}", f"--ServerApp.base_url={BASE_URL}"),
                *(f"--ServerApp.root_dir={root}", "--LabApp.extension_manager=readonly"),
                *(
                    f"--{one}.expose_app_in_browser=True"
                    for one in ("LabApp", "JupyterNotebookApp")
                ),
            ],
            env=_environment(home, etl_home),
            cwd=root,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            _wait_until_it_answers(server, url, home / "lab.log")
            yield Lab(url, root, etl_home)
        finally:
            _end(server)
            end_schedulers(etl_home)


def end_schedulers(etl_home: Path) -> None:
    """End what outlives the server on purpose: the processes that name this home."""
    left = []
    for process in psutil.process_iter():
        try:
            if process.environ().get("JUPYTER_ETL_HOME") == str(etl_home):
                process.terminate()
                left.append(process)
        except psutil.Error:
            continue
    for process in psutil.wait_procs(left, timeout=10)[1]:
        process.kill()


def _environment(home: Path, etl_home: Path) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("JUPYTER_ETL_")}
    return {
        **inherited,
        "HOME": str(home),
        "IPYTHONDIR": str(home / "ipython"),
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "JUPYTER_ETL_HOME": str(etl_home),
        "JUPYTER_ETL_OWNER": "sam",
        "JUPYTER_ETL_TIMEZONE": "UTC",
        "JUPYTER_ETL_POLL": "0.1",
        "JUPYTER_ETL_PRESTART": "0",
    }


def _answer_before_it_asks(home: Path) -> None:
    """JupyterLab asks a new user whether to fetch its news."""
    quiet = home / "settings" / "@jupyterlab" / "apputils-extension"
    quiet.mkdir(parents=True)
    (quiet / "notification.jupyterlab-settings").write_text(
        '{"fetchNews": "false", "checkForUpdates": false}'
    )


def _wait_until_it_answers(server: subprocess.Popen[bytes], url: str, log: Path) -> None:
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        if server.poll() is not None:
            break
        try:
            urllib.request.urlopen(f"{url}api?token={TOKEN}", timeout=1).close()  # noqa: S310
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text()}")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(10)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
