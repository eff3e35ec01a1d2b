"""The process of a gateway: what it prints, and how it ends."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from pathlib import Path

import httpx

from fakes.gateways import open_ledger, publish_function


def test_a_gateway_says_where_it_is_and_ends_with_its_workers(isolation: Path) -> None:
    etl = open_ledger(isolation)
    publish_function(etl, "score", "import os\ndef score() -> int:\n    return os.getpid()")
    token = etl.tokens.create("shop", call=["score"]).value
    with subprocess.Popen(
        [sys.executable, "-m", "jupyter_etl.gateway", "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
        assert found is not None
        headers = {"Authorization": f"Bearer {token}"}
        answer = httpx.post(f"{found[0]}/functions/score", json={}, headers=headers, timeout=60)
        worker = answer.json()["result"]
        process.send_signal(signal.SIGTERM)
        output, errors = process.communicate()
    assert (process.returncode, output, errors) == (0, "", "")
    assert not Path(f"/proc/{worker}").exists()
    # The calls are published at the end.
    assert etl.publications.read("score.calls").num_rows == 1
    etl.close()
