"""One event loop and one fork server for all tests of this folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fakes.worker_pools import Serving
from jupyter_etl.serving.workers.launching import Launcher

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def runner() -> Iterator[asyncio.Runner]:
    """The event loop."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(scope="session")
def workers_find_tests() -> Iterator[None]:
    """Workers import their loaders from the tests."""
    with pytest.MonkeyPatch.context() as patched:
        folders = [str(TESTS), *filter(None, [os.environ.get("PYTHONPATH")])]
        patched.setenv("PYTHONPATH", os.pathsep.join(folders))
        patched.setenv("JUPYTER_ETL_LEDGER", "postgresql://etl:canary-7f3a91@db/etl")
        patched.setenv("CLOUD_KEY", "canary-7f3a91")
        yield


@pytest.fixture(scope="session")
def launcher(
    runner: asyncio.Runner, tmp_path_factory: pytest.TempPathFactory, workers_find_tests: None
) -> Iterator[Launcher]:
    """What starts the workers of most tests."""
    launcher = Launcher(tmp_path_factory.mktemp("launcher"))
    yield launcher
    runner.run(launcher.close())


@pytest.fixture
def serving(launcher: Launcher, runner: asyncio.Runner, tmp_path: Path) -> Iterator[Serving]:
    """Pools for one test."""
    serving = Serving(launcher, runner, tmp_path)
    yield serving
    runner.run(serving.close())
