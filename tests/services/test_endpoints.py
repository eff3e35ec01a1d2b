"""Traffic of endpoints, and comparisons of their versions."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fakes.published_endpoints import add_calls, add_versions
from jupyter_etl.errors import Conflict, DeclarationError, EtlError, NotFound
from jupyter_etl.model import CallRole, TrafficMode
from jupyter_etl.services.endpoints.comparison import wilson
from jupyter_etl.services.endpoints.display import comparison_rows, comparison_words, endpoint_view
from jupyter_etl.services.endpoints.endpoints import Endpoints
from jupyter_etl.services.etl import Etl
from jupyter_etl.serving.histograms import bucket_of


@pytest.fixture
def endpoints(etl: Etl) -> Endpoints:
    """The endpoint ``score`` with versions 1 to 3, of which 3 is live."""
    add_versions(etl, count=3)
    return etl.endpoints


def test_endpoints_as_scripts_get_them(etl: Etl, endpoints: Endpoints) -> None:
    add_versions(etl, "drafted", draft=True)
    endpoints.promote("score", 1, canary=0.1)
    add_calls(etl, 3, calls=4, errors=1, seconds={bucket_of(0.1): 4})
    drafted, score = (endpoint_view(one) for one in endpoints.list())
    assert drafted == {
        **drafted,
        "name": "drafted",
        "kind": "function",
        "live": 0,
        "versions": (),
        "traffic": {},
        "shadow": None,
        "p95_ms": None,
        "errors": 0,
    }
    assert score == {
        **score,
        "name": "score",
        "live": 3,
        "versions": (3, 2, 1),
        "traffic": {"1": 0.1, "3": 0.9},
        "calls": 4,
        "errors": 1,
        "shadow": None,
    }
    assert score["p95_ms"] == pytest.approx(100, rel=0.02)
    assert endpoints.get("score") == endpoints.list()[1]


@pytest.mark.parametrize(
    ("change", "live", "shares", "shadow", "note"),
    [
        (lambda e: e.promote("score", 2), 2, {2: 1.0}, None, "promoted version 2"),
        (
            lambda e: e.promote("score", 2, canary=0.25),
            *(3, {2: 0.25, 3: 0.75}, None, "canary: version 2 answers 25% of the calls"),
        ),
        (lambda e: e.promote("score", 2, shadow=True), 3, {3: 1.0}, 2, "version 2 is the shadow"),
        (
            lambda e: e.split("score", {1: 0.5, 2: 0.5}, by="customer_id"),
            *(3, {1: 0.5, 2: 0.5}, None, "split: version 1 50%, version 2 50% by customer_id"),
        ),
        (lambda e: e.rollback("score"), 2, {2: 1.0}, None, "rolled back to version 2"),
        (lambda e: e.rollback("score", 1), 1, {1: 1.0}, None, "rolled back to version 1"),
    ],
)
def test_changes_of_traffic(
    endpoints: Endpoints,
    change: Callable[[Endpoints], object],
    live: int,
    shares: dict[int, float],
    shadow: int | None,
    note: str,
) -> None:
    change(endpoints)
    found = endpoints.traffic("score")
    assert (found.live, found.shares, found.shadow) == (live, shares, shadow)
    assert (found.note, found.changed_by) == (note, "sam")


def test_a_canary_grows_and_is_promoted(endpoints: Endpoints) -> None:
    endpoints.promote("score", 2, shadow=True)
    endpoints.promote("score", 2, canary=0.1)
    assert endpoints.traffic("score").shadow is None
    endpoints.promote("score", 2, canary=0.5)
    assert endpoints.traffic("score").shares == {2: 0.5, 3: 0.5}
    endpoints.promote("score", 2)
    assert endpoints.traffic("score").shares == {2: 1.0}
    endpoints.promote("score", 3, canary=0.1)
    endpoints.promote("score", 3, canary=0.0)
    assert endpoints.traffic("score").mode is TrafficMode.LIVE


def test_a_rollback_first_ends_what_shares_the_traffic(endpoints: Endpoints) -> None:
    endpoints.promote("score", 1, shadow=True)
    endpoints.promote("score", 2, canary=0.1)
    changed = endpoints.rollback("score")
    assert (changed.live, changed.served) == (3, (3,))
    assert changed.note == "back to version 3 alone"
    assert endpoints.rollback("score").live == 2


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda e: e.promote("score", 9), NotFound, "Version 9 of 'score' does not exist."),
        (lambda e: e.promote("nothing", 1), NotFound, "nothing"),
        (lambda e: e.promote("score", 3, canary=0.1), Conflict, "Version 3 of 'score' is live"),
        (lambda e: e.promote("score", 3, shadow=True), Conflict, "Version 3 of 'score' is live"),
        (lambda e: e.promote("score", 2, canary=1.0), DeclarationError, "share of a canary is 1"),
        (lambda e: e.promote("score", 2, canary=-0.1), DeclarationError, "share of a canary is -0"),
        (
            lambda e: e.promote("score", 2, canary=0.1, shadow=True),
            *(DeclarationError, "the canary and the shadow"),
        ),
        (lambda e: e.split("score", {1: 1.0}), DeclarationError, "at least two versions"),
        (lambda e: e.split("score", {1: 1.0, 2: 0.0}), DeclarationError, "at least two versions"),
        (lambda e: e.split("score", {1: 0.5, 2: 0.4}), DeclarationError, "add up to 90 %"),
        (lambda e: e.split("score", {1: 0.5, 9: 0.5}), NotFound, "Version 9 of 'score'"),
        (lambda e: e.rollback("score", 3), Conflict, "Version 3 of 'score' is already live."),
        (lambda e: e.rollback("score", 9), NotFound, "Version 9 of 'score'"),
    ],
)
def test_what_is_refused(
    endpoints: Endpoints,
    change: Callable[[Endpoints], object],
    error: type[EtlError],
    message: str,
) -> None:
    before = endpoints.list()
    with pytest.raises(error) as caught:
        change(endpoints)
    assert message in caught.value.message
    assert endpoints.list() == before


def test_the_first_version_cannot_be_rolled_back(etl: Etl) -> None:
    add_versions(etl)
    with pytest.raises(Conflict, match="no version of 'score' before version 1"):
        etl.publications.rollback("score")


def test_the_command_that_rolls_back_publications_knows_endpoints(
    endpoints: Endpoints, etl: Etl
) -> None:
    version = etl.publications.rollback("score", 1)
    assert (version.number, version.note) == (1, "rolled back to version 1")
    assert etl.publications.get("score").live == etl.publications.history("score")[2]


def test_versions_are_compared_by_their_calls(etl: Etl, endpoints: Endpoints) -> None:
    add_calls(etl, 1, calls=100, errors=5, refused=2, seconds={bucket_of(0.01): 100})
    add_calls(etl, 1, role=CallRole.DRAFT, calls=7, errors=7, seconds={bucket_of(9.0): 7})
    add_calls(
        etl,
        2,
        role=CallRole.SHADOW,
        calls=50,
        seconds={bucket_of(0.02): 50},
        compared=40,
        differing=10,
        gaps={bucket_of(0.5): 10},
    )
    found = endpoints.compare("score", 1, 2)
    assert [one.calls for one in found.statistics] == [100, 50]
    assert found.errors[0].share == 0.05
    assert (found.compared, found.differing.share) == (40, 0.25)
    assert found.gap_p50 == pytest.approx(0.5, rel=0.02)
    assert comparison_words(found) == (
        "40 requests were answered by both versions; 25% (14 to 40%) of the answers differ, "
        "by 0.496 at the median and 0.496 at p95."
    )
    rows = comparison_rows(found)
    assert {"": "calls", "version 1": 100, "version 2": 50} in rows
    assert {"": "failed", "version 1": "5% (2.2 to 11%)", "version 2": "0% (0 to 7.1%)"} in rows


def test_without_a_shadow_answers_are_not_compared(endpoints: Endpoints) -> None:
    found = endpoints.compare("score", 1, 2)
    assert (found.compared, found.differing.share, found.gap_p50) == (0, None, None)
    assert "jupyter etl promote score 2 --shadow" in comparison_words(found)


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    # Computed by statsmodels.stats.proportion.proportion_confint(method="wilson").
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (1, 1000, 0.0002, 0.0056),
    ],
)
def test_intervals(count: int, total: int, low: float, high: float) -> None:
    found = wilson(count, total)
    assert (found.low, found.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
