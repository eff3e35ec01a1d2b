"""Endpoints: the overhead of calls, queries by key, and the cost of the gateway."""

from __future__ import annotations

import os
import random
import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bench.figures import Figure, percentile, shown
from bench.gateways import Service, gateway, peer
from bench.living import platform
from bench.of_data import SHELL
from bench.peers import LITSERVE, ROAPI
from bench.processes import descendants, need, pss_of, wait_for, worker
from bench.sizes import Size
from fakes.gateways import publish_function, publish_query, publish_table
from fakes.http_load import Reply, free_port

CLIENTS = 4
WORKERS = 2
"""Worker processes of a function, of both systems."""

ROWS_OF_KEY = 10
SCORE = """
def score(age: float, fare: float = 7.25) -> dict[str, float]:
    return {"p": (age + fare) / 100}
"""
_LITSERVE = f"""
import sys
import litserve as ls

class Score(ls.LitAPI):
    def setup(self, device):
        pass

    def decode_request(self, request):
        return request["age"], request.get("fare", 7.25)

    def predict(self, given):
        age, fare = given
        return {{"p": (age + fare) / 100}}

    def encode_response(self, output):
        return {{"result": output}}

if __name__ == "__main__":
    server = ls.LitServer(Score(), accelerator="cpu", workers_per_device={WORKERS})
    server.run(host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", generate_client_file=False)
"""
_CELL = """%%etl publish function {name} --sample '{{"age": 1}}'
def {name}(age: float, fare: float = 7.25) -> dict[str, float]:
    return {{"p": (age + fare) / {divisor}}}
"""
BY_CUSTOMER = "select cust, day, amount from bench.sales where cust = {{cust: int}}"


