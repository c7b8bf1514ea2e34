"""Rows of `lab verify` that the cluster's API answers: a lab that is not as its file says fails the row that says so."""

import copy
from pathlib import Path
from typing import Any

import pytest

from lab.verify.outcome import Verdict
from lab.verify.place import Answer
from lab.verify.row import Row
from lab.verify.rows import accepted, conditions, control_plane, emissary, endpoints, gui, hand_off, routes, servers
from tests.unit.verify_fixtures import (
    PLAYED,
    FakeApi,
    FakePlace,
    context_of,
    moment,
    of,
    outcomes,
    verdicts,
)

WORKLOADS = [{"name": "smiley", "addresses": ["192.168.1.21"], "device": {}}]
ONLY = [{"name": "smiley", "addresses": ["192.168.1.21"]}]
FACES = {"on-edge": ["smiley"], "second": ["smiley2"]}
ROUTE = {"name": "canary", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}
LAB: dict[str, Any] = {
    "workloads": WORKLOADS,
    "faces": FACES,
    "routes": [ROUTE],
    "services": None,
    "policy": {"mode": "enforce"},
    "ssh": {"known-hosts": "known_hosts", "private-key-file": "id"},
}
EXTERNAL = "/apis/workload.linkerd.io/v1beta1/namespaces/faces/externalworkloads"
SLICES = "/apis/discovery.k8s.io/v1/namespaces/faces/endpointslices"
ROUTES = "/apis/gateway.networking.k8s.io/v1/namespaces/faces/httproutes"
SERVERS = "/apis/policy.linkerd.io/v1beta3/namespaces/faces/servers"
POLICIES = "/apis/policy.linkerd.io/v1alpha1/namespaces/faces"


def one(directory: Path, row: Row, api: FakeApi, subject: str, **changed: Any) -> tuple[Verdict, str]:
    """What a row says of a subject."""
    outcome = of(outcomes(context_of(directory, api=api, **{**LAB, **changed}), row), subject)
    assert outcome.verdict is not Verdict.FAILED or outcome.next, "whoever fails says what comes next"
    return outcome.verdict, outcome.found


def external(**ready: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "smiley",
            "managedFields": [{"manager": "pulumi"}, {"manager": "edge-prober", "subresource": "status", "time": "1"}],
        },
        "spec": {
            "meshTLS": {"identity": "spiffe://root.linkerd.cluster.local/smiley"},
            "workloadIPs": [{"ip": "192.168.1.21"}],
            "ports": [{"port": 8000, "name": "http"}],
        },
        "status": {
            "conditions": [
                {
                    "type": "Ready",
                    "status": "True",
                    "reason": "Answered",
                    "message": "200 in 4 ms",
                    "lastProbeTime": moment(8),
                    "lastTransitionTime": moment(720),
                    **ready,
                }
            ]
        },
    }


def test_a_workload_that_the_prober_sees_well_is_ready_and_one_reads_who_looked_and_when(tmp_path: Path) -> None:
    verdict, found = one(tmp_path, conditions.ROW, FakeApi({EXTERNAL: [external()]}), "workload smiley")
    assert verdict is Verdict.PASSED
    assert found == "Ready for 12 min, probed 8 s ago by edge-prober: Answered: 200 in 4 ms"


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([], "no ExternalWorkload of that name"),
        (
            [external(status="False", reason="Unreachable", message="no connection")],
            "not Ready, probed 8 s ago by edge-prober",
        ),
        ([external(lastProbeTime=moment(400))], "the prober does not run"),
        ([{**external(), "status": {}}], "nobody has probed it yet"),
        ([{**external(), "spec": {**external()["spec"], "workloadIPs": [{"ip": "198.51.100.9"}]}}], "198.51.100.9"),
        ([{**external(), "spec": {**external()["spec"], "ports": [{"port": 80}]}}], "registered with port 80"),
        ([{**external(), "spec": {**external()["spec"], "meshTLS": {"identity": "spiffe://x/y"}}}], "spiffe://x/y"),
    ],
)
def test_a_workload_that_is_not_as_registered_or_not_well_fails(
    tmp_path: Path, objects: list[dict[str, Any]], words: str
) -> None:
    verdict, found = one(tmp_path, conditions.ROW, FakeApi({EXTERNAL: objects}), "workload smiley")
    assert verdict is Verdict.FAILED
    assert words in found


