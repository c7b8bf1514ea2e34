"""Applications beside Faces, and pods that let in by default what the stack file says: what is declared, and what is not."""

import json
from pathlib import Path
from typing import Any

import pytest

import stacks
from settings import load
from stacks.apps import balanced
from tests.components.conftest import Declare, Recording

PATCH = "kubernetes:apps/v1:DeploymentPatch"
FACES = {"on-edge": ["smiley"], "second": ["smiley2"]}
WORKLOADS = [{"name": "smiley", "addresses": ["192.0.2.11"]}]


@pytest.fixture
def lab(declare: Declare, tmp_path: Path) -> Any:
    (tmp_path / "kubeconfig").touch()

    def lab(**keys: Any) -> Recording:
        values = {"workloads": WORKLOADS, "faces": FACES} | {
            key.replace("_", "-"): value for key, value in keys.items()
        }
        values["cluster"] = {"kubeconfig": "kubeconfig"}
        raw = {key: json.dumps(value) for key, value in values.items()}
        settings = load({"lab": "twin", **raw}, set(), source="test", project=tmp_path)
        return declare(lambda: stacks.compose(settings))

    return lab


def test_a_lab_that_does_not_ask_for_them_has_nothing_of_them(lab: Any) -> None:
    recording = lab()
    for name, resource in recording.resources.items():
        assert not name.startswith(("emojivoto", "emissary", "faces-fresh")), name
        assert "default-inbound-policy" not in json.dumps(resource.inputs, default=str), name


def test_emojivoto_is_injected_and_each_part_runs_as_itself(lab: Any) -> None:
    recording = lab(emojivoto={})
    namespace = recording.resources["emojivoto-namespace"].inputs["metadata"]
    assert namespace == {"name": "emojivoto", "annotations": {"linkerd.io/inject": "enabled"}}
    accounts = {}
    for deployment in recording.of_type("kubernetes:apps/v1:Deployment"):
        pod = deployment.inputs["spec"]["template"]["spec"]
        accounts[deployment.inputs["metadata"]["name"]] = pod.get("serviceAccountName")
        (container,) = pod["containers"]
        assert container["image"].startswith("docker.io/buoyantio/emojivoto-")
        assert container["image"].endswith(":v11")
        assert "linkerd-control-plane" in recording.before(deployment.name)
    assert accounts == {"emoji": "emoji", "voting": "voting", "web": "web", "vote-bot": None}
    services = {
        service.inputs["metadata"]["name"]: service.inputs["spec"]
        for service in recording.of_type("kubernetes:core/v1:Service")
        if service.inputs["metadata"]["namespace"] == "emojivoto"
    }
    assert set(services) == {"emoji-svc", "voting-svc", "web-svc"}
    assert services["web-svc"]["type"] == "ClusterIP"
    assert services["web-svc"]["ports"] == [{"name": "http", "port": 80, "targetPort": 8080}]


def test_each_grpc_method_has_a_route_which_is_waited_for_behind_its_service(lab: Any) -> None:
    recording = lab(emojivoto={})
    routes = [
        resource
        for resource in recording.resources.values()
        if resource.type == "kubernetes:gateway.networking.k8s.io/v1:GRPCRoute"
    ]
    assert len(routes) == 103
    for route in routes:
        assert "Accepted" in route.inputs["metadata"]["annotations"]["pulumi.com/waitFor"]
        (parent,) = route.inputs["spec"]["parentRefs"]
        assert f"emojivoto-{parent['name']}" in recording.before(route.name)
    doughnut = recording.resources["emojivoto-routes-vote-doughnut-route"].inputs
    assert doughnut["metadata"]["namespace"] == "emojivoto"
    assert doughnut["spec"] == {
        "parentRefs": [{"group": "", "kind": "Service", "name": "voting-svc", "port": 8080}],
        "rules": [
            {
                "matches": [
                    {"method": {"type": "Exact", "service": "emojivoto.v1.VotingService", "method": "VoteDoughnut"}}
                ]
            }
        ],
    }


