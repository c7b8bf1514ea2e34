"""What becomes of the rules in the cluster: Servers that deny, routes, and who may use each."""

import json
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

import stacks
from components.policy.policy import Policy, PolicyArgs
from domain.access import EVERYBODY, Access, Caller, Mode, Rule, Target
from settings import load
from tests.components.conftest import Declare, Recording

_TRUST_DOMAIN = "spiffe://root.linkerd.cluster.local"
_EVERYBODY = Rule(name=EVERYBODY, to=("color", "smiley"), meshed=True)


def _access(*rules: Rule, mode: Mode = "enforce", grpc: bool = False) -> Access:
    return Access(
        rules=rules,
        mode=mode,
        outside=["smiley", "color"],
        targets=[
            Target(service="color", outside=True, labels={"service": "color"}, grpc=grpc),
            Target(service="smiley", outside=True, labels={"service": "smiley"}),
            Target(service="face", outside=False, labels={"component": "face"}),
        ],
    )


@pytest.fixture
def declared(declare: Declare) -> Any:
    def program(access: Access, path: str) -> dict[str, Any]:
        Policy("policy", PolicyArgs(access=access, namespace="faces", ready_path=path))
        return {}

    return lambda access, path="/ready": declare(lambda: program(access, path))


def _objects(recording: Recording, kind: str) -> dict[str, Any]:
    return {
        found.inputs["metadata"]["name"]: found.inputs["spec"]
        for found in recording.resources.values()
        if found.inputs.get("kind") == kind
    }


def _uses(recording: Recording) -> dict[str, tuple[str, str, str]]:
    """Of each AuthorizationPolicy the route, and the kind and name of the authentication."""
    found = {}
    for name, spec in _objects(recording, "AuthorizationPolicy").items():
        assert spec["targetRef"]["kind"] == "HTTPRoute", "what a Server allows mixes with what its audit lets through"
        (needed,) = spec["requiredAuthenticationRefs"]
        found[name] = (spec["targetRef"]["name"], needed["kind"], needed["name"])
    return found


def test_each_service_outside_has_a_server_that_denies_and_pods_one_by_the_charts_labels(declared: Any) -> None:
    servers = _objects(declared(_access(_EVERYBODY)), "Server")
    for name in "color", "smiley":
        assert servers[f"edge-{name}"] == {
            "externalWorkloadSelector": {"matchLabels": {"service": name}},
            "port": "http",
            "proxyProtocol": "HTTP/1",
            "accessPolicy": "deny",
        }
    inside = servers["cluster-face"]
    assert (inside["podSelector"], inside["port"]) == ({"matchLabels": {"component": "face"}}, "http")
    assert inside["proxyProtocol"] == "unknown"


def test_a_proxy_finds_out_what_is_spoken_where_a_workload_speaks_grpc_and_only_there(declared: Any) -> None:
    servers = _objects(declared(_access(_EVERYBODY, grpc=True)), "Server")
    assert {name: spec["proxyProtocol"] for name, spec in servers.items() if name.startswith("edge-")} == {
        "edge-color": "unknown",
        "edge-smiley": "HTTP/1",
    }


def test_a_mode_is_the_access_policy_of_the_servers_and_nothing_else(declared: Any) -> None:
    found = {mode: declared(_access(_EVERYBODY, mode=mode)).resources for mode in ("off", "audit", "enforce")}
    assert {
        mode: resources["policy-edge-smiley-server"].inputs["spec"]["accessPolicy"] for mode, resources in found.items()
    } == {
        "off": "all-unauthenticated",
        "audit": "audit",
        "enforce": "deny",
    }
    for mode in "off", "audit":
        differ = {name for name, other in found[mode].items() if other != found["enforce"][name]}
        assert differ == {"policy-edge-color-server", "policy-edge-smiley-server", "policy-cluster-face-server"}
        assert found[mode].keys() == found["enforce"].keys()