def test_a_workload_that_is_only_registered_is_probed_by_nobody(tmp_path: Path) -> None:
    api = FakeApi({EXTERNAL: [{**external(), "status": {}}]})
    verdict, found = one(tmp_path, conditions.ROW, api, "workload smiley", workloads=ONLY)
    assert verdict is Verdict.NOT_PROVABLE
    assert "nobody probes it" in found


def test_without_workloads_outside_their_rows_are_not_configured(tmp_path: Path) -> None:
    for row in (conditions.ROW, endpoints.ROW, servers.ROW):
        (outcome,) = outcomes(
            context_of(tmp_path, **{**LAB, "workloads": [], "faces": {}, "routes": [], "policy": None}), row
        )
        assert outcome.verdict is Verdict.NOT_ASKED


def slices(*of_linkerd: str, own: tuple[str, ...] = (), ready: bool = True) -> list[dict[str, Any]]:
    labels = {"kubernetes.io/service-name": "smiley"}
    listed = [
        {
            "metadata": {"name": "smiley-abcde", "labels": labels},
            "endpoints": [{"addresses": list(own)}] if own else [],
        }
    ]
    if of_linkerd:
        outside = [{"addresses": [address], "conditions": {"ready": ready}} for address in of_linkerd]
        listed.append({"metadata": {"name": "linkerd-external-smiley-x", "labels": labels}, "endpoints": outside})
    return listed


def test_the_services_own_slice_is_empty_and_linkerds_has_the_address(tmp_path: Path) -> None:
    api = FakeApi({SLICES: slices("192.168.1.21")})
    assert one(tmp_path, endpoints.ROW, api, "Service smiley") == (
        Verdict.PASSED,
        "192.168.1.21 in linkerd-external-smiley-x; its own slice is empty",
    )


@pytest.mark.parametrize(
    ("listed", "words"),
    [
        (slices("192.168.1.21", own=("10.42.0.7",)), "its own slice has 10.42.0.7"),
        (slices(), "no slice of Linkerd's has 192.168.1.21"),
        (slices("198.51.100.9"), "no slice of Linkerd's has 192.168.1.21"),
        (slices("192.168.1.21", "198.51.100.9"), "198.51.100.9 too"),
        (slices("192.168.1.21", ready=False), "not ready"),
    ],
)
def test_endpoints_that_lead_elsewhere_fail(tmp_path: Path, listed: list[dict[str, Any]], words: str) -> None:
    verdict, found = one(tmp_path, endpoints.ROW, FakeApi({SLICES: listed}), "Service smiley")
    assert verdict is Verdict.FAILED
    assert words in found


def test_where_linkerds_controllers_do_not_run_its_slices_cannot_be_seen(tmp_path: Path) -> None:
    api = FakeApi({SLICES: slices(), "/api/v1/nodes": [PLAYED]})
    assert one(tmp_path, endpoints.ROW, api, "Service smiley")[0] is Verdict.NOT_PROVABLE
    api.documents[SLICES] = slices(own=("10.42.0.7",))
    assert one(tmp_path, endpoints.ROW, FakeApi(api.documents), "Service smiley")[0] is Verdict.FAILED


def deployment(name: str, *, replicas: int = 1, available: str = "True") -> dict[str, Any]:
    return {
        "metadata": {"name": name},
        "spec": {"replicas": replicas},
        "status": {
            "replicas": replicas,
            "availableReplicas": replicas if available == "True" else 0,
            "conditions": [{"type": "Available", "status": available}],
        },
    }


def test_the_control_plane_is_available_missing_or_only_said_to_be_there(tmp_path: Path) -> None:
    path, name = "/apis/apps/v1/namespaces/linkerd/deployments", "linkerd-destination"
    well, ill = deployment(name), deployment(name, available="False")
    assert one(tmp_path, control_plane.ROW, FakeApi({path: [well]}), name)[0] is Verdict.PASSED
    assert one(tmp_path, control_plane.ROW, FakeApi({path: [ill]}), name) == (Verdict.FAILED, "0 of 1 pods available")
    assert one(tmp_path, control_plane.ROW, FakeApi(), name)[0] is Verdict.FAILED
    on_kwok = FakeApi({path: [well], "/api/v1/nodes": [PLAYED]})
    assert one(tmp_path, control_plane.ROW, on_kwok, name)[0] is Verdict.NOT_PROVABLE
    ill_on_kwok = FakeApi({path: [ill], "/api/v1/nodes": [PLAYED]})
    assert one(tmp_path, control_plane.ROW, ill_on_kwok, name)[0] is Verdict.FAILED


