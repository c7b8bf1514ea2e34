"""Rows of `lab verify` about access: whoever gets through, or is refused, otherwise than the rules say fails them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lab.verify.outcome import Outcome, Verdict
from lab.verify.place import Answer, Place, Request
from lab.verify.rows import audit, matrix, refusal, tls
from tests.unit.test_verify_traffic_rows import line, statuses
from tests.unit.verify_fixtures import PLAYED, REAL, STAND_IN, FakeApi, FakePlace, context_of, of, outcomes, verdicts

WORKLOADS = [
    {"name": "smiley", "addresses": ["192.168.1.21"], "device": {}},
    {"name": "color", "addresses": ["172.30.0.42"], "container": {}, "protocol": "http"},
]
RULES = [
    {"name": "face-calls", "from": {"service-accounts": ["face"]}, "to": ["smiley", "color"]},
    {"name": "outside", "from": {"workloads": ["color"]}, "to": ["smiley"]},
]
LAB: dict[str, Any] = {
    "docker": {"network": "mesh-exp", "subnet": "172.30.0.0/24", "dns-address": "172.30.0.40"},
    "workloads": WORKLOADS,
    "faces": {"on-edge": ["smiley", "color"], "second": []},
    "routes": [],
    "services": None,
    "policy": {"mode": "enforce", "access": RULES},
}


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong stays so: nothing to wait for."""
    monkeypatch.setattr(refusal, "_SETTLED_SECONDS", 0.2)
    monkeypatch.setattr(refusal, "_PAUSE_SECONDS", 0.05)


def service_of(request: Request) -> str:
    return request.url.removeprefix("http://").partition(".")[0]


def judging(judge: Callable[[str], int]) -> Callable[[Sequence[Request]], str]:
    """A caller's proxy, which counts what each Service answers."""

    def count(asked: Sequence[Request]) -> str:
        text = REAL
        for service in sorted({service_of(request) for request in asked}):
            number = sum(service_of(request) == service for request in asked)
            text += statuses("http", service, number, str(judge(service)), parent=service)
        return text

    return count


def caller(name: str, judge: Callable[[str], int]) -> FakePlace:
    return FakePlace(name, lambda request: Answer(status=judge(service_of(request))), judging(judge))


def right() -> dict[str, Place | str]:
    """A lab that does what RULES say."""
    refused: Callable[[str], int] = lambda _service: 403  # noqa: E731
    return {
        "host": FakePlace("this machine", lambda _request: Answer(status=403), None),
        "unmeshed": FakePlace("an unmeshed pod", lambda _request: Answer(status=403), None),
        "meshed default": caller("default", refused),
        "meshed face": caller("face", lambda _service: 200),
        "outside smiley": caller("smiley", refused),
        "outside color": caller("color", lambda service: 200 if service == "smiley" else 403),
    }


def asked_of(directory: Path, places: dict[str, Place | str], **changed: Any) -> list[Outcome]:
    return outcomes(context_of(directory, places=places, **{**LAB, **changed}), matrix.ROW)


def test_every_source_is_held_against_every_rule(tmp_path: Path) -> None:
    found = asked_of(tmp_path, right())
    assert set(verdicts(found).values()) == {Verdict.PASSED}, found
    assert {outcome.subject: outcome.expected for outcome in found} == {
        "this machine → smiley": "refused: 403",
        "an unmeshed pod → smiley": "refused: 403",
        "a meshed pod as default → smiley": "refused: 403",
        "a meshed pod as face → smiley": "let in",
        "workload color → smiley": "let in",
        "this machine → color": "refused: 403",
        "an unmeshed pod → color": "refused: 403",
        "a meshed pod as default → color": "refused: 403",
        "a meshed pod as face → color": "let in",
        "workload smiley → color": "refused: 403",
    }


@pytest.mark.parametrize(
    ("place", "there", "subject", "words"),
    [
        ("host", FakePlace("host", lambda _: Answer(status=200), None), "this machine → smiley", "let in: 1 x 200"),
        (
            "unmeshed",
            FakePlace("pod", lambda _: Answer(status=200), None),
            "an unmeshed pod → color",
            "let in: 1 x 200",
        ),
        ("host", FakePlace("host", lambda _: Answer(status=None), None), "this machine → smiley", "no answer"),
        ("meshed default", caller("x", lambda _: 200), "a meshed pod as default → smiley", "let in: 3 x 200"),
        ("meshed face", caller("x", lambda _: 403), "a meshed pod as face → smiley", "refused: 3 x 403"),
        ("meshed face", caller("x", lambda _: 504), "a meshed pod as face → smiley", "nobody answers: 3 x 504"),
        ("outside smiley", caller("x", lambda _: 200), "workload smiley → color", "let in: 3 x 200"),
        ("outside color", caller("x", lambda _: 403), "workload color → smiley", "refused: 3 x 403"),
    ],
)
def test_whoever_is_judged_otherwise_fails_and_is_named(
    tmp_path: Path, place: str, there: FakePlace, subject: str, words: str
) -> None:
    found = of(asked_of(tmp_path, {**right(), place: there}), subject)
    assert found.verdict is Verdict.FAILED
    assert words in found.found
    assert "ROW=access.policy" in found.next