def test_anybody_may_ask_workloads_outside_the_one_path_and_pods_nothing(declared: Any) -> None:
    recording = declared(_access(_EVERYBODY), path="/healthy")
    routes = _objects(recording, "HTTPRoute")
    assert routes["edge-ready"]["rules"] == [
        {"matches": [{"method": method, "path": {"type": "Exact", "value": "/healthy"}} for method in ("GET", "HEAD")]}
    ]
    assert [parent["name"] for parent in routes["edge-ready"]["parentRefs"]] == ["edge-color", "edge-smiley"]
    assert _uses(recording)["edge-ready"] == ("edge-ready", "NetworkAuthentication", "edge-anyone")
    networks = _objects(recording, "NetworkAuthentication")["edge-anyone"]["networks"]
    assert networks == [{"cidr": "0.0.0.0/0"}, {"cidr": "::/0"}]


def test_every_server_has_a_route_for_every_path_since_with_one_of_its_own_the_rest_would_be_404(declared: Any) -> None:
    recording = declared(_access())
    routes = _objects(recording, "HTTPRoute")
    for server in _objects(recording, "Server"):
        assert [parent["name"] for parent in routes[server]["parentRefs"]] == [server]
        assert routes[server]["rules"] == [{"matches": [{"path": {"type": "PathPrefix", "value": "/"}}]}]
    assert _uses(recording).keys() == {"edge-ready"}, "nobody else without a rule"


def test_a_rule_is_one_authentication_of_each_kind_and_one_authorization_a_target(declared: Any) -> None:
    rule = Rule(
        name="mine",
        to=("color", "face"),
        service_accounts=("face",),
        workloads=("smiley",),
        networks=(ip_network("192.0.2.0/24"),),
    )
    recording = declared(_access(rule))
    assert {name: use for name, use in _uses(recording).items() if name != "edge-ready"} == {
        "mine-color": ("edge-color", "MeshTLSAuthentication", "mine"),
        "mine-color-networks": ("edge-color", "NetworkAuthentication", "mine"),
        "mine-cluster-face": ("cluster-face", "MeshTLSAuthentication", "mine"),
        "mine-cluster-face-networks": ("cluster-face", "NetworkAuthentication", "mine"),
    }
    # "*" is every identity that is a DNS name; one that is a URI has to be there in full.
    assert _objects(recording, "MeshTLSAuthentication") == {
        "mine": {"identities": ["face.faces.serviceaccount.identity.linkerd.cluster.local", f"{_TRUST_DOMAIN}/smiley"]}
    }
    assert _objects(recording, "NetworkAuthentication")["mine"] == {"networks": [{"cidr": "192.0.2.0/24"}]}


def _lets_in(recording: Recording, server: str, caller: Caller) -> bool:
    """What the objects say, read as the policy controller and a proxy do."""
    meshed, networks = _objects(recording, "MeshTLSAuthentication"), _objects(recording, "NetworkAuthentication")
    for route, kind, name in _uses(recording).values():
        if route != server:
            continue
        if kind == "NetworkAuthentication":
            ranges = [ip_network(network["cidr"]) for network in networks[name]["networks"]]
            if caller.address and any(caller.address in network for network in ranges):
                return True
        elif caller.identity is not None:
            listed = meshed[name]["identities"]
            if caller.identity in listed or ("*" in listed and "://" not in caller.identity):
                return True
    return False


def test_the_objects_let_in_whom_the_rules_allow_and_nobody_else(declared: Any) -> None:
    lan = (ip_network("192.0.2.0/24"), ip_network("2001:db8::/32"))
    rules = (
        Rule(name="one", to=("color",), service_accounts=("face", "default")),
        Rule(name="two", to=("color", "face"), workloads=("smiley",), networks=lan),
        Rule(name="three", to=("smiley",), meshed=True),
        Rule(name="four", to=("face",), workloads=("gone",)),
    )
    callers = [
        Caller.account("face"),
        Caller.account("default", "other"),
        Caller.account("default", address=ip_address("192.0.2.7")),
        *(Caller.workload(name) for name in ("smiley", "color", "gone", "stranger")),
        *(Caller.unmeshed(ip_address(text)) for text in ("192.0.2.7", "192.0.3.7", "2001:db8::7", "2001:db9::7")),
        Caller.unmeshed(),
    ]
    for some in (), rules[:1], rules[1:], rules:
        made = _access(*some)
        recording = declared(made)
        for target in made.targets:
            for caller in callers:
                allowed = made.allows(caller, target.service)
                assert _lets_in(recording, target.name, caller) is allowed, (caller, target.name)


