"""A power cut at any moment of a commit loses and duplicates nothing; without syncing it would."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chaos.power_cut import Workload
from fakes.commits import MODES
from jupyter_etl.publishing.tables import base as delta_head
from jupyter_etl.publishing.tables import publisher, record

pytestmark = pytest.mark.chaos


def findings(base: Path, mode: str) -> Iterator[str]:
    workload = Workload(base, mode, seeds=range(1))
    workload.run()
    return workload.findings()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_lost_or_doubled(tmp_path: Path, mode: str) -> None:
    assert list(findings(tmp_path, mode)) == []


def without_sync(patched: pytest.MonkeyPatch) -> None:
    patched.setattr(publisher, "sync_commit", lambda location, entries: None)


def without_comparison(patched: pytest.MonkeyPatch) -> None:
    without_sync(patched)
    patched.setattr(record, "verify", lambda table, version: None)
    for module in (delta_head, record):
        patched.setattr(module, "verify_head", lambda table, version: None)


MUTANTS: dict[str, tuple[Callable[[pytest.MonkeyPatch], None], str]] = {
    "no fsync": (without_sync, "cannot be read"),
    "no row count": (without_comparison, "rows"),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mutant: str) -> None:
    change, said = MUTANTS[mutant]
    change(monkeypatch)
    assert any(said in one for one in findings(tmp_path, "append"))
