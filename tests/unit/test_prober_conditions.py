"""When the prober writes a condition, and what it remembers between two looks."""

import queue
import time
from dataclasses import replace
from typing import Any

import pytest

from assets.prober import prober as module
from assets.prober.condition import Watched
from assets.prober.kubernetes import Api
from assets.prober.prober import Prober
from assets.prober.settings import Settings
from assets.prober.workload import Answer, Condition, Target

GOOD = Answer(True, "Answered", "well", 0.01)
BAD = Answer(False, "Unreachable", "no connection")
Asked = queue.SimpleQueue[str]
OLD = "2026-01-01T00:00:00Z"


def _target(name: str = "smiley", condition: Condition | None = None, others: tuple[Condition, ...] = ()) -> Target:
    return Target(
        namespace="faces",
        name=name,
        uid=name,
        addresses=("192.0.2.1",),
        port=8000,
        identity=f"spiffe://root.linkerd.cluster.local/{name}",
        server_name=f"{name}.cluster.local",
        condition=condition,
        others=others,
    )


def _judge(watched: Watched, answer: Answer, now: float) -> Condition | None:
    condition = watched.judge(answer, now)
    if condition:
        watched.target = replace(watched.target, condition=condition)
    return condition


def _condition(status: str) -> Condition:
    return {"type": "Ready", "status": status, "reason": "Before", "lastTransitionTime": OLD}


def test_the_first_answer_decides_either_way() -> None:
    for answer, status in ((GOOD, "True"), (BAD, "False")):
        condition = Watched(_target(), due=0).judge(answer, 1)
        assert condition
        assert (condition["status"], condition["reason"]) == (status, answer.reason)
        assert condition["lastTransitionTime"] == condition["lastProbeTime"]


def test_one_failure_does_not_take_a_ready_workload_away_but_two_do() -> None:
    watched = Watched(_target(condition=_condition("True")), due=0)
    assert _judge(watched, BAD, 1) is None
    condition = _judge(watched, BAD, 2)
    assert condition
    assert condition["status"] == "False"
    assert condition["lastTransitionTime"] != OLD


def test_a_success_between_two_failures_starts_the_count_anew() -> None:
    watched = Watched(_target(condition=_condition("True")), due=0)
    verdicts = [_judge(watched, answer, now) for now, answer in enumerate((BAD, GOOD, BAD))]
    assert [verdict and verdict["status"] for verdict in verdicts] == [None, "True", None]


def test_one_success_is_enough_to_be_back() -> None:
    condition = Watched(_target(condition=_condition("False")), due=0).judge(GOOD, 1)
    assert condition
    assert condition["status"] == "True"


def test_what_says_the_same_is_written_once_a_minute_and_keeps_its_transition() -> None:
    watched = Watched(_target(condition=_condition("True")), due=0)
    written = [now for now in range(0, 150, 10) if _judge(watched, replace(GOOD, seconds=now), now)]
    assert written == [0, 60, 120]
    assert watched.target.condition
    assert watched.target.condition["lastTransitionTime"] == OLD


def test_another_reason_is_written_at_once_and_is_no_transition() -> None:
    watched = Watched(_target(condition=_condition("False")), due=0)
    _judge(watched, BAD, 1)
    condition = _judge(watched, Answer(False, "Expired", "expired"), 2)
    assert condition
    assert (condition["reason"], condition["lastTransitionTime"]) == ("Expired", OLD)


class _Api(Api):
    """Remembers what was written; `targets` are what is registered."""

    def __init__(self, *targets: Target) -> None:
        self.targets = list(targets)
        self.written: list[tuple[str, Condition]] = []

    def workloads(self, namespace: str) -> list[Target]:
        return [target for target in self.targets if target.namespace == namespace]

    def write(self, target: Target, condition: Condition) -> None:
        self.written.append((target.name, condition))
        self.targets = [replace(one, condition=condition) if one.name == target.name else one for one in self.targets]


def _settings(**changes: Any) -> Settings:
    values = {
        "PROBE_NAMESPACES": "faces",
        "PROBE_API": "https://127.0.0.1:1",
        "PROBE_SECONDS": "0.05",
        "PROBE_SOON_SECONDS": "0.05",
    }
    return Settings.read({**values, **changes})


def _turns(prober: Prober, until: Any) -> None:
    limit = time.monotonic() + 20
    while not until():
        assert time.monotonic() < limit
        prober.turn()
        time.sleep(0.005)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Names of the workloads that were asked; all are well."""
    asked: queue.SimpleQueue[str] = queue.SimpleQueue()

    def probe(target: Target, *_: object) -> Answer:
        asked.put(target.name)
        return GOOD

    monkeypatch.setattr(module, "probe", probe)
    monkeypatch.setattr(module, "tls_context", lambda _: None)
    return asked


def test_a_thousand_workloads_are_looked_at_by_a_few_threads(asked: Asked) -> None:
    api = _Api(*(_target(f"workload-{number}") for number in range(1000)))
    prober = Prober(_settings(PROBE_SECONDS="60"), api)
    _turns(prober, lambda: len(api.written) == 1000)
    assert {name for name, _ in api.written} == {target.name for target in api.targets}
    assert len(prober.pool._threads) <= 32
    assert asked.qsize() == 1000


def test_a_workload_that_left_is_forgotten_and_one_that_moved_is_asked_at_once(asked: Asked) -> None:
    api = _Api(_target("smiley"), _target("color"))
    prober = Prober(_settings(PROBE_SECONDS="60"), api)
    _turns(prober, lambda: len(api.written) == 2)
    api.targets = [replace(target, addresses=("192.0.2.9",)) for target in api.targets if target.name == "color"]
    _turns(prober, lambda: asked.qsize() == 3)
    assert set(prober.watched) == {"color"}


def test_what_could_not_be_written_is_tried_again(asked: Asked) -> None:
    class Refusing(_Api):
        refusals = 1

        def write(self, target: Target, condition: Condition) -> None:
            if self.refusals:
                self.refusals -= 1
                raise OSError("503")
            super().write(target, condition)

    api = Refusing(_target("smiley"))
    prober = Prober(_settings(), api)
    with pytest.raises(OSError, match="503"):
        _turns(prober, lambda: False)
    _turns(prober, lambda: bool(api.written))


def test_a_prober_without_namespaces_or_api_says_what_is_missing() -> None:
    with pytest.raises(SystemExit, match="PROBE_NAMESPACES is empty"):
        Settings.read({})
    with pytest.raises(SystemExit, match="PROBE_API is not set"):
        Settings.read({"PROBE_NAMESPACES": "faces"})
    inside = {"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}
    assert Settings.read({"PROBE_NAMESPACES": "faces", **inside}).api == "https://[fd00::1]:6443"
