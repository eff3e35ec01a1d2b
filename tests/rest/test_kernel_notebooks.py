"""The server records which notebook each kernel belongs to."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager

from jupyter_etl.notebook.location import notebook_record
from jupyter_etl.rest.kernel_notebooks import KernelNotebooks


class Kernels(MappingKernelManager):
    """Kernels that are running by definition, with their connection files in one folder."""

    folder: Path

    def __contains__(self, kernel_id: object) -> bool:
        return True

    def get_kernel(self, kernel_id: str) -> Any:
        return SimpleNamespace(connection_file=str(self.folder / f"kernel-{kernel_id}.json"))

    def kernel_model(self, kernel_id: str) -> dict[str, str]:
        return {"id": kernel_id}

    def update_env(self, *, kernel_id: str, env: dict[str, str]) -> None:
        pass


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    folder = tmp_path / "runtime"
    folder.mkdir()
    return folder


@pytest.fixture
def sessions(runtime: Path) -> SessionManager:
    kernels = Kernels()
    kernels.folder = runtime
    return SessionManager(kernel_manager=kernels)


@pytest.fixture
def notebooks(sessions: SessionManager, tmp_path: Path) -> KernelNotebooks:
    followed = KernelNotebooks(sessions, tmp_path / "work", logging.getLogger("test"))
    followed.follow()
    return followed


def recorded(runtime: Path, kernel: str) -> str | None:
    record = notebook_record(runtime / f"kernel-{kernel}.json")
    return record.read_text() if record.exists() else None


async def open_session(
    sessions: SessionManager, path: str, kernel: str, *, kind: str = "notebook"
) -> dict[str, Any]:
    return await sessions.save_session(
        f"of-{path}", path=path, name=Path(path).name, type=kind, kernel_id=kernel
    )


async def test_opened_renamed_and_moved(
    sessions: SessionManager, notebooks: KernelNotebooks, runtime: Path, tmp_path: Path
) -> None:
    model = await open_session(sessions, "Untitled.ipynb", "k1")
    assert model["path"] == "Untitled.ipynb"
    assert recorded(runtime, "k1") == str(tmp_path / "work" / "Untitled.ipynb")
    for path in ("sales.ipynb", "reports/2026/Größe 1.ipynb", "/reports/sales.ipynb"):
        await sessions.update_session(model["id"], path=path, name=Path(path).name)
        assert recorded(runtime, "k1") == str(tmp_path / "work" / path.lstrip("/"))


async def test_each_kernel_has_its_own(
    sessions: SessionManager, notebooks: KernelNotebooks, runtime: Path, tmp_path: Path
) -> None:
    first = await open_session(sessions, "a.ipynb", "k1")
    await open_session(sessions, "b.ipynb", "k2")
    # "Change Kernel" gives a session another one.
    await sessions.update_session(first["id"], kernel_id="k3")
    kept = {kernel: recorded(runtime, kernel) for kernel in ("k2", "k3")}
    work = tmp_path / "work"
    assert kept == {"k2": str(work / "b.ipynb"), "k3": str(work / "a.ipynb")}


@pytest.mark.parametrize(("path", "kind"), [("console-1", "console"), ("load.py", "file")])
async def test_only_notebooks_are_recorded(
    sessions: SessionManager, notebooks: KernelNotebooks, runtime: Path, path: str, kind: str
) -> None:
    await open_session(sessions, path, "k1", kind=kind)
    assert recorded(runtime, "k1") is None


async def test_a_session_opens_though_nothing_can_be_recorded(
    sessions: SessionManager, notebooks: KernelNotebooks, runtime: Path, caplog
) -> None:
    runtime.rmdir()
    model = await open_session(sessions, "a.ipynb", "k1")
    assert model["kernel"] == {"id": "k1"}
    assert "no record of a kernel's notebook" in caplog.text


async def test_the_records_go_with_the_server(
    sessions: SessionManager, notebooks: KernelNotebooks, runtime: Path
) -> None:
    await open_session(sessions, "a.ipynb", "k1")
    await open_session(sessions, "b.ipynb", "k2")
    notebook_record(runtime / "kernel-k2.json").unlink()
    notebooks.forget()
    assert list(runtime.iterdir()) == []


@pytest.mark.kernel
async def test_through_the_sessions_of_a_server(jp_serverapp, jp_fetch, jp_root_dir: Path) -> None:
    asked = {"path": "Untitled.ipynb", "name": "Untitled.ipynb", "type": "notebook"}
    body = json.dumps({**asked, "kernel": {"name": "python3"}})
    made = json.loads((await jp_fetch("api", "sessions", method="POST", body=body)).body)
    kernel = jp_serverapp.kernel_manager.get_kernel(made["kernel"]["id"])
    record = notebook_record(Path(kernel.connection_file))
    assert record.read_text() == str(jp_root_dir / "Untitled.ipynb")
    renamed = json.dumps({"path": "sales.ipynb", "name": "sales.ipynb"})
    await jp_fetch("api", "sessions", made["id"], method="PATCH", body=renamed)
    assert record.read_text() == str(jp_root_dir / "sales.ipynb")
