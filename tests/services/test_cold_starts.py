"""Why the runs of a pipeline start cold, and where that is shown."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fakes.notebooks import write_notebook
from jupyter_etl.services.doctor import Diagnosis, Status, diagnose
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.pipelines.cold_starts import ColdStarts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="warm starts need Linux")

KERNEL = ["-m", "ipykernel_launcher", "-f", "{connection_file}"]
SLOW = (
    "Its runs start cold, because its interpreter is started with the option -O; "
    "for a warm start, remove -O from argv in its kernelspec."
)


@pytest.fixture
def kernels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which kernels can be installed."""
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    return tmp_path / "jupyter" / "kernels"


def install(kernels: Path, name: str, *options: str, **fields: Any) -> None:
    spec = {"argv": [sys.executable, *options, *KERNEL], "display_name": name, "language": "python"}
    (kernels / name).mkdir(parents=True)
    (kernels / name / "kernel.json").write_text(json.dumps({**spec, **fields}))


def warm_starts(etl: Etl) -> Diagnosis:
    [found] = [one for one in diagnose(etl.settings, etl.clock) if one.what == "warm starts"]
    return found


def test_a_pipeline_shows_why_it_starts_cold(etl: Etl, here: Path, kernels: Path) -> None:
    install(kernels, "installed", "-Xfrozen_modules=off")
    install(kernels, "slow", "-O")
    install(kernels, "threads", env={"OMP_NUM_THREADS": "1"})
    install(kernels, "r", language="R", argv=["R", "-e", "IRkernel::main()"])
    reported = {}
    for kernel in ("python3", "installed", "slow", "threads", "r", "missing"):
        path = write_notebook(here / f"{kernel}.ipynb", "1", kernel=kernel)
        done = etl.pipelines.schedule(path, anyway=True)
        reported[kernel] = etl.pipelines.cold_starts([done.pipeline])[kernel]
        assert reported[kernel] in done.note
    assert reported == {
        "python3": "",
        "installed": "",
        "missing": "",
        "slow": SLOW,
        "threads": "Its runs start cold, because its kernelspec sets OMP_NUM_THREADS, which is read "
        "before the first cell; for a warm start, remove OMP_NUM_THREADS from its kernelspec, or "
        "set it for the scheduler instead.",
        "r": "Its runs start cold, because it is not IPython's kernel; for a warm start, use a "
        f"kernel of the environment {sys.prefix}, such as python3.",
    }


def test_a_pipeline_that_asks_for_it_and_a_platform_that_does(etl: Etl, here: Path) -> None:
    path = write_notebook(here / "a.ipynb", "1")
    asked = etl.pipelines.schedule(path, cold=True)
    assert asked.note == (
        "Its runs start cold, because it was deployed with --cold; "
        "for a warm start, deploy it without --cold."
    )
    off = ColdStarts(etl.store, replace(etl.settings, warm=False))
    found = off.of_all([etl.pipelines.schedule(path, reset=["cold"]).pipeline])["a"]
    assert found is not None
    assert found.why == "JUPYTER_ETL_WARM is 0"


def test_the_doctor_names_the_pipelines_that_start_cold(
    etl: Etl, here: Path, kernels: Path
) -> None:
    etl.pipelines.schedule(write_notebook(here / "warm.ipynb", "1"))
    etl.pipelines.schedule(write_notebook(here / "asked.ipynb", "1"), cold=True)
    well = warm_starts(etl)
    assert (well.status, well.message) == (Status.OK, "1 pipelines can start warm")
    install(kernels, "slow", "-O")
    etl.pipelines.schedule(write_notebook(here / "cold.ipynb", "1", kernel="slow"))
    found = warm_starts(etl)
    assert (found.status, found.message, found.hint) == (
        Status.WARN,
        "these start cold: cold (its interpreter is started with the option -O)",
        "Remove -O from argv in its kernelspec.",
    )


def test_the_doctor_where_warm_starts_are_switched_off(
    etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [
        one
        for one in diagnose(replace(etl.settings, warm=False), etl.clock)
        if one.what == "warm starts"
    ]
    assert [one.message for one in found] == ["switched off with JUPYTER_ETL_WARM=0"]
