"""Rows of `lab verify` about traffic: a proxy that counts otherwise than configured fails them, a stand-in proves nothing."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.verify import metrics, tolerance
from lab.verify.outcome import Outcome, Verdict
from lab.verify.place import Answer, Request
from lab.verify.row import Row
from lab.verify.rows import grpc, paths, retries, shares, timeouts
from tests.unit.verify_fixtures import PLAYED, REAL, STAND_IN, FakeApi, FakePlace, context_of, node, of, outcomes

WORKLOADS = [{"name": "smiley", "addresses": ["192.168.1.21"], "device": {}}]
LAB: dict[str, Any] = {
    "workloads": WORKLOADS,
    "faces": {"on-edge": ["smiley"], "second": ["smiley2"]},
    "services": None,
    "policy": None,
}
CANARY = {"name": "canary", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}
EDGE = {"name": "edge", "service": "smiley", "path": "/edge", "backends": {"smiley2": 1}}
_KINDS = {"http": "http_status", "grpc": "grpc_status"}


def line(name: str, value: int, **labels: str) -> str:
    pairs = ",".join(f'{key}="{text}"' for key, text in labels.items())
    return f"{name}{{{pairs}}} {value}\n"


def statuses(
    route: str, backend: str, value: int, status: str = "200", kind: str = "http", parent: str = "smiley"
) -> str:
    labels = {"parent_name": parent, "route_name": route, "backend_name": backend, _KINDS[kind]: status}
    return line(f"outbound_{kind}_route_backend_response_statuses_total", value, **labels)


def told(
    directory: Path,
    row: Row,
    subject: str,
    count: Callable[[Sequence[Request]], str],
    answer: Callable[[Request], Answer] = lambda _request: Answer(status=200),
    **changed: Any,
) -> Outcome:
    """What a row says of a subject when a meshed pod's proxy counts so."""
    place = FakePlace(answer=answer, counts=lambda asked: REAL + count(asked))
    context = context_of(directory, places={"meshed default": place}, **{**LAB, **changed})
    return of(outcomes(context, row), subject)


def _split(first: int, second: int) -> Callable[[Sequence[Request]], str]:
    """Counted once everything was asked; what was counted before does not matter."""

    def count(asked: Sequence[Request]) -> str:
        done = 1 if asked else 0
        return statuses("canary", "smiley", 1000 + done * first) + statuses("canary", "smiley2", 7 + done * second)

    return count


def test_shares_within_what_chance_allows_pass_and_say_so(tmp_path: Path) -> None:
    outcome = told(tmp_path, shares.ROW, "route canary", _split(164, 36), routes=[CANARY])
    assert outcome.verdict is Verdict.PASSED
    assert outcome.found == "a meshed pod as default: smiley 164, smiley2 36 of 200; 200 x 200"
    low, high = tolerance.bounds(0.8, 200)
    assert f"smiley 80%: {low} to {high}" in outcome.expected
    assert "binomial, 99.99%" in outcome.expected


@pytest.mark.parametrize(("first", "second"), [(100, 100), (200, 0), (0, 200), (36, 164)])
def test_shares_that_chance_does_not_explain_fail(tmp_path: Path, first: int, second: int) -> None:
    outcome = told(tmp_path, shares.ROW, "route canary", _split(first, second), routes=[CANARY])
    assert outcome.verdict is Verdict.FAILED
    assert "too far off for smiley" in outcome.found
    assert outcome.next


def test_requests_that_do_not_take_the_route_fail_its_shares(tmp_path: Path) -> None:
    def past(asked: Sequence[Request]) -> str:
        return statuses("http", "smiley", len(asked))

    outcome = told(tmp_path, shares.ROW, "route canary", past, routes=[CANARY])
    assert outcome.verdict is Verdict.FAILED
    assert "counted 0 of 200 requests for this route" in outcome.found


def test_a_backend_that_nobody_configured_fails_the_shares(tmp_path: Path) -> None:
    def count(asked: Sequence[Request]) -> str:
        return _split(160, 40)(asked) + statuses("canary", "color", 3 if asked else 0)

    outcome = told(tmp_path, shares.ROW, "route canary", count, routes=[CANARY])
    assert outcome.verdict is Verdict.FAILED
    assert outcome.found.endswith("too far off for color")