def test_emojivoto_goes_without_routes_on_another_type_of_service_and_through_a_mirror(lab: Any) -> None:
    asked = {"routes": False, "web-service-type": "NodePort", "version": "v12"}
    recording = lab(emojivoto=asked, mirrors={"images": {"docker.io": "harbor.example.com/hub"}})
    assert not [name for name in recording.resources if name.startswith("emojivoto-routes")]
    assert recording.resources["emojivoto-web-svc"].inputs["spec"]["type"] == "NodePort"
    (container,) = recording.resources["emojivoto-web"].inputs["spec"]["template"]["spec"]["containers"]
    assert container["image"] == "harbor.example.com/hub/buoyantio/emojivoto-web:v12"


def test_emissary_is_not_on_the_mesh_and_leads_to_faces(lab: Any) -> None:
    recording = lab(emissary={}, policy={"default-inbound": "audit"})
    namespace = recording.resources["emissary-namespace"].inputs["metadata"]
    assert namespace == {"name": "emissary", "annotations": {"linkerd.io/inject": "disabled"}}
    definitions, ingress = (recording.resources[f"emissary-{role}"] for role in ("crds", "ingress"))
    assert definitions.inputs["chart"] == "oci://ghcr.io/emissary-ingress/emissary-crds-chart"
    assert ingress.inputs["chart"] == "oci://ghcr.io/emissary-ingress/emissary-ingress"
    assert ingress.inputs["version"] == definitions.inputs["version"] == "4.1.0"
    assert ingress.inputs["values"] == {
        "replicaCount": 1,
        "nameOverride": "emissary",
        "fullnameOverride": "emissary",
        "service": {"type": "LoadBalancer"},
    }
    assert "emissary-crds" in ingress.depends_on
    objects = {
        resource.inputs["metadata"]["name"]: resource
        for resource in recording.resources.values()
        if resource.type.startswith("kubernetes:getambassador.io/v3alpha1:")
    }
    for resource in objects.values():
        assert "emissary-ingress" in resource.depends_on
    listeners = {name: objects[name].inputs["spec"] for name in ("http-listener", "https-listener")}
    assert {name: (spec["port"], spec["protocol"]) for name, spec in listeners.items()} == {
        "http-listener": (8080, "HTTP"),
        "https-listener": (8443, "HTTPS"),
    }
    assert all(spec["securityModel"] == "XFP" for spec in listeners.values())
    assert objects["wildcard-host"].inputs["spec"]["requestPolicy"] == {"insecure": {"action": "Route"}}
    mappings = {
        name: (resource.inputs["metadata"]["namespace"], resource.inputs["spec"])
        for name, resource in objects.items()
        if name.endswith("-mapping")
    }
    assert mappings == {
        "face-mapping": (
            "faces",
            {"hostname": "*", "prefix": "/face/", "service": "face.faces", "timeout_ms": 0},
        ),
        "gui-mapping": (
            "faces",
            {"hostname": "*", "prefix": "/faces/", "rewrite": "/", "service": "faces-gui.faces", "timeout_ms": 0},
        ),
    }
    assert recording.resources["faces-chart"].inputs["values"]["gui"] == {"serviceType": "ClusterIP"}


@pytest.mark.parametrize(
    ("keys", "outputs"),
    [
        ({}, {"gui": "http://localhost:8080/"}),
        ({"emissary": {}}, {"gui": "http://localhost:8080/faces/"}),
        ({"emissary": {"service-type": "NodePort"}}, {}),
        (
            {"faces": {"gui-service-type": "ClusterIP"}, "emojivoto": {"web-service-type": "LoadBalancer"}},
            {"emojivoto": "http://localhost:8080/"},
        ),
    ],
)
def test_what_stands_behind_k3d_s_load_balancer_is_said(
    tmp_path: Path, keys: dict[str, Any], outputs: dict[str, str]
) -> None:
    raw = {key: json.dumps(value) for key, value in keys.items()}
    settings = load({"lab": "k3d-lab", **raw}, set(), source="test", project=tmp_path)
    assert balanced(settings, "http://localhost:8080/") == outputs


