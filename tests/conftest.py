"""Every test has a home of its own, and sees nothing of the user's."""

from __future__ import annotations

import gc
import os
import shutil
import signal
from collections.abc import Generator, Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fakes.ledger import never_sync
from fakes.shared_runners import SharedRunners
from jupyter_etl.notebook import kernel_state
from jupyter_etl.runner import local_executor
from jupyter_etl.runner.warm.client import WarmRunners
from jupyter_etl.services.etl import Etl
from jupyter_etl.services.processes.attempt import skip_slow_import
from jupyter_etl.services.settings import PREFIX, Settings

LONGEST = (
    "test_kills.py",
    "test_preflight_place.py",
    "test_like_papermill.py",
    "test_power_cuts.py",
    "test_value_audit.py",
    "test_warm_runs.py",
    "test_warm_processes.py",
    "test_storage_faults.py",
    "test_publishers.py",
    "test_bundles_end_to_end.py",
    "test_runs_end_to_end.py",
    "test_simulation.py",
    "test_warm_imports.py",
    "test_bundle_runs.py",
    "test_attempt.py",
    "test_notebooks.py",
    "test_commits.py",
    "test_running_commands.py",
    "test_live_server.py",
    "test_warm_like_cold.py",
    "test_held_commands.py",
    "test_run_life.py",
    "test_concurrency.py",
    "test_scheduler_queue.py",
)
_NUMBERS = count()

# How long an example takes says something about the machine and nothing about the code.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_configure() -> None:
    """Let an interrupt interrupt: a shell has its background jobs, and all they start, ignore it."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    skip_slow_import()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Exclude what was collected from garbage collection, where it would be a tenth of all time."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the files that take longest: at the end one of them would keep a core alone."""
    first = {name: place for place, name in enumerate(LONGEST)}
    items.sort(key=lambda item: first.get(item.path.name, len(first)))


@pytest.fixture(scope="session")
def user_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty HOME for the whole session: matplotlib's font cache is made once."""
    return tmp_path_factory.mktemp("user")


@pytest.fixture(scope="session")
def shared_runners() -> Iterator[SharedRunners]:
    """What forks the runners of every facade that is opened in this process."""
    shared = SharedRunners(prestart_s=0)
    yield shared
    shared.end()


@pytest.fixture(scope="session", autouse=True)
def quick_ledgers() -> Iterator[None]:
    """Ledgers that are written in this process are not synced to the disk."""
    with pytest.MonkeyPatch.context() as patched:
        never_sync(patched)
        yield


@pytest.fixture(autouse=True)
def isolation(
    request: pytest.FixtureRequest,
    monkeypatch: pytest.MonkeyPatch,
    user_home: Path,
    shared_runners: SharedRunners,
) -> Iterator[Path]:
    """Settings, Jupyter's folders and the caches of the notebook's calls, of this test alone.

    The kernelspec python3 is still found: Jupyter also looks into the environment it is
    installed in.

    Yields:
        The platform's home, which does not exist yet.
    """
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    home = user_home / f"etl-{next(_NUMBERS)}"
    monkeypatch.setenv(PREFIX + "HOME", str(home))
    monkeypatch.setenv(PREFIX + "OWNER", "sam")
    monkeypatch.setenv(PREFIX + "AUTOSTART", "0")
    monkeypatch.setenv(PREFIX + "TIMEZONE", "UTC")
    # Most tests make one run; a runner that is ready for a second would be for nobody.
    monkeypatch.setenv(PREFIX + "PRESTART", "0")
    # The package keyring would ask the desktop's, with what is in there.
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    # How full this machine's disk is must not matter.
    monkeypatch.setenv(PREFIX + "DISK_RESERVE", "0")
    # A browser keeps its own files under HOME, and its tests start their own server.
    if request.node.get_closest_marker("ui") is None:
        monkeypatch.setenv("HOME", str(user_home))
        monkeypatch.setenv("JUPYTER_DATA_DIR", str(user_home / "data"))
        monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(user_home / "config"))
        monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(user_home / "runtime"))
        monkeypatch.setenv("IPYTHONDIR", str(user_home / "ipython"))
        monkeypatch.setenv("MPLCONFIGDIR", str(user_home / "matplotlib"))
    monkeypatch.delenv("JPY_SESSION_NAME", raising=False)
    monkeypatch.setattr(
        local_executor,
        "WarmRunners",
        lambda **named: WarmRunners(**named) if named["preload"] else shared_runners,
    )
    yield home
    kernel_state.close()


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated ledger to copy: making one takes longer than most tests."""
    home = tmp_path_factory.mktemp("ledger")
    Etl.open(Settings.from_env({}, home=str(home))).close()
    return home / "ledger.sqlite"


@pytest.fixture
def home(isolation: Path, empty_ledger: Path) -> Path:
    """The platform's home with an empty ledger in it."""
    isolation.mkdir(parents=True)
    shutil.copy(empty_ledger, isolation / "ledger.sqlite")
    return isolation


@pytest.fixture
def etl(home: Path) -> Iterator[Etl]:
    """The facade on this test's home."""
    opened = Etl.open()
    yield opened
    opened.close()


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to work in, the current one."""
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder
