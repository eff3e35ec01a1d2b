"""Checks of this machine: folders, permissions, disks, kernels and packages."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import timedelta
from importlib import metadata
from pathlib import Path

from jupyter_etl._version import __version__
from jupyter_etl.services.disk import local_folders, shortage, space_of, unwritable
from jupyter_etl.services.doctor.diagnosis import (
    Diagnosis,
    Setup,
    existing,
    listed,
    warn,
    well,
    wrong,
)

_OLD = timedelta(days=1)


def home(setup: Setup) -> Diagnosis:
    """Check that the home is writable."""
    return _folder("home", str(setup.settings.home))


def lake(setup: Setup) -> Diagnosis:
    """Check that the lake is writable."""
    return _folder("lake", setup.settings.lake)


def disk(setup: Setup) -> Diagnosis:
    """Check that there is enough free disk space."""
    places = local_folders(setup.settings)
    low = shortage(places, setup.settings.disk_reserve)
    if low:
        return wrong(
            "disk",
            f"{low}; no runs start",
            "Free some space, move the home, or set JUPYTER_ETL_DISK_RESERVE lower.",
        )
    return well("disk", str(space_of(places[0])))


def permissions(setup: Setup) -> Diagnosis:
    """Check that private files are readable only by this user."""
    loose = [(path, mode) for path, mode in _private(setup) if path.stat().st_mode & 0o077]
    if not loose:
        return well("permissions", "private files are readable only by this user")
    shown = listed(f"{path} ({stat.filemode(path.stat().st_mode)})" for path, _ in loose)
    message = f"other users can read or write {shown}"
    if not setup.repair:
        orders = "; ".join(f"chmod {mode:o} {path}" for path, mode in loose[:3])
        secret = any(path.parent.name == "secrets" for path, _ in loose)
        return (wrong if secret else warn)("permissions", message, orders)
    try:
        for path, mode in loose:
            path.chmod(mode)
    except OSError as problem:
        return wrong("permissions", message, f"They belong to another user: {problem}")
    done = listed(f"{path} is {mode:o}" for path, mode in loose)
    return well("permissions", "private files are readable only by this user", repaired=done)


def partial_files(setup: Setup) -> Diagnosis | None:
    """Check for partial files of killed processes."""
    before = (setup.clock.now() - _OLD).timestamp()
    old = [path for path in _halves(setup) if path.stat().st_mtime < before]
    if not old:
        return None
    message = f"partial files of killed processes: {listed(old)}"
    if not setup.repair:
        return warn("partial files", message, "jupyter etl doctor --repair")
    for path in old:
        path.unlink(missing_ok=True)
    return well("partial files", "none", repaired=f"removed {listed(old)}")


def kernels(setup: Setup) -> Diagnosis:
    """Check that a kernel for notebooks is installed."""
    from jupyter_client.kernelspec import KernelSpecManager

    names = sorted(KernelSpecManager().find_kernel_specs())
    if "python3" in names:
        return well("kernels", ", ".join(names))
    return wrong(
        "kernels",
        f"python3 is not among: {', '.join(names) or 'none'}",
        "python -m ipykernel install --sys-prefix",
    )


def packages(setup: Setup) -> Diagnosis:
    """Check that the required packages are installed in suitable versions."""
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        installed = metadata.distribution("jupyter-etl")
        needed = [Requirement(text) for text in installed.requires or ()]
    except (metadata.PackageNotFoundError, InvalidRequirement) as problem:
        return warn("packages", f"they cannot be looked up: {problem}", "pip install jupyter-etl")
    wanting = []
    for one in needed:
        extra = "postgres" if setup.settings.ledger.startswith("postgres") else ""
        if one.marker is not None and not one.marker.evaluate({"extra": extra}):
            continue
        found = _version(one.name)
        if not found or not one.specifier.contains(found, prereleases=True):
            wanted = str(one.specifier) or "any version"
            wanting.append(f"{one.name} is {found or 'missing'}, required is {wanted}")
    if installed.version != __version__:
        wanting.append(
            f"jupyter-etl {installed.version} is installed, but {__version__} is running"
        )
    if not wanting:
        text = "its requirements" if needed else "its requirements are not recorded"
        return well("packages", f"jupyter-etl {__version__} and {text}")
    return wrong("packages", listed(wanting), "pip install --upgrade jupyter-etl")


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ""


def _folder(what: str, location: str) -> Diagnosis:
    if "://" in location:
        return well(what, f"{location} (not checked)")
    path = Path(location)
    nearest = existing(path)
    if not nearest.is_dir():
        return wrong(
            what,
            f"{path} cannot be made: {nearest} is a file",
            f"Move that file away, or set another {what}.",
        )
    problem = unwritable([path])
    if not problem:
        return well(what, f"{path} can be written")
    if os.access(nearest, os.W_OK):
        return wrong(what, problem, "Free some space, or check the disk: dmesg, mount.")
    return wrong(what, problem, f"chmod u+w {nearest}; or mount its disk for writing.")


def _private(setup: Setup) -> Iterator[tuple[Path, int]]:
    """Yield the private paths that exist, with the mode they should have."""
    home, facts = setup.settings.home, setup.facts
    secrets = home / "secrets"
    inside = sorted(secrets.iterdir()) if secrets.is_dir() else []
    files = [home / "serve.token", *inside]
    if facts is not None and facts.path is not None:
        files.append(facts.path)
    for folder in (home, secrets):
        if folder.is_dir():
            yield folder, 0o700
    for file in files:
        if file.is_file():
            yield file, 0o600


def _halves(setup: Setup) -> Iterator[Path]:
    home, facts = setup.settings.home, setup.facts
    places = {home, home / "backups"}
    if facts is not None and facts.path is not None:
        places.add(facts.path.parent)
    for place in sorted(places):
        yield from place.glob(".*.part*")
    yield from home.glob("runs/*/*/.context.json.*")


CHECKS = (home, lake, disk, permissions, partial_files, kernels, packages)