def test_shares_need_a_real_proxy_and_a_configured_route(tmp_path: Path) -> None:
    standing_in = FakePlace(counts=lambda _asked: STAND_IN)
    context = context_of(tmp_path, places={"meshed default": standing_in}, **{**LAB, "routes": [CANARY]})
    outcome = of(outcomes(context, shares.ROW), "route canary")
    assert outcome.verdict is Verdict.NOT_PROVABLE
    assert "stand-ins" in outcome.found
    assert standing_in.asked == []
    played = context_of(tmp_path, api=FakeApi({"/api/v1/nodes": [PLAYED]}), **{**LAB, "routes": [CANARY]})
    assert of(outcomes(played, shares.ROW), "route canary").verdict is Verdict.NOT_PROVABLE
    for row in (shares.ROW, paths.ROW, retries.ROW, timeouts.ROW, grpc.ROW):
        (nothing,) = outcomes(context_of(tmp_path, **{**LAB, "routes": []}), row)
        assert nothing.verdict is Verdict.NOT_ASKED


def test_where_no_pod_runs_a_machine_outside_asks_in_its_place(tmp_path: Path) -> None:
    workloads = [*WORKLOADS, {"name": "color", "addresses": ["172.30.0.42"], "container": {}}]
    place = FakePlace("container color", counts=lambda asked: REAL + _split(160, 40)(asked))
    docker = {"docker": {"network": "mesh-exp", "subnet": "172.30.0.0/24", "dns-address": "172.30.0.40"}}
    context = context_of(
        tmp_path, places={"outside color": place}, **{**LAB, **docker, "workloads": workloads, "routes": [CANARY]}
    )
    outcome = of(outcomes(context, shares.ROW), "route canary")
    assert outcome.verdict is Verdict.PASSED, outcome.found
    assert outcome.found.startswith("container color:")


def test_the_bounds_are_those_of_the_binomial_distribution() -> None:
    assert tolerance.bounds(0.0, 200) == (0, 0)
    assert tolerance.bounds(1.0, 200) == (200, 200)
    low, high = tolerance.bounds(0.5, 10, 0.9)
    assert (low, high) == (2, 8)  # P(X < 2) is 0.0107, P(X < 3) 0.0547; on each side at most 0.05 may lie outside
    low, high = tolerance.bounds(0.8, 200)
    assert low < 160 < high
    assert (160 - low, high - 160) == pytest.approx((22, 21), abs=2)  # 3.9 standard deviations of 5.7
    wide, narrow = tolerance.bounds(0.8, 200), tolerance.bounds(0.8, 20_000)
    assert (narrow[1] - narrow[0]) / 20_000 < (wide[1] - wide[0]) / 200 / 5


def _by_path(wrong: str = "") -> Callable[[Sequence[Request]], str]:
    def count(asked: Sequence[Request]) -> str:
        edge = sum(request.url.endswith("/edge/") for request in asked)
        other = len(asked) - edge
        taken = {"": edge, "all": len(asked), "none": 0}[wrong]
        return "".join(
            line("outbound_http_route_request_statuses_total", number, route_name=name, parent_name="smiley")
            for name, number in (("edge", taken), ("http", other))
        )

    return count


@pytest.mark.parametrize(
    ("wrong", "verdict"), [("", Verdict.PASSED), ("all", Verdict.FAILED), ("none", Verdict.FAILED)]
)
def test_a_route_takes_its_path_and_no_other(tmp_path: Path, wrong: str, verdict: Verdict) -> None:
    assert told(tmp_path, paths.ROW, "route edge", _by_path(wrong), routes=[EDGE]).verdict is verdict


def _retried(again: int, overflow: int = 0) -> Callable[[Sequence[Request]], str]:
    def count(asked: Sequence[Request]) -> str:
        done = 1 if asked else 0
        of_route = {"route_name": "canary", "parent_name": "smiley"}
        return (
            line("outbound_http_route_retry_requests_total", 5 + done * again, **of_route)
            + line("outbound_http_route_retry_successes_total", done * again, **of_route)
            + line("outbound_http_route_retry_overflow_total", done * overflow, **of_route)
        )

    return count


@pytest.mark.parametrize(
    ("again", "overflow", "status", "verdict"),
    [
        (40, 0, 200, Verdict.PASSED),
        (40, 3, 200, Verdict.FAILED),
        (0, 0, 500, Verdict.FAILED),
        (0, 0, 200, Verdict.NOT_PROVABLE),
    ],
)
def test_what_fails_is_retried(tmp_path: Path, again: int, overflow: int, status: int, verdict: Verdict) -> None:
    route = {**CANARY, "retry": {"http": "5xx", "limit": 3}}
    outcome = told(
        tmp_path,
        retries.ROW,
        "route canary",
        _retried(again, overflow),
        lambda _: Answer(status=status),
        routes=[route],
    )
    assert outcome.verdict is verdict