def test_policy_and_target_are_in_one_namespace(declared: Any) -> None:
    resources = declared(_access(_EVERYBODY)).resources.values()
    assert {found.inputs["metadata"]["namespace"] for found in resources if "kind" in found.inputs} == {"faces"}


def test_pods_are_not_cut_off_while_rules_are_on_their_way(declared: Any) -> None:
    recording = declared(_access(Rule(name="mine", to=("face",), workloads=("smiley",))))
    assert {"policy-cluster-face-httproute", "policy-mine-cluster-face-authorizationpolicy"} <= recording.before(
        "policy-cluster-face-server"
    )


@pytest.fixture
def lab(declare: Declare, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A lab whose `policy` is what is given; it brings up no machine."""
    monkeypatch.chdir(tmp_path)
    Path("kubeconfig").write_text("{}")

    def lab(policy: dict[str, Any] | None) -> Recording:
        values = {
            "cluster": {"kubeconfig": "kubeconfig"},
            "faces": {"on-edge": ["smiley"], "second": ["smiley2"]},
            "workloads": [{"name": "smiley", "addresses": ["192.168.1.21"]}],
            "routes": [{"name": "smiley-route", "service": "smiley", "backends": {"smiley": 80, "smiley2": 20}}],
            **({} if policy is None else {"policy": policy}),
        }
        raw = {"lab": "twin"} | {key: json.dumps(value) for key, value in values.items()}
        settings = load(raw, set(), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return lab


def _rule(**callers: Any) -> dict[str, Any]:
    return {"name": "mine", "from": {key.replace("_", "-"): value for key, value in callers.items()}, "to": ["smiley"]}


def test_a_lab_that_neither_brings_up_a_machine_nor_says_a_word_about_access_has_no_policy(lab: Any) -> None:
    assert not [name for name in lab(None).resources if name.startswith(("policy", "accounts"))]


def test_a_part_of_faces_that_a_rule_names_runs_as_a_service_account_of_its_own_once_the_rules_are_there(
    lab: Any,
) -> None:
    recording = lab({"access": [_rule(service_accounts=["face", "default"])]})
    assert recording.resources["accounts-face"].inputs["metadata"] == {"name": "face", "namespace": "faces"}
    patch = recording.resources["accounts-face-pods"]
    # The API copies one into the other: what is not owned would stay behind.
    assert patch.inputs["spec"] == {"template": {"spec": {"serviceAccountName": "face", "serviceAccount": "face"}}}
    before = recording.before("accounts-face-pods")
    assert {"accounts-face", "policy-mine-meshtlsauthentication", "faces-chart"} <= before
    assert "accounts-default" not in recording.resources


def test_no_account_is_made_for_rules_that_name_none(lab: Any) -> None:
    assert not [name for name in lab({"access": [_rule(meshed=True)]}).resources if name.startswith("accounts")]


def test_a_lab_whose_faces_would_break_is_warned_about_each_call_and_by_which_route(
    lab: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr("pulumi.log.warn", said.append)
    lab({"access": [_rule(networks=["192.0.2.0/24"])]})
    (warning,) = said
    assert "no rule lets face call smiley, and policy.mode is enforce" in warning
    assert "'default'" in warning
    said.clear()
    lab({"access": [{**_rule(networks=["192.0.2.0/24"]), "to": ["smiley", "smiley2"]}]})
    assert [text.split(":")[1].split(",")[0].strip() for text in said] == [
        "no rule lets face call smiley",
        "no rule lets face call smiley2",
    ]
    said.clear()
    lab({"mode": "audit", "access": [_rule(networks=["192.0.2.0/24"])]})
    lab({"access": [_rule(service_accounts=["face"])]})
    lab(None)
    assert said == []
