"""A scheduler whose ledger, home or clock fails for a while."""

from __future__ import annotations

import logging
from pathlib import Path

from jupyter_etl.model import RunState


def test_it_continues_when_a_deleted_ledger_is_back(
    store, clock, executor, scheduler_of, deploy, tmp_path: Path, caplog
) -> None:
    deploy()
    path, aside = tmp_path / "ledger.sqlite", tmp_path / "aside"
    looks = iter(range(1000))

    def stop() -> bool:
        look = next(looks)
        if look == 2:
            path.rename(aside)
        if look == 30:
            aside.rename(path)
        return look > 30 and store.count_runs(states=[RunState.SUCCEEDED]) >= 1

    with caplog.at_level(logging.WARNING):
        scheduler_of().run(stop=stop)
    assert "is missing" in caplog.text
    assert "can be used again" in caplog.text