@pytest.mark.parametrize(
    ("status", "seconds", "verdict"),
    [
        (504, 0.31, Verdict.PASSED),
        (200, 0.1, Verdict.NOT_PROVABLE),
        (200, 4.0, Verdict.FAILED),
    ],
)
def test_slow_answers_are_cut_off(tmp_path: Path, status: int, seconds: float, verdict: Verdict) -> None:
    def answer(_request: Request) -> Answer:
        return Answer(status=status, seconds=seconds)

    route = {**EDGE, "timeout": {"request": "300ms"}}
    outcome = told(tmp_path, timeouts.ROW, "route edge", lambda _asked: "", answer, routes=[route])
    assert outcome.verdict is verdict
    services = [{"name": "color", "timeout": {"request": "300ms"}}]
    of_service = told(
        tmp_path,
        timeouts.ROW,
        "Service face",
        lambda _asked: "",
        answer,
        routes=[],
        services=[{**services[0], "name": "face"}],
    )
    assert of_service.verdict is verdict


def _called(status: str | None) -> Callable[[Sequence[Request]], str]:
    def count(asked: Sequence[Request]) -> str:
        done = sum(1 for request in asked if "VoteDoughnut" in request.url and request.grpc)
        return statuses("vote-doughnut-route", "voting-svc", done, status, "grpc", "voting-svc") if status else ""

    return count


@pytest.mark.parametrize(
    ("status", "verdict"), [("UNKNOWN", Verdict.PASSED), ("OK", Verdict.FAILED), (None, Verdict.FAILED)]
)
def test_calls_are_counted_by_method_with_the_status_that_they_end_with(
    tmp_path: Path, status: str | None, verdict: Verdict
) -> None:
    outcome = told(tmp_path, grpc.ROW, "route vote-doughnut-route", _called(status), routes=[], emojivoto={})
    assert outcome.verdict is verdict


def test_calls_that_nobody_answers_are_not_proven_where_no_pod_runs_and_fail_where_they_do(tmp_path: Path) -> None:
    place = FakePlace(counts=lambda asked: REAL + _called("UNAVAILABLE")(asked))
    for nodes, verdict in (([PLAYED], Verdict.NOT_PROVABLE), ([node()], Verdict.FAILED)):
        api = FakeApi({"/api/v1/nodes": nodes})
        context = context_of(
            tmp_path, api=api, places={"meshed default": place}, **{**LAB, "routes": [], "emojivoto": {}}
        )
        place.asked.clear()
        assert of(outcomes(context, grpc.ROW), "route vote-doughnut-route").verdict is verdict


@pytest.mark.parametrize(
    ("status", "verdict"), [("OK", Verdict.PASSED), ("UNAVAILABLE", Verdict.FAILED), (None, Verdict.FAILED)]
)
def test_a_route_where_grpc_is_spoken_counts_calls_that_somebody_answers(
    tmp_path: Path, status: str | None, verdict: Verdict
) -> None:
    colors = [{"name": "color", "addresses": ["192.168.1.21"], "device": {}, "protocol": "grpc"}]
    routes = [{"name": "colors", "service": "color", "path": "/ColorService/Center"}]

    def count(asked: Sequence[Request]) -> str:
        calls = sum(request.grpc and request.url.endswith("/ColorService/Center") for request in asked)
        return statuses("colors", "color", calls, status, "grpc", "color") if status else ""

    faces = {"on-edge": ["color"], "second": ["smiley2"]}
    outcome = told(tmp_path, grpc.ROW, "route colors", count, routes=routes, workloads=colors, faces=faces)
    assert outcome.verdict is verdict


def test_metrics_are_read_with_their_labels_and_only_what_was_added_counts() -> None:
    before = metrics.parse('# HELP x y\n# TYPE x counter\nx_total{a="1",b="q\\"}"} 3\nx_total{a="2"} 8\nbroken {\n')
    after = metrics.parse('x_total{a="1",b="q\\"}"} 10\nx_total{a="2"} 2\ny 1.5\n')
    assert before.total("x_total") == 11
    grown = after.since(before)
    assert grown.by("x_total", "a") == {"1": 7, "2": 2}, "the second began anew"
    assert grown.total("x_total", lambda labels: labels.get("b") == 'q\\"}') == 7
    assert not after.real
    assert metrics.parse(REAL).real
