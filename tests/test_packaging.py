"""What is shipped."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from jupyter_etl import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_the_panel_has_the_version_of_the_package() -> None:
    package = json.loads((ROOT / "labextension" / "package.json").read_text())
    assert package["version"] == __version__


@pytest.mark.parametrize("root", ["jupyter_ext/jupyter_etl", "magics/jupyter_etl_magics"])
def test_no_folder_holds_more_than_twenty_modules(root: str) -> None:
    folders = Counter(path.parent for path in (ROOT / root).rglob("*.py"))
    crowded = {
        str(folder): count
        for folder, count in folders.items()
        if count > 20 and folder.name != "versions"
    }
    assert folders
    assert not crowded


def test_the_lock_file_names_no_host() -> None:
    lock = (ROOT / "labextension" / "yarn.lock").read_text()
    assert not re.search(r"resolution: .*https?://|resolved", lock)


@pytest.mark.parametrize("group", sorted(PROJECT["entry-points"]))
def test_every_block_that_is_declared_can_be_imported(group: str) -> None:
    found = {point.name: point for point in entry_points(group=group)}
    for name in PROJECT["entry-points"][group]:
        assert isinstance(found[name].load(), type)


@pytest.mark.slow
def test_the_wheel_holds_two_packages_and_the_built_panel(tmp_path: Path) -> None:
    built = ROOT / "jupyter_ext" / "jupyter_etl" / "labextension" / "static" / "style.js"
    assert built.is_file(), "the panel is not built: make setup"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(tmp_path), str(ROOT)],
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    stem = f"jupyter_etl-{__version__}"
    assert tops == {"jupyter_etl", "jupyter_etl_magics", f"{stem}.data", f"{stem}.dist-info"}
    data = {"/".join(name.split("/")[2:4]) for name in names if name.startswith(f"{stem}.data")}
    assert data == {"share/jupyter", "etc/jupyter"}
    panel = f"{stem}.data/data/share/jupyter/labextensions/jupyterlab-etl"
    assert f"{panel}/package.json" in names
    assert f"{panel}/static/style.js" in names
    assert "jupyter_etl/rest/openapi.yaml" in names
    for page in ("docs", "index", "sign_in"):
        assert f"jupyter_etl/gateway/templates/{page}.html" in names
    assert not [name for name in names if "node_modules" in name or "__pycache__" in name]