def test_in_audit_everybody_is_let_in_whom_no_rule_allows(tmp_path: Path) -> None:
    found = asked_of(tmp_path, right(), policy={"mode": "audit", "access": RULES})
    wrong = of(found, "this machine → smiley")
    assert wrong.verdict is Verdict.FAILED
    assert wrong.expected == "let in (no rule, but mode audit)"


def test_a_request_that_is_served_before_the_policy_is_heard_of_fails_nobody(tmp_path: Path) -> None:
    late = iter([200, 200, 200])
    slow = FakePlace("this machine", lambda _request: Answer(status=next(late, 403)), None)
    assert of(asked_of(tmp_path, {**right(), "host": slow}), "this machine → smiley").verdict is Verdict.PASSED


def test_where_a_proxy_only_stands_in_or_nobody_can_ask_nothing_is_proven(tmp_path: Path) -> None:
    standing = FakePlace("smiley", counts=lambda _asked: STAND_IN)
    found = asked_of(tmp_path, {**right(), "outside smiley": standing})
    assert of(found, "this machine → smiley").verdict is Verdict.NOT_PROVABLE
    assert of(found, "a meshed pod as face → smiley").verdict is Verdict.NOT_PROVABLE
    assert of(found, "this machine → color").verdict is Verdict.PASSED
    alone = asked_of(tmp_path, {key: place for key, place in right().items() if key.startswith("outside")})
    assert of(alone, "an unmeshed pod → smiley").verdict is Verdict.NOT_PROVABLE
    no_way = {key: place for key, place in right().items() if key != "outside smiley"}
    assert of(asked_of(tmp_path, no_way), "this machine → smiley").verdict is Verdict.PASSED
    played = context_of(tmp_path, api=FakeApi({"/api/v1/nodes": [PLAYED]}), places=no_way, **LAB)
    assert of(outcomes(played, matrix.ROW), "this machine → smiley").verdict is Verdict.NOT_PROVABLE
    (nothing,) = asked_of(tmp_path, {}, workloads=[], faces={}, policy=None)
    assert nothing.verdict is Verdict.NOT_ASKED


def test_a_rule_for_pods_is_asked_by_its_service_and_needs_pods(tmp_path: Path) -> None:
    rules = [{"name": "in", "from": {"workloads": ["smiley"]}, "to": ["face"]}]
    places = {**right(), "outside smiley": caller("smiley", lambda _service: 200)}
    changed = {**LAB, "policy": {"mode": "enforce", "access": rules}}
    found = outcomes(context_of(tmp_path, places=places, **changed), matrix.ROW)
    assert of(found, "workload smiley → face, pods").verdict is Verdict.PASSED
    played = context_of(tmp_path, api=FakeApi({"/api/v1/nodes": [PLAYED]}), places=places, **changed)
    assert of(outcomes(played, matrix.ROW), "workload smiley → face, pods").verdict is Verdict.NOT_PROVABLE


def test_a_service_with_routes_by_path_only_is_asked_on_the_path_that_leads_to_itself(tmp_path: Path) -> None:
    """Elsewhere it answers nobody, which says nothing about who is let in."""
    routes = [
        {"name": "smiley-edge", "service": "smiley", "path": "/edge", "backends": {"color": 1}},
        {"name": "smiley-center", "service": "smiley", "path": "/center"},
    ]
    places = right()
    found = asked_of(tmp_path, places, routes=routes)
    assert set(verdicts(found).values()) == {Verdict.PASSED}, found
    face = places["meshed face"]
    assert isinstance(face, FakePlace)
    assert {request.url for request in face.asked if "//smiley." in request.url} == {
        "http://smiley.faces.svc.cluster.local/center"
    }


def test_rules_by_address_are_judged_where_the_address_is_known(tmp_path: Path) -> None:
    rules = [{"name": "near", "from": {"networks": ["10.0.0.0/8"]}, "to": ["smiley", "color"]}]
    found = asked_of(tmp_path, right(), policy={"mode": "enforce", "access": rules})
    assert of(found, "an unmeshed pod → smiley").verdict is Verdict.NOT_PROVABLE
    assert "by addresses" in of(found, "an unmeshed pod → smiley").found
    assert of(found, "workload smiley → color").verdict is Verdict.PASSED


def test_one_device_is_asked_about_alone(tmp_path: Path) -> None:
    context = context_of(tmp_path, places=right(), **LAB)
    subjects = {outcome.subject for outcome in outcomes(context, matrix.ROW, device="color")}
    assert "this machine → color" in subjects
    assert "this machine → smiley" not in subjects


