"""The stand-in kinds of Linkerd take and refuse what the real ones do, as far as the program writes them."""

import copy
import subprocess
from typing import Any

import jsonschema
import pytest
import yaml

from lab import paths
from lab.twin.charts import SOURCES
from lab.twin.process import locate

pytestmark = pytest.mark.twin

# The real definitions, rendered; where they are not beside the checkout, the samples still judge the stand-ins.
_REAL = paths.CHECKOUT.parent / "shared" / "crds" / "linkerd-crds.yaml"

_WORKLOAD = {
    "meshTLS": {"identity": "spiffe://root.linkerd.cluster.local/smiley", "serverName": "smiley.cluster.local"},
    "ports": [{"port": 8000, "name": "http"}],
    "workloadIPs": [{"ip": "192.168.1.20"}, {"ip": "fd00::20"}],
}
_SERVER = {
    "externalWorkloadSelector": {"matchLabels": {"location": "vm"}},
    "port": "http",
    "proxyProtocol": "HTTP/1",
    "accessPolicy": "deny",
}
_REFERENCE = {"group": "policy.linkerd.io", "kind": "MeshTLSAuthentication", "name": "edges"}
_POLICY = {
    "targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "edges"},
    "requiredAuthenticationRefs": [_REFERENCE],
}
_ROUTE = {
    "parentRefs": [{"group": "core", "kind": "Service", "name": "smiley", "namespace": "faces", "port": 80}],
    "rules": [
        {
            "matches": [{"path": {"type": "PathPrefix", "value": "/center"}}],
            "filters": [{"type": "RequestHeaderModifier", "requestHeaderModifier": {"remove": ["x-faces-user"]}}],
            "backendRefs": [
                {"name": "smiley", "port": 80, "weight": 80},
                {"name": "smiley2", "port": 80, "weight": 20},
            ],
            "timeouts": {"request": "300ms"},
        }
    ],
}
_RATE = {
    "targetRef": {"group": "policy.linkerd.io", "kind": "Server", "name": "edges"},
    "total": {"requestsPerSecond": 100},
    "overrides": [
        {"requestsPerSecond": 5, "clientRefs": [{"kind": "ServiceAccount", "name": "face", "namespace": "faces"}]}
    ],
}
_PROFILE = {
    "retryBudget": {"retryRatio": 0.2, "minRetriesPerSecond": 10, "ttl": "10s"},
    "routes": [
        {
            "name": "GET /center",
            "condition": {"all": [{"method": "GET"}, {"pathRegex": "/center/"}]},
            "responseClasses": [{"condition": {"status": {"min": 500, "max": 599}}, "isFailure": True}],
            "isRetryable": True,
        }
    ],
}
_AUTHORIZATION = {
    "server": {"selector": {"matchExpressions": [{"key": "location", "operator": "In", "values": ["vm"]}]}},
    "client": {
        "meshTLS": {"serviceAccounts": [{"name": "face", "namespace": "faces"}]},
        "networks": [{"cidr": "10.0.0.0/8"}],
    },
}