def functions(folder: Path, size: Size) -> Iterator[Figure]:
    """Calls of a function over HTTP, compared with the function itself and with LitServe."""
    script, port = folder / "litserve_score.py", free_port()
    script.write_text(_LITSERVE)
    with platform(folder) as at:
        publish_function(at.etl, "score", SCORE, workers=WORKERS)
        with (
            gateway(at) as ours,
            peer([LITSERVE.python, script, str(port)], folder, port, "/health") as theirs,
        ):
            for service, path in ((ours, "/functions/score"), (theirs, "/predict")):
                calls_of_score(service, path, max(20, size.http_calls // 10), clients=CLIENTS)
            pairs = []
            for _ in range(size.data_pairs):
                mine = calls_of_score(ours, "/functions/score", size.http_calls, clients=CLIENTS)
                other = calls_of_score(theirs, "/predict", size.http_calls, clients=CLIENTS)
                pairs.append((mine, other))
            alone = calls_of_score(ours, "/functions/score", size.http_calls, clients=1)
            other_alone = calls_of_score(theirs, "/predict", size.http_calls, clients=1)
    bare = _bare(size.http_calls)
    for clients, mine, other, goal in (
        (1, alone, other_alone, 3.0),
        (CLIENTS, [one for a, _ in pairs for one in a], [one for _, b in pairs for one in b], 15.0),
    ):
        yield Figure(
            what=f"call of a function, over the function, {_clients(clients)}, p95",
            value=1000 * (p95(mine) - bare),
            unit="ms",
            goal=goal,
            detail=f"p50 {1000 * p50(mine):.3g} ms; LitServe: p95 {1000 * p95(other):.3g} ms",
        )
    yield Figure(
        what=f"calls of a function per second, compared with LitServe, {CLIENTS} clients",
        value=statistics.median(rate(a) / rate(b) for a, b in pairs),
        unit="x",
        goal=3.0,
        at_least=True,
        detail=f"{shown(statistics.median(rate(a) for a, _ in pairs))}/s against "
        f"{shown(statistics.median(rate(b) for _, b in pairs))}/s, {WORKERS} workers each",
    )


def calls_of_score(service: Service, path: str, calls: int, *, clients: int) -> list[Reply]:
    """Call the function, and check the answers."""
    request = service.request("POST", path, {"age": 42.75})
    replies = service.load([request] * calls, clients=clients)
    for one in replies:
        need(one.json() == {"result": {"p": 0.5}}, f"the answer is {one.body[:200]!r}")
    return replies


def _bare(calls: int) -> float:
    """Return the 95th percentile of the function's own time in seconds."""
    names: dict[str, object] = {}
    exec(SCORE, names)  # noqa: S102 - its text is above
    function, times = names["score"], []
    for _ in range(calls):
        begun = time.perf_counter()
        function(age=42.75)  # type: ignore[operator]
        times.append(time.perf_counter() - begun)
    return percentile(times, 0.95)


def lookups(folder: Path, size: Size) -> Iterator[Figure]:
    """A query by an unsorted key of a large table, compared with roapi; and a new version of it."""
    rows, file = sales(size.rows), folder / "sales.parquet"
    pq.write_table(rows, file)
    port, draw = free_port(), random.Random(7)
    keys = [draw.randrange(size.rows // ROWS_OF_KEY) for _ in range(size.lookups * CLIENTS)]
    with platform(folder) as at:
        publish_table(at.etl, "bench.sales", rows)
        publish_query(at.etl, "bench.by_customer", BY_CUSTOMER, key=["cust"], workers=WORKERS)
        words: list[str | Path] = [
            ROAPI.command / "roapi", "--addr-http", f"127.0.0.1:{port}", "--addr-postgres",
            f"127.0.0.1:{free_port()}", "--table", f"sales={file}",
        ]  # fmt: skip
        with gateway(at) as ours, peer(words, folder, port, "/health") as theirs:
            pairs = []
            for number in range(size.data_pairs + 1):
                some = keys if number else keys[: 2 * CLIENTS]
                pairs.append((_of_ours(ours, some), _of_roapi(theirs, some)))
            del pairs[0]
            times = [_new_version(at.etl, ours, rows) for _ in range(size.data_pairs)]
    mine, other = (p95([one for pair in pairs for one in pair[n]]) for n in (0, 1))
    what = f"query by key of {size.of_rows} rows, {CLIENTS} clients, p95"
    yield Figure(
        what=what,
        value=1000 * mine,
        unit="ms",
        goal=50.0,
        detail=f"p50 {1000 * p50([one for a, _ in pairs for one in a]):.3g} ms",
    )
    yield Figure(
        what=f"{what}, compared with roapi",
        value=statistics.median(p95(a) / p95(b) for a, b in pairs),
        unit="x",
        goal=1 / 3,
        detail=f"{1000 * mine:.3g} ms against {1000 * other:.3g} ms",
    )
    yield Figure(
        what=f"first answer from a new version of a table of {size.of_rows} rows",
        value=max(times),
        unit="s",
        goal=2.0,
        detail=f"slowest of {len(times)}, after its commit; calls meanwhile read the version before",
    )


def sales(rows: int, *, version: int = 0) -> pa.Table:
    """Return a table whose customers are in random order, ten rows each."""
    cust = np.random.default_rng(7).permutation(rows) // ROWS_OF_KEY
    day = np.datetime64("2026-01-01", "D") + np.arange(rows) % 365
    return pa.table({"cust": cust, "day": day, "amount": cust * 0.5 + version})


def _of_ours(service: Service, keys: Sequence[int]) -> list[Reply]:
    path = "/queries/bench.by_customer?cust="
    replies = service.load(
        [service.request("GET", f"{path}{key}") for key in keys], clients=CLIENTS
    )
    _check([one.json()["rows"] for one in replies], keys)
    return replies


def _of_roapi(service: Service, keys: Sequence[int]) -> list[Reply]:
    path = "/api/tables/sales?columns=cust,day,amount&filter[cust]="
    replies = service.load(
        [service.request("GET", f"{path}{key}") for key in keys], clients=CLIENTS
    )
    _check([one.json() for one in replies], keys)
    return replies


def _check(answers: Sequence[list[dict[str, object]]], keys: Sequence[int]) -> None:
    found = sorted(rows[0]["cust"] for rows in answers if len(rows) == ROWS_OF_KEY)  # type: ignore[type-var]
    need(found == sorted(keys), f"{len(found)} of {len(keys)} answers have the rows of their key")


def _new_version(etl: object, service: Service, rows: pa.Table) -> float:
    """Publish another version, and return the seconds until it is read."""
    request = service.request("GET", "/queries/bench.by_customer?cust=7")
    before = service.ask(request).json()["rows"][0]["amount"]
    amounts = pa.compute.add(rows["amount"], before - 3.5 + 1)
    publish_table(etl, "bench.sales", rows.set_column(2, "amount", amounts))  # type: ignore[arg-type]
    begun = time.monotonic()

    def is_read() -> bool | None:
        reply = service.ask(request)
        need(reply.status == 200, f"{reply.status}: {reply.body[:300]!r}")
        return reply.json()["rows"][0]["amount"] == before + 1 or None

    wait_for("the new version is not read", is_read, seconds=120, log=Path(os.devnull))
    return time.monotonic() - begun


def cell_to_answer(folder: Path, size: Size) -> Iterator[Figure]:
    """From the execution of a cell to the first answer of its draft; all is warm."""
    with platform(folder) as at, worker(folder, env=at.env) as kernel, gateway(at) as service:
        kernel.do(SHELL)
        times = []
        for number in range(size.data_pairs + 1):
            name = f"score{number}"
            cell = _CELL.format(name=name, divisor=number + 1)
            request = service.request("POST", f"/drafts/functions/{name}", {"age": 0.75})
            begun = time.monotonic()
            with ThreadPoolExecutor(1) as pool:
                done = pool.submit(kernel.do, f"shell.run_cell({cell!r}).raise_error()")
                log = at.folder / "gateway.log"
                reply = None
                while reply is None or reply.status != 200:
                    need(time.monotonic() - begun < 60, f"{reply}: {log.read_text()[-1000:]}")
                    if done.done():
                        done.result()
                    reply = service.ask(request)
                    time.sleep(0.01)
                times.append(reply.received - begun)
                done.result()
            need(reply.json() == {"result": {"p": 8 / (number + 1)}}, f"{reply.body!r}")
    yield Figure(
        what="from the cell of a function to its first answer, warm",
        value=statistics.median(times[1:]),
        unit="s",
        goal=2.0,
        detail=f"of {len(times) - 1}; the first in this kernel and gateway: {times[0]:.3g} s",
    )


def gateway_at_rest(folder: Path, size: Size) -> Iterator[Figure]:
    """Memory of a gateway with many endpoints, none of which has been called."""
    with platform(folder) as at:
        for number in range(size.endpoints):
            publish_function(at.etl, f"score{number}", SCORE, function="score")
        with gateway(at) as service:
            reply = service.ask(service.request("GET", "/openapi.json"))
            found = sum(path.startswith("/functions/score") for path in reply.json()["paths"])
            need(found >= size.endpoints, f"{found} paths of {size.endpoints} endpoints")
            time.sleep(min(5.0, size.rest_s))
            pids = [service.pid, *descendants(service.pid)]
            memory = pss_of(pids)
    yield Figure(
        what=f"gateway with {size.endpoints} endpoints at rest, memory",
        value=memory / 1e6,
        unit="MB",
        goal=150.0,
        detail=f"PSS of {len(pids)} processes, after a request of /openapi.json",
    )


def p50(replies: Sequence[Reply]) -> float:
    """Return the median duration in seconds."""
    return percentile([one.seconds for one in replies], 0.5)


def p95(replies: Sequence[Reply]) -> float:
    """Return the 95th percentile of the durations in seconds."""
    return percentile([one.seconds for one in replies], 0.95)


def rate(replies: Sequence[Reply]) -> float:
    """Return the number of answers per second."""
    begun = min(one.sent for one in replies)
    return len(replies) / (max(one.received for one in replies) - begun)


def _clients(number: int) -> str:
    return "1 client" if number == 1 else f"{number} clients"


MEASURES = {
    "functions": functions,
    "lookups": lookups,
    "cell_to_answer": cell_to_answer,
    "gateway_at_rest": gateway_at_rest,
}