class _Device(FakePlace):
    """A device whose proxy keeps a log."""

    said = "INFO inbound:... authz.name=audit client.ip=192.0.2.1\n"

    async def log(self, seconds: float) -> str:  # noqa: ARG002 - as the contract has it
        return self.said


def _audited(number: int) -> Callable[[Sequence[Request]], str]:
    seen: list[int] = []

    def count(_asked: Sequence[Request]) -> str:
        seen.append(1)
        done = number if len(seen) > 1 else 0
        return REAL + line("inbound_http_authz_allow_total", 3 + done, authz_name="audit")

    return count


@pytest.mark.parametrize(
    ("number", "status", "said", "verdict"),
    [
        (5, 200, _Device.said, Verdict.PASSED),
        (0, 200, _Device.said, Verdict.FAILED),
        (5, 403, _Device.said, Verdict.FAILED),
        (5, 200, "", Verdict.FAILED),
    ],
)
def test_audit_counts_and_logs_strangers(tmp_path: Path, number: int, status: int, said: str, verdict: Verdict) -> None:
    device = _Device("device smiley", counts=_audited(number))
    device.said = said
    host = FakePlace("this machine", lambda _request: Answer(status=status), None)
    changed = {**LAB, "policy": {"mode": "audit", "access": RULES}}
    context = context_of(tmp_path, places={"host": host, "outside smiley": device}, **changed)
    assert of(outcomes(context, audit.ROW), "workload smiley").verdict is verdict


def test_audit_is_not_asked_in_other_modes_nor_proven_by_a_stand_in(tmp_path: Path) -> None:
    (nothing,) = outcomes(context_of(tmp_path, **LAB), audit.ROW)
    assert nothing.verdict is Verdict.NOT_ASKED
    places = {"host": FakePlace(), "outside smiley": FakePlace(counts=lambda _asked: STAND_IN)}
    changed = {**LAB, "policy": {"mode": "audit", "access": RULES}}
    found = outcomes(context_of(tmp_path, places=places, **changed), audit.ROW)
    assert of(found, "workload smiley").verdict is Verdict.NOT_PROVABLE


def test_pods_in_audit_count_strangers_in_their_own_metrics(tmp_path: Path) -> None:
    pods = "/api/v1/namespaces/faces/pods"
    asked = {**LAB, "policy": {"mode": "enforce", "access": RULES, "default-inbound": "audit"}}
    counted = line("inbound_http_authz_allow_total", 4, authz_name="audit")
    listed = {
        f"{pods}?labelSelector=service%3Dface": [{"metadata": {"name": "face-0"}}],
        f"{pods}/face-0:4191/proxy/metrics": counted,
    }
    one = of(outcomes(context_of(tmp_path, api=FakeApi(dict(listed)), **asked), audit.ROW), "pods of face")
    assert (one.verdict, one.found) == (Verdict.PASSED, "4 requests counted as audit by 1 pods")
    listed[f"{pods}/face-0:4191/proxy/metrics"] = ""
    none = of(outcomes(context_of(tmp_path, api=FakeApi(dict(listed)), **asked), audit.ROW), "pods of face")
    assert none.verdict is Verdict.NOT_PROVABLE
    lost = of(outcomes(context_of(tmp_path, **asked), audit.ROW), "pods of face")
    assert lost.verdict is Verdict.FAILED


def _served(**labels: str) -> Callable[[Sequence[Request]], str]:
    seen: list[int] = []

    def count(_asked: Sequence[Request]) -> str:
        seen.append(1)
        return REAL + line("request_total", 1 + 20 * len(seen), direction="inbound", **labels)

    return count


@pytest.mark.parametrize(
    ("labels", "verdict"),
    [
        ({"tls": "true", "client_id": "face.faces.serviceaccount.identity.linkerd.cluster.local"}, Verdict.PASSED),
        ({"tls": "no_identity"}, Verdict.FAILED),
        ({"tls": "true", "client_id": ""}, Verdict.FAILED),
    ],
)
def test_proxies_outside_count_tls_and_who_called(tmp_path: Path, labels: dict[str, str], verdict: Verdict) -> None:
    places: dict[str, Place | str] = {
        "meshed face": caller("face", lambda _service: 200),
        "outside smiley": FakePlace("device smiley", counts=_served(**labels)),
    }
    found = of(outcomes(context_of(tmp_path, places=places, **LAB), tls.ROW), "workload smiley")
    assert found.verdict is verdict
    assert verdict is Verdict.FAILED or found.found.startswith("from face.faces")
    places["outside smiley"] = FakePlace(counts=lambda _asked: STAND_IN)
    again = of(outcomes(context_of(tmp_path, places=places, **LAB), tls.ROW), "workload smiley")
    assert again.verdict is Verdict.NOT_PROVABLE