def _but(spec: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A copy with other values; a change to None takes the key away."""
    result = copy.deepcopy(spec)
    for key, value in changes.items():
        result[key] = value
        if value is None:
            del result[key]
    return result


# A row: the definition, its version, and the `spec` of an object.
TAKEN = [
    ("externalworkloads.workload.linkerd.io", "v1beta1", _WORKLOAD),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, ports=None, workloadIPs=None)),
    (
        "externalworkloads.workload.linkerd.io",
        "v1alpha1",
        {"meshTls": _WORKLOAD["meshTLS"], "workloadIPs": [{"ip": "192.168.1.20"}]},
    ),
    ("servers.policy.linkerd.io", "v1beta3", _SERVER),
    ("servers.policy.linkerd.io", "v1beta3", {"podSelector": {}, "port": 8000}),
    ("servers.policy.linkerd.io", "v1beta2", _but(_SERVER, accessPolicy=None)),
    ("servers.policy.linkerd.io", "v1beta1", {"podSelector": {"matchLabels": {"app": "face"}}, "port": 80}),
    ("authorizationpolicies.policy.linkerd.io", "v1alpha1", _POLICY),
    ("authorizationpolicies.policy.linkerd.io", "v1alpha1", _but(_POLICY, requiredAuthenticationRefs=[])),
    (
        "meshtlsauthentications.policy.linkerd.io",
        "v1alpha1",
        {"identities": ["spiffe://root.linkerd.cluster.local/smiley"]},
    ),
    (
        "meshtlsauthentications.policy.linkerd.io",
        "v1alpha1",
        {"identityRefs": [{"kind": "ServiceAccount", "name": "face", "namespace": "faces"}]},
    ),
    (
        "networkauthentications.policy.linkerd.io",
        "v1alpha1",
        {"networks": [{"cidr": "0.0.0.0/0", "except": ["10.0.0.0/8"]}]},
    ),
    ("serverauthorizations.policy.linkerd.io", "v1beta1", _AUTHORIZATION),
    ("httproutes.policy.linkerd.io", "v1beta3", _ROUTE),
    ("httplocalratelimitpolicies.policy.linkerd.io", "v1alpha1", _RATE),
    ("egressnetworks.policy.linkerd.io", "v1alpha1", {"trafficPolicy": "Allow", "networks": [{"cidr": "0.0.0.0/0"}]}),
    ("serviceprofiles.linkerd.io", "v1alpha2", _PROFILE),
]
REFUSED = [
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, meshTLS=None)),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, meshTLS={"identity": "a"})),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, meshTls=_WORKLOAD["meshTLS"])),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, ports=[{"port": 0}])),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, ports=[{"port": "http"}])),
    ("externalworkloads.workload.linkerd.io", "v1beta1", _but(_WORKLOAD, workloadIPs=[{"ip": "a"}] * 3)),
    ("externalworkloads.workload.linkerd.io", "v1alpha1", {"meshTLS": _WORKLOAD["meshTLS"]}),
    ("servers.policy.linkerd.io", "v1beta3", _but(_SERVER, podSelector={})),
    ("servers.policy.linkerd.io", "v1beta3", _but(_SERVER, externalWorkloadSelector=None)),
    ("servers.policy.linkerd.io", "v1beta3", _but(_SERVER, port=None)),
    ("servers.policy.linkerd.io", "v1beta3", _but(_SERVER, accesPolicy="deny")),
    ("servers.policy.linkerd.io", "v1beta2", _SERVER),
    ("servers.policy.linkerd.io", "v1beta1", _but(_SERVER, accessPolicy=None)),
    ("authorizationpolicies.policy.linkerd.io", "v1alpha1", _but(_POLICY, requiredAuthenticationRefs=None)),
    ("authorizationpolicies.policy.linkerd.io", "v1alpha1", _but(_POLICY, targetRef={"kind": "Server"})),
    ("meshtlsauthentications.policy.linkerd.io", "v1alpha1", {"identities": []}),
    (
        "meshtlsauthentications.policy.linkerd.io",
        "v1alpha1",
        {"identities": ["a"], "identityRefs": [{"kind": "Server"}]},
    ),
    ("networkauthentications.policy.linkerd.io", "v1alpha1", {"networks": [{"except": []}]}),
    ("serverauthorizations.policy.linkerd.io", "v1beta1", _but(_AUTHORIZATION, client=None)),
    ("httproutes.policy.linkerd.io", "v1beta3", {"rules": [{"backendRefs": [{"name": "a", "weight": -1}]}]}),
    ("httproutes.policy.linkerd.io", "v1beta2", {"rules": [{"timeouts": {"request": "1s"}}]}),
    ("httplocalratelimitpolicies.policy.linkerd.io", "v1alpha1", _but(_RATE, targetRef=None)),
    ("egressnetworks.policy.linkerd.io", "v1alpha1", {"trafficPolicy": "Perhaps"}),
    ("serviceprofiles.linkerd.io", "v1alpha2", {"routes": [{"name": "no condition"}]}),
]


def _definitions(text: str) -> dict[str, dict[str, Any]]:
    return {item["metadata"]["name"]: item["spec"] for item in yaml.safe_load_all(text) if item}


@pytest.fixture(scope="module")
def stand_ins() -> dict[str, dict[str, Any]]:
    command = [locate("helm"), "template", "crds", str(SOURCES / "linkerd-crds"), "--namespace", "linkerd"]
    return _definitions(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@pytest.fixture(scope="module")
def judges(stand_ins: dict[str, dict[str, Any]]) -> list[dict[str, dict[str, Any]]]:
    """The stand-ins, and the real definitions where they are at hand."""
    return [stand_ins, _definitions(_REAL.read_text())] if _REAL.exists() else [stand_ins]


def _strict(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema as the API server reads it with strict field validation: a field that it does not name is an error."""
    result = {key: value for key, value in schema.items() if key not in ("properties", "items")}
    if "properties" in schema:
        result["properties"] = {name: _strict(part) for name, part in schema["properties"].items()}
        result.setdefault("additionalProperties", bool(schema.get("x-kubernetes-preserve-unknown-fields")))
    if "items" in schema:
        result["items"] = _strict(schema["items"])
    if schema.get("x-kubernetes-int-or-string"):
        result["type"] = ["integer", "string"]
    return result


def _takes(definition: dict[str, Any], version: str, spec: dict[str, Any]) -> bool:
    schema = next(item for item in definition["versions"] if item["name"] == version)["schema"]["openAPIV3Schema"]
    assert schema["required" if "required" in schema else "properties"]
    return jsonschema.Draft202012Validator(_strict(schema["properties"]["spec"])).is_valid(spec)


@pytest.mark.parametrize(("name", "version", "spec"), TAKEN)
def test_what_is_right_is_taken(
    judges: list[dict[str, dict[str, Any]]], name: str, version: str, spec: dict[str, Any]
) -> None:
    assert all(_takes(definitions[name], version, spec) for definitions in judges)


@pytest.mark.parametrize(("name", "version", "spec"), REFUSED)
def test_what_is_wrong_is_refused(
    judges: list[dict[str, dict[str, Any]]], name: str, version: str, spec: dict[str, Any]
) -> None:
    assert not any(_takes(definitions[name], version, spec) for definitions in judges)


def test_every_kind_has_a_sample_of_both_sorts(stand_ins: dict[str, dict[str, Any]]) -> None:
    assert {name for name, _, _ in TAKEN} == {name for name, _, _ in REFUSED} == set(stand_ins)


def test_no_stand_in_takes_fields_that_it_does_not_name(stand_ins: dict[str, dict[str, Any]]) -> None:
    def walk(schema: dict[str, Any], place: str) -> None:
        assert "x-kubernetes-preserve-unknown-fields" not in schema, place
        if schema.get("type") == "object" and not place.endswith("metadata"):
            assert "properties" in schema or "additionalProperties" in schema, f"{place} takes any field"
        for name, part in schema.get("properties", {}).items():
            walk(part, f"{place}.{name}")
        if "items" in schema:
            walk(schema["items"], f"{place}[]")

    for name, definition in stand_ins.items():
        for version in definition["versions"]:
            walk(version["schema"]["openAPIV3Schema"], f"{name} {version['name']}")


def test_names_scopes_versions_and_subresources_are_the_real_ones(judges: list[dict[str, dict[str, Any]]]) -> None:
    def facts(definitions: dict[str, dict[str, Any]]) -> dict[str, Any]:
        return {
            name: {
                "group": spec["group"],
                "scope": spec["scope"],
                "names": spec["names"],
                "versions": [
                    (item["name"], item["served"], item["storage"], sorted(item.get("subresources", {})))
                    for item in spec["versions"]
                ],
            }
            for name, spec in definitions.items()
        }

    mine, *real = (facts(definitions) for definitions in judges)
    assert mine["externalworkloads.workload.linkerd.io"]["versions"] == [
        ("v1alpha1", True, False, []),
        ("v1beta1", True, True, ["status"]),
    ]
    assert mine["servers.policy.linkerd.io"]["names"]["shortNames"] == ["srv"]
    assert all(sum(version[2] for version in kind["versions"]) == 1 for kind in mine.values())
    for theirs in real:
        assert mine == theirs