def test_a_part_on_the_edge_has_no_pods_left(tmp_path: Path) -> None:
    path, subject = "/apis/apps/v1/namespaces/faces/deployments", "Deployment smiley"
    gone, back = deployment("smiley", replicas=0), deployment("smiley", replicas=1)
    assert one(tmp_path, hand_off.ROW, FakeApi({path: [gone]}), subject) == (Verdict.PASSED, "no pods")
    assert one(tmp_path, hand_off.ROW, FakeApi({path: [back]}), subject) == (Verdict.FAILED, "1 wanted, 1 there")
    assert one(tmp_path, hand_off.ROW, FakeApi(), subject)[0] is Verdict.FAILED
    nothing = context_of(tmp_path, **{**LAB, "faces": {"second": ["smiley2"]}})
    assert [outcome.verdict for outcome in outcomes(nothing, hand_off.ROW)] == [Verdict.NOT_ASKED]


def route(**weights: int) -> dict[str, Any]:
    return {
        "metadata": {"name": "canary"},
        "spec": {
            "parentRefs": [{"kind": "Service", "name": "smiley", "port": 80}],
            "rules": [{"backendRefs": [{"name": name, "weight": weight} for name, weight in weights.items()]}],
        },
    }


CONFIGURED = route(smiley=80, smiley2=20)


def test_a_route_is_as_configured(tmp_path: Path) -> None:
    assert one(tmp_path, routes.ROW, FakeApi({ROUTES: [CONFIGURED]}), "route canary")[0] is Verdict.PASSED
    nothing = context_of(tmp_path, **{**LAB, "routes": []})
    assert [outcome.verdict for outcome in outcomes(nothing, routes.ROW)] == [Verdict.NOT_ASKED]


def _changed(**rule: Any) -> dict[str, Any]:
    found = copy.deepcopy(CONFIGURED)
    found["spec"]["rules"][0].update(rule)
    return found


@pytest.mark.parametrize(
    ("objects", "words"),
    [
        ([], "there is no HTTPRoute canary"),
        ([route(smiley=50, smiley2=50)], "its weights are smiley 50, smiley2 50; configured are smiley 80, smiley2 20"),
        ([_changed(matches=[{"path": {"value": "/edge"}}])], "about the path /edge"),
        ([_changed(matches=[{"method": "POST"}])], "about the method POST"),
        (
            [{**CONFIGURED, "metadata": {"name": "canary", "annotations": {"retry.linkerd.io/http": "5xx"}}}],
            "retry http",
        ),
        ([{**CONFIGURED, "spec": {**CONFIGURED["spec"], "parentRefs": [{"name": "color"}]}}], "requests to color"),
        ([{**CONFIGURED, "spec": {**CONFIGURED["spec"], "rules": []}}], "it has 0 rules"),
    ],
)
def test_a_route_that_somebody_changed_by_hand_fails(tmp_path: Path, objects: list[dict[str, Any]], words: str) -> None:
    verdict, found = one(tmp_path, routes.ROW, FakeApi({ROUTES: objects}), "route canary")
    assert verdict is Verdict.FAILED
    assert words in found


def test_a_services_annotations_are_as_configured(tmp_path: Path) -> None:
    path = "/api/v1/namespaces/faces/services/smiley"
    asked = {"services": [{"name": "smiley", "timeout": {"request": "300ms"}}]}
    said = {"metadata": {"name": "smiley", "annotations": {"timeout.linkerd.io/request": "300ms", "other": "1"}}}
    other = {"metadata": {"name": "smiley", "annotations": {"timeout.linkerd.io/request": "9s"}}}
    right, wrong = FakeApi({path: said, ROUTES: [CONFIGURED]}), FakeApi({path: other, ROUTES: [CONFIGURED]})
    assert one(tmp_path, routes.ROW, right, "Service smiley", **asked)[0] is Verdict.PASSED
    assert one(tmp_path, routes.ROW, wrong, "Service smiley", **asked)[1] == "its annotations are timeout request 9s"
    assert one(tmp_path, routes.ROW, FakeApi(), "Service smiley", **asked)[0] is Verdict.FAILED


