"""What `lab status` says of the cluster and of what is in it, by what the API answers and what is recorded."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.status import certificates, cluster, gui, policy, routes, workloads
from lab.status.api import SilentError
from lab.status.item import State
from lab.status.recorded import Unread
from tests.unit.status_fixtures import (
    NOW,
    SILENT,
    FakeApi,
    container,
    context_of,
    device,
    items,
    moment,
    one,
    registered,
    resource,
    server,
)

NODES, HTTP, GRPC = (
    "/api/v1/nodes",
    *(f"/apis/gateway.networking.k8s.io/v1/{kind}" for kind in ("httproutes", "grpcroutes")),
)
SERVERS, SERVICES = "/apis/policy.linkerd.io/v1beta3/servers", "/api/v1/namespaces/faces/services"
SECRET = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}


def _node(name: str, ready: str = "True", pods: str = "10.42.0.0/24", **annotations: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready, "reason": "KubeletNotReady", "message": "no network"}]
    return {
        "metadata": {"name": name, "annotations": annotations},
        "spec": {"podCIDRs": [pods]},
        "status": {"conditions": conditions, "nodeInfo": {"kubeletVersion": "v1.34.3+k3s1"}},
    }


def _workload(
    name: str, status: str = "True", probed: float = 12, since: float = 600, **condition: str
) -> dict[str, Any]:
    said = {
        "type": "Ready",
        "status": status,
        "reason": "Answered",
        "message": "192.0.2.21 port 8000 answered HEAD /ready with 200 in 4 ms",
        "lastProbeTime": moment(probed),
        "lastTransitionTime": moment(since),
        **condition,
    }
    return {"metadata": {"name": name}, "status": {"conditions": [said]}}


def test_a_cluster_that_answers_is_said_with_its_version_and_its_nodes_with_their_pods(tmp_path: Path) -> None:
    api = FakeApi({NODES: [_node("pi-0"), _node("pi-1", pods="10.42.1.0/24")]})
    found = items(cluster.look(context_of(tmp_path, api=api, outputs={"linkerd": "edge-26.8.3"})))
    assert [(item.subject, item.word, item.text) for item in found] == [
        ("API", "answers", "Kubernetes v1.34.3+k3s1 at https://192.0.2.1:6443"),
        ("node pi-0", "Ready", "pods in 10.42.0.0/24"),
        ("node pi-1", "Ready", "pods in 10.42.1.0/24"),
        ("Linkerd", "installed", "edge-26.8.3"),
    ]


def test_a_hundred_nodes_take_one_line_and_each_that_is_not_ready_its_own(tmp_path: Path) -> None:
    nodes = [_node(f"n{number}", pods=f"10.42.{number}.0/24") for number in range(100)]
    found = items(cluster.look(context_of(tmp_path, api=FakeApi({NODES: [*nodes, _node("bad", "Unknown")]}))))
    assert [(item.subject, item.state) for item in found[1:]] == [("100 nodes", State.WELL), ("node bad", State.BAD)]
    assert found[1].text == "pods in 10.42.0.0/24 and 99 more ranges"
    assert found[2].text == "KubeletNotReady: no network"
    assert found[2].next == "kubectl describe node bad"


def test_a_silent_cluster_is_said_once_with_its_cause_and_without_a_node_it_is_nothing(tmp_path: Path) -> None:
    context = context_of(tmp_path, registered("smiley"), server("smiley", "deny"), api=FakeApi(silent=True))
    said = one(cluster.look(context))
    assert (said.state, said.word, said.text) == (State.BAD, "no answer", SILENT)
    for look in (workloads.look, policy.look, gui.look):
        with pytest.raises(SilentError):
            items(look(context))
    empty = items(cluster.look(context_of(tmp_path)))
    assert (empty[1].state, empty[1].text) == (State.BAD, "the cluster has no node")


def test_a_workload_is_ready_for_a_time_and_was_probed_lately(tmp_path: Path) -> None:
    api = FakeApi({workloads.PATH: [_workload("smiley"), _workload("color", probed=59, since=7300)]})
    found = items(workloads.look(context_of(tmp_path, *device("smiley"), *container("color"), api=api)))
    assert [(item.subject, item.state, item.word, item.text) for item in found] == [
        ("color", State.WELL, "Ready", "container, Ready for 2 h, probed 59 s ago"),
        ("smiley", State.WELL, "Ready", "device, Ready for 10 min, probed 12 s ago"),
    ]
    assert found[1].facts["probed"] == "2026-05-04T11:59:48+00:00"
    assert found[1].facts["ready"] is True


@pytest.mark.parametrize(
    ("there", "word", "text"),
    [
        ([], "missing", "the cluster has no ExternalWorkload of that name"),
        ([{"metadata": {"name": "smiley"}}], "not probed", "nobody has looked at it yet: the prober does not run"),
        (
            [_workload("smiley", "False", since=90, reason="Unreachable", message="no connection to 192.0.2.21")],
            "not Ready",
            "Unreachable: no connection to 192.0.2.21 (probed 12 s ago, so for 90 s)",
        ),
        ([_workload("smiley", probed=400)], "stale", "Ready, but last probed 6 min ago: the prober does not run"),
    ],
)
def test_a_workload_that_is_not_ready_is_said_with_the_reason(
    tmp_path: Path, there: list[dict[str, Any]], word: str, text: str
) -> None:
    found = one(workloads.look(context_of(tmp_path, *device("smiley"), api=FakeApi({workloads.PATH: there}))))
    assert (found.state, found.word, found.text) == (State.BAD, word, text)
    assert found.next


def test_nobody_probes_a_workload_that_the_lab_does_not_bring_up(tmp_path: Path) -> None:
    api = FakeApi({workloads.PATH: [{"metadata": {"name": "smiley"}}]})
    assert one(workloads.look(context_of(tmp_path, registered("smiley"), api=api))).state is State.UNKNOWN


def _route(weights: dict[str, int], writer: str = "policy-controller", **conditions: str) -> dict[str, Any]:
    said = [{"type": kind, "status": status, "reason": "BackendNotFound"} for kind, status in conditions.items()]
    return {
        "metadata": {
            "name": "smiley-route",
            "namespace": "faces",
            "managedFields": [{"subresource": "status", "manager": writer}],
        },
        "spec": {
            "parentRefs": [{"kind": "Service", "name": "smiley"}],
            "rules": [{"backendRefs": [{"name": name, "weight": weight} for name, weight in weights.items()]}],
        },
        "status": {"parents": [{"controllerName": "linkerd.io/policy-controller", "conditions": said}]},
    }


SHARES = {"smiley": 0.8, "smiley2": 0.2}
ACCEPTED = {"Accepted": "True", "ResolvedRefs": "True"}


@pytest.mark.parametrize(
    ("there", "state", "word", "text"),
    [
        (_route({"smiley": 80, "smiley2": 20}, **ACCEPTED), State.WELL, "Accepted", "80% smiley, 20% smiley2"),
        (_route({"smiley": 4, "smiley2": 1}, **ACCEPTED), State.WELL, "Accepted", "80% smiley, 20% smiley2"),
        (
            _route({"smiley": 4, "smiley2": 1}, "twin", **ACCEPTED),
            State.WELL,
            "Accepted",
            "80% smiley, 20% smiley2; a stand-in of Linkerd says so",
        ),
        (
            _route({"smiley": 1, "smiley2": 1}, **ACCEPTED),
            State.BAD,
            "differs",
            "the cluster has 50% smiley, 50% smiley2; the last `up` wrote 80% smiley, 20% smiley2",
        ),
        (
            _route({}, **ACCEPTED),
            State.BAD,
            "differs",
            "the cluster has 100% smiley; the last `up` wrote 80% smiley, 20% smiley2",
        ),
        (
            _route({"smiley": 4, "smiley2": 1}, Accepted="True", ResolvedRefs="False"),
            State.BAD,
            "refused",
            "80% smiley, 20% smiley2; ResolvedRefs is False: BackendNotFound",
        ),
        (
            _route({"smiley": 4, "smiley2": 1}),
            State.UNKNOWN,
            "not judged",
            "80% smiley, 20% smiley2; Linkerd has said nothing of it",
        ),
        (None, State.BAD, "missing", "the cluster has no such route; 80% smiley, 20% smiley2 was written"),
    ],
)
def test_a_route_is_held_against_the_shares_that_were_written(
    tmp_path: Path, there: dict[str, Any] | None, state: State, word: str, text: str
) -> None:
    api = FakeApi({HTTP: [there] if there else []})
    found = one(routes.look(context_of(tmp_path, api=api, outputs={"routes": {"smiley-route": SHARES}})))
    assert (found.state, found.word, found.text) == (state, word, text)


def test_a_route_of_grpc_is_found_and_one_about_access_is_not_taken_for_it(tmp_path: Path) -> None:
    own = _route({"smiley": 4, "smiley2": 1}, **ACCEPTED)
    other = {**own, "spec": {**own["spec"], "parentRefs": [{"kind": "Server", "name": "edge-smiley"}]}}
    for lists, word in (({GRPC: [own]}, "Accepted"), ({HTTP: [other]}, "missing")):
        context = context_of(tmp_path, api=FakeApi(lists), outputs={"routes": {"smiley-route": SHARES}})
        assert one(routes.look(context)).word == word


def _guard(name: str, access_policy: str) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"accessPolicy": access_policy}}


@pytest.mark.parametrize(
    ("there", "state", "word", "text"),
    [
        ([_guard("edge-smiley", "audit")], State.WELL, "audit", "calls that no rule allows go through, and are logged"),
        (
            [_guard("edge-smiley", "audit"), _guard("somebody-elses", "deny")],
            State.WELL,
            "audit",
            "calls that no rule allows go through, and are logged",
        ),
        (
            [_guard("edge-smiley", "deny")],
            State.BAD,
            "differs",
            "the cluster's Servers say enforce; the last `up` wrote audit",
        ),
        (
            [_guard("edge-smiley", "audit"), _guard("edge-color", "deny")],
            State.BAD,
            "differs",
            "the cluster's Servers say mixed; the last `up` wrote audit",
        ),
        ([], State.BAD, "differs", "the cluster's Servers say nothing: there are none; the last `up` wrote audit"),
    ],
)
def test_the_mode_of_access_is_the_cluster_s_held_against_the_last_up(
    tmp_path: Path, there: list[dict[str, Any]], state: State, word: str, text: str
) -> None:
    context = context_of(tmp_path, server("smiley", "audit"), api=FakeApi({SERVERS: there}), policy={"mode": "audit"})
    found = one(policy.look(context))
    assert (found.state, found.word, found.text) == (state, word, text)


def test_a_mode_that_only_the_stack_file_has_yet_is_said(tmp_path: Path) -> None:
    api = FakeApi({SERVERS: [_guard("edge-smiley", "deny")]})
    found = one(policy.look(context_of(tmp_path, server("smiley", "deny"), api=api, policy={"mode": "audit"})))
    assert (found.state, found.word) == (State.WELL, "enforce")
    assert "stacks/Pulumi.twin.yaml says audit, which the next `up` brings" in found.text


def test_the_gui_is_where_the_stack_says_else_where_the_cluster_offers_it(tmp_path: Path) -> None:
    fake = {NODES: [_node("n", **{"kwok.x-k8s.io/node": "fake"})]}
    service: dict[str, Any] = {"metadata": {"name": "faces-gui"}, "status": {"loadBalancer": {}}}
    balanced = {**service, "status": {"loadBalancer": {"ingress": [{"ip": "2001:db8::1"}]}}}
    for lists, outputs, word, text in (
        ({}, {"gui": "http://localhost:8080/"}, "open", "http://localhost:8080/"),
        ({NODES: [_node("n")], SERVICES: [balanced]}, {}, "open", "http://[2001:db8::1]/"),
        (
            {NODES: [_node("n")], SERVICES: [service]},
            {},
            "forward",
            "kubectl port-forward -n faces service/faces-gui 8080:80, then open http://localhost:8080/",
        ),
        (fake, {}, "not here", "no pod really runs on this cluster; k3d-lab and pi-lab show one"),
    ):
        found = one(gui.look(context_of(tmp_path, api=FakeApi(lists), outputs=outputs)))
        assert (found.word, found.text) == (word, text)


ENDS = {
    "trust-root-1-certificate": NOW + timedelta(days=3000),
    "spire-trust-upstream-1-certificate": NOW + timedelta(days=29, hours=1),
    "spire-trust-devices-2-certificate": NOW - timedelta(hours=1),
    "smiley-device-certificate-1-5079d77a": NOW + timedelta(days=300),
    "color-docker-certificate-1": NOW + timedelta(days=299, hours=1),
    "color-device-certificate-1-3de8e5b1": NOW + timedelta(days=3),
    "smiley-device-intermediate-1-5079d77a": NOW + timedelta(days=11),
    "color-device-intermediate-1-3de8e5b1": NOW + timedelta(days=9),
}


def test_certificates_have_days_left_and_those_of_machines_that_live_long_take_one_line(tmp_path: Path) -> None:
    given = {
        "root-1": (NOW + timedelta(days=3000)).isoformat(),
        "issuer": (NOW + timedelta(days=1, hours=2)).isoformat(),
    }
    context = context_of(tmp_path, outputs={"certificates": given}, ends=ENDS, spire={"intermediate-days": 30})
    found = {item.subject: (item.state, item.word, item.text) for item in items(certificates.look(context))}
    assert found == {
        "root-1": (State.WELL, "3000 days", "until 2034-07-21"),
        "issuer": (State.SOON, "1 day", "soon: it ends on 2026-05-05"),
        "upstream-1": (State.SOON, "29 days", "soon: it ends on 2026-06-02"),
        "device-ca-2": (State.BAD, "EXPIRED", "on 2026-05-04"),
        "color": (State.SOON, "3 days", "soon: it ends on 2026-05-07"),
        "color, its authority": (State.SOON, "9 days", "soon: it ends on 2026-05-13"),
        "3 of machines": (State.WELL, "11 days", "until 2026-05-15; that of smiley, its authority ends first"),
    }
    hints = {item.subject: item.next for item in items(certificates.look(context))}
    assert hints["issuer"] == "raise trust.issuer by one in stacks/Pulumi.twin.yaml, then: make up"
    assert hints["device-ca-2"].startswith("raise spire.device-ca by one")
    assert hints["root-1"] == ""


def test_what_is_encrypted_in_the_state_is_not_read_and_said_so(tmp_path: Path) -> None:
    recorded = context_of(tmp_path, *device("smiley", SECRET), *device("color")).recorded
    with pytest.raises(Unread, match="encrypted in the state"):
        recorded.bundle("smiley")
    with pytest.raises(Unread, match="no `up` of it has come to an end"):
        recorded.bundle("color")
    assert recorded.devices == ["smiley", "color"]


def test_a_container_whose_image_is_encrypted_in_the_state_is_left_out(tmp_path: Path) -> None:
    hidden = resource("docker:index/container:Container", "x-docker-container", name="net-x", image=SECRET)
    forwarder = resource("docker:index/container:Container", "dns-forwarder", name="net-dns", image="sha256:2")
    recorded = context_of(tmp_path, *container("color"), hidden, forwarder).recorded
    assert [(found.workload, found.name, found.image) for found in recorded.containers] == [
        ("color", "net-color", "sha256:1")
    ]