def test_a_default_is_said_of_the_namespace_and_the_pods_are_made_anew_after_it(lab: Any) -> None:
    recording = lab(policy={"default-inbound": "audit"})
    annotations = recording.resources["faces-namespace"].inputs["metadata"]["annotations"]
    assert annotations == {
        "linkerd.io/inject": "enabled",
        "config.linkerd.io/default-inbound-policy": "audit",
    }
    fresh = [patch for patch in recording.of_type(PATCH) if patch.name.startswith("faces-fresh-")]
    assert {patch.inputs["metadata"]["name"] for patch in fresh} == {"face", "faces-gui", "smiley", "color", "smiley2"}
    for patch in fresh:
        assert {"faces-namespace", "faces-chart"} <= recording.before(patch.name)
        # Nothing that another patch says as well: neither replicas nor an annotation of the Deployment itself.
        assert patch.inputs["spec"] == {
            "template": {"metadata": {"annotations": {"mesh-expansion/default-inbound-policy": "audit"}}}
        }
        assert patch.inputs["metadata"]["annotations"] == {"pulumi.com/patchForce": "true"}
    assert recording.resources["faces-off-smiley"].inputs["spec"] == {"replicas": 0}


def test_what_is_patched_of_a_part_leaves_with_the_part_and_all_else_with_the_release(lab: Any) -> None:
    part = "smiley2"
    access = [{"name": "both", "from": {"service-accounts": [part, "face"]}, "to": ["smiley"]}]
    services = [{"name": name, "timeout": {"request": "300ms"}} for name in (part, "face")]
    recording = lab(policy={"default-inbound": "audit", "access": access}, services=services)
    patched = ("faces-fresh-{}", "accounts-{}-pods", "{}-traffic-annotations")
    assert recording.resources["faces-smiley2"].type == "mesh:faces:Part"
    for name in patched:
        assert recording.resources[name.format(part)].deleted_with == "faces-smiley2"
        assert recording.resources[name.format("face")].deleted_with == "faces-chart"
    left = lab(faces={"on-edge": ["smiley"]}).resources
    assert "faces-smiley2" not in left


def test_another_default_changes_the_namespaces_and_what_makes_pods_and_nothing_else(lab: Any) -> None:
    keys: dict[str, Any] = {"emojivoto": {}, "emissary": {}}
    audit, deny = (lab(policy={"default-inbound": value}, **keys).resources for value in ("audit", "deny"))
    # The stack itself is recorded once a process only, whichever test comes first.
    stack = {name for name, resource in {**audit, **deny}.items() if resource.type == "pulumi:pulumi:Stack"}
    assert set(audit) - stack == set(deny) - stack
    changed = {
        name
        for name, resource in audit.items()
        if name not in stack
        and not resource.type.startswith("tls:")
        and "trust" not in name
        and resource.inputs != deny[name].inputs
    } - {"linkerd-control-plane"}  # each recording has certificates of its own
    fresh = {f"faces-fresh-{part}" for part in ("face", "faces-gui", "smiley", "color", "smiley2")}
    emojivoto = {f"emojivoto-{part}" for part in ("emoji", "voting", "web", "vote-bot")}
    assert changed == {"faces-namespace", "emojivoto-namespace"} | fresh | emojivoto


def test_pods_are_made_anew_once_it_stands_whom_they_let_in(lab: Any) -> None:
    rules = [{"name": "face-calls", "from": {"meshed": True}, "to": ["smiley"]}]
    recording = lab(policy={"default-inbound": "deny", "access": rules})
    servers = [name for name, resource in recording.resources.items() if resource.type.endswith(":Server")]
    assert servers
    for name in ("faces-fresh-face", "faces-fresh-smiley"):
        assert set(servers) <= recording.before(name)


def test_every_component_of_them_says_that_it_is_complete(lab: Any) -> None:
    recording = lab(emojivoto={}, emissary={}, policy={"default-inbound": "audit"})
    assert {"emojivoto", "emojivoto-routes", "emissary", "faces-fresh"} <= recording.completed