def _status(*said: tuple[str, str], by: str = "linkerd.io/policy-controller") -> dict[str, Any]:
    entries = [{"type": kind, "status": status, "reason": "Because"} for kind, status in said]
    return {**CONFIGURED, "status": {"parents": [{"controllerName": by, "conditions": entries}]}}


def test_a_route_is_accepted_when_linkerds_own_controller_says_both(tmp_path: Path) -> None:
    both = _status(("Accepted", "True"), ("ResolvedRefs", "True"))
    subject = "route canary"
    assert one(tmp_path, accepted.ROW, FakeApi({ROUTES: [both]}), subject)[0] is Verdict.PASSED
    for wrong in (
        _status(("Accepted", "False"), ("ResolvedRefs", "True")),
        _status(("Accepted", "True")),
        _status(("Accepted", "True"), ("ResolvedRefs", "True"), by="example.com/other"),
        CONFIGURED,
    ):
        assert one(tmp_path, accepted.ROW, FakeApi({ROUTES: [wrong]}), subject)[0] is Verdict.FAILED
    assert one(tmp_path, accepted.ROW, FakeApi(), subject)[0] is Verdict.FAILED
    for writer, verdict in (("python-httpx", Verdict.NOT_PROVABLE), ("linkerd.io/policy-controller", Verdict.PASSED)):
        fields = [{"manager": "pulumi"}, {"manager": writer, "subresource": "status"}]
        said = {**both, "metadata": {"name": "canary", "managedFields": fields}}
        assert one(tmp_path, accepted.ROW, FakeApi({ROUTES: [said]}), subject)[0] is verdict
    silent = FakeApi({ROUTES: [CONFIGURED], "/api/v1/nodes": [PLAYED]})
    assert one(tmp_path, accepted.ROW, silent, subject)[0] is Verdict.NOT_PROVABLE


def policy_objects(
    context: Any, *, access_policy: str = "deny", identities: list[str] | None = None, authentication: str = ""
) -> FakeApi:
    """What a lab's own program makes of these promises."""
    access = context.promises.access
    return FakeApi(
        {
            SERVERS: [
                {
                    "metadata": {"name": target.name},
                    "spec": {
                        "accessPolicy": access_policy,
                        "externalWorkloadSelector": {"matchLabels": dict(target.labels)},
                    },
                }
                for target in access.targets
            ],
            f"{POLICIES}/authorizationpolicies": [
                {
                    "metadata": {"name": grant.name},
                    "spec": {
                        "targetRef": {"name": grant.target.name},
                        "requiredAuthenticationRefs": [{"name": authentication or grant.rule.name}],
                    },
                }
                for grant in access.grants
            ],
            f"{POLICIES}/meshtlsauthentications": [
                {
                    "metadata": {"name": rule.name},
                    "spec": {"identities": access.identities(rule) if identities is None else identities},
                }
                for rule in access.rules
            ],
        }
    )


def test_policies_are_as_configured(tmp_path: Path) -> None:
    api = policy_objects(context_of(tmp_path, **LAB))
    found = outcomes(context_of(tmp_path, api=api, **LAB), servers.ROW)
    assert set(verdicts(found)) == {"Server edge-smiley", "rule edge-meshed → smiley", "authorizations"}
    assert set(verdicts(found).values()) == {Verdict.PASSED}, found


def test_a_servers_mode_that_somebody_changed_by_hand_fails_and_names_it(tmp_path: Path) -> None:
    api = policy_objects(context_of(tmp_path, **LAB), access_policy="all-unauthenticated")
    found = outcomes(context_of(tmp_path, api=api, **LAB), servers.ROW)
    assert of(found, "Server edge-smiley").verdict is Verdict.FAILED
    assert of(found, "Server edge-smiley").found == "accessPolicy all-unauthenticated"
    assert of(found, "rule edge-meshed → smiley").verdict is Verdict.PASSED


def test_a_rule_that_lets_others_in_or_that_nobody_configured_fails(tmp_path: Path) -> None:
    context = context_of(tmp_path, **LAB)
    opened = outcomes(context_of(tmp_path, api=policy_objects(context, identities=["*"]), **LAB), servers.ROW)
    assert of(opened, "rule edge-meshed → smiley").verdict is Verdict.FAILED
    anyone = outcomes(context_of(tmp_path, api=policy_objects(context, authentication="anyone"), **LAB), servers.ROW)
    assert of(anyone, "rule edge-meshed → smiley").found == "AuthorizationPolicy edge-meshed-smiley asks for anyone"
    for target in ({"name": "edge-smiley"}, {"kind": "Namespace", "name": "faces"}):
        api = policy_objects(context)
        api.documents[f"{POLICIES}/authorizationpolicies"].append(
            {"metadata": {"name": "back-door"}, "spec": {"targetRef": target}}
        )
        added = outcomes(context_of(tmp_path, api=api, **LAB), servers.ROW)
        assert of(added, "authorizations").verdict is Verdict.FAILED
        assert "back-door" in of(added, "authorizations").found
    missing = policy_objects(context)
    missing.documents[SERVERS] = []
    missing.documents[f"{POLICIES}/authorizationpolicies"] = []
    lost = verdicts(outcomes(context_of(tmp_path, api=missing, **LAB), servers.ROW))
    assert lost["Server edge-smiley"] is lost["rule edge-meshed → smiley"] is Verdict.FAILED


def pod(*containers: str) -> dict[str, Any]:
    return {"metadata": {"name": "emissary-0"}, "spec": {"containers": [{"name": name} for name in containers]}}


def test_emissary_is_off_the_mesh(tmp_path: Path) -> None:
    path, subject = "/api/v1/namespaces/emissary/pods", "Emissary"
    asked: dict[str, Any] = {"emissary": {}}
    assert one(tmp_path, emissary.ROW, FakeApi({path: [pod("aes")]}), subject, **asked)[0] is Verdict.PASSED
    meshed = FakeApi({path: [pod("aes", "linkerd-proxy")]})
    assert one(tmp_path, emissary.ROW, meshed, subject, **asked) == (Verdict.FAILED, "emissary-0 on the mesh")
    assert one(tmp_path, emissary.ROW, FakeApi(), subject, **asked)[0] is Verdict.FAILED
    played = FakeApi({path: [pod("aes")], "/api/v1/nodes": [PLAYED]})
    assert one(tmp_path, emissary.ROW, played, subject, **asked)[0] is Verdict.NOT_PROVABLE
    (outcome,) = outcomes(context_of(tmp_path, **LAB), emissary.ROW)
    assert outcome.verdict is Verdict.NOT_ASKED


def _gui(directory: Path, api: FakeApi, status: int | None, **changed: Any) -> tuple[Verdict, str, list[str]]:
    place = FakePlace("this machine", lambda _request: Answer(status=status, fault="refused"), counts=None)
    context = context_of(directory, api=api, places={"host": place}, **{**LAB, **changed})
    outcome = of(outcomes(context, gui.ROW), "the GUI")
    return outcome.verdict, outcome.found, [request.url for request in place.asked]


def test_the_gui_is_asked_where_its_service_is_reached(tmp_path: Path) -> None:
    path = "/api/v1/namespaces/faces/services/faces-gui"
    service = {
        "metadata": {"name": "faces-gui"},
        "spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 31000}]},
    }
    balanced = {**service, "status": {"loadBalancer": {"ingress": [{"ip": "192.0.2.80"}]}}}
    inner = {**service, "spec": {"type": "ClusterIP", "ports": [{"port": 80}]}}
    assert _gui(tmp_path, FakeApi({path: service}), 200)[::2] == (Verdict.PASSED, ["http://192.0.2.10:31000/"])
    assert _gui(tmp_path, FakeApi({path: balanced}), 200)[::2] == (Verdict.PASSED, ["http://192.0.2.80:80/"])
    assert _gui(tmp_path, FakeApi({path: balanced}), 200, gui="http://localhost/")[2] == ["http://localhost/"]
    assert _gui(tmp_path, FakeApi({path: inner}), 200)[0] is Verdict.NOT_PROVABLE
    assert _gui(tmp_path, FakeApi({path: balanced}), 503)[0] is Verdict.FAILED
    assert _gui(tmp_path, FakeApi({path: balanced}), None)[1] == "http://192.0.2.80:80/: refused"
    assert _gui(tmp_path, FakeApi(), 200)[0] is Verdict.FAILED
    assert _gui(tmp_path, FakeApi({path: service, "/api/v1/nodes": [PLAYED]}), 200)[0] is Verdict.NOT_PROVABLE
