"""The rules of the policy pack that look at a whole stack: what each lets pass, and what it stops."""

import base64
from typing import Any

import pytest

from policy.rules.own_namespaces import RULE as NAMESPACES
from policy.rules.resource import UNKNOWN, Resource, Secret
from policy.rules.root_key import RULE as ROOT_KEY
from policy.rules.rule import StackRule
from policy.rules.workload_covered import RULE as COVERED
from tests.conftest import Issue
from tests.unit.policy_fixtures import COMMAND, SELF_SIGNED, SIGNED, kube, resource


def found(rule: StackRule, *items: Resource) -> list[tuple[str, str]]:
    return [(violation.urn.rsplit("::", 1)[-1], violation.message) for violation in rule.check(items)]


def _trust(issue: Issue) -> tuple[str, list[Resource]]:
    key = issue("root").key_pem
    anchor = resource(SELF_SIGNED, "root-1", privateKeyPem=Secret(key), isCaCertificate=True)
    return key, [anchor, resource(SIGNED, "issuer", caPrivateKeyPem=Secret(key))]


def test_the_key_of_a_trust_anchor_may_sign_certificates(issue: Issue) -> None:
    _, trust = _trust(issue)
    assert not found(ROOT_KEY, *trust, resource("other:x:Y", "other", key=Secret(issue("another").key_pem)))


@pytest.mark.parametrize("form", ["as it is", "in a file", "base64", "base64 of a file", "one line", "escaped"])
def test_the_key_of_a_trust_anchor_is_stopped_anywhere_else(issue: Issue, form: str) -> None:
    key, trust = _trust(issue)
    text = {
        "as it is": key,
        "in a file": f"#!/bin/sh\ncat <<E\n{key}\nE\n",
        "base64": base64.b64encode(key.encode()).decode(),
        "base64 of a file": base64.b64encode(f"a: |\n{key}".encode()).decode(),
        "one line": key.replace("\n", " "),
        "escaped": key.replace("\n", "\\n"),
    }[form]
    ((name, message),) = found(ROOT_KEY, *trust, resource(COMMAND, "device", stdin=Secret(text)))
    assert name == "device"
    assert "stdin holds the key of the trust anchor root-1" in message
    assert key.splitlines()[1] not in message


def test_a_certificate_that_signs_nothing_is_no_trust_anchor(issue: Issue) -> None:
    key = issue("web").key_pem
    web = resource(SELF_SIGNED, "web", privateKeyPem=Secret(key), isCaCertificate=False)
    assert not found(ROOT_KEY, web, resource("other:x:Y", key=Secret(key)))


def _workload(namespace: Any = "faces", **labels: Any) -> Resource:
    metadata = {"labels": {"location": "vm", **labels}, "annotations": {"pulumi.com/waitFor": "condition=Ready"}}
    return kube("workload.linkerd.io/v1beta1", "ExternalWorkload", "smiley", namespace, metadata=metadata)


def _server(selector: Any, namespace: Any = "faces") -> Resource:
    spec = {"externalWorkloadSelector": selector, "port": "http"}
    return kube("policy.linkerd.io/v1beta3", "Server", "edge", namespace, spec=spec)


@pytest.mark.parametrize(
    "selector",
    [
        {},
        {"matchLabels": {"location": "vm"}},
        {"matchLabels": {"service": UNKNOWN}},
        {"matchExpressions": [{"key": "service", "operator": "In", "values": ["color", "smiley"]}]},
        {"matchExpressions": [{"key": "other", "operator": "DoesNotExist"}]},
        UNKNOWN,
    ],
)
def test_a_workload_that_a_server_selects_passes(selector: Any) -> None:
    assert not found(COVERED, _workload(service="smiley"), _server(selector))
    assert not found(COVERED, _workload(UNKNOWN, service="smiley"), _server(selector))


@pytest.mark.parametrize(
    "server",
    [
        [],
        [_server({"matchLabels": {"location": "vm", "service": "color"}})],
        [_server({"matchExpressions": [{"key": "service", "operator": "NotIn", "values": ["smiley"]}]})],
        [_server({}, namespace="other")],
        [kube("policy.linkerd.io/v1beta3", "Server", "pods", "faces", spec={"podSelector": {}})],
    ],
)
def test_a_workload_that_no_server_selects_is_stopped(server: list[Resource]) -> None:
    ((name, message),) = found(COVERED, _workload(service="smiley"), *server)
    assert name == "smiley"
    assert "labels location=vm, service=smiley, namespace faces" in message


def test_a_workload_that_is_registered_only_is_its_owners() -> None:
    registered = kube("workload.linkerd.io/v1beta1", "ExternalWorkload", "smiley", "faces")
    assert not found(COVERED, registered)


def _namespace(name: Any) -> Resource:
    return (
        kube("core/v1", "Namespace", name)
        if name is not UNKNOWN
        else resource("kubernetes:core/v1:Namespace", metadata={"name": UNKNOWN})
    )


def test_what_goes_into_the_labs_own_namespaces_passes() -> None:
    assert not found(
        NAMESPACES,
        _namespace("faces"),
        kube("core/v1", "Service", "color", "faces"),
        kube("core/v1", "Service", "mesh-expansion-dns", "kube-system"),
        kube("rbac.authorization.k8s.io/v1", "ClusterRole", "prober"),
        resource("kubernetes:helm.sh/v3:Release", namespace="faces", name="faces"),
        resource("kubernetes:helm.sh/v3:Release", namespace="own", name="own", createNamespace=True),
        kube("core/v1", "ConfigMap", "later", UNKNOWN),
    )


@pytest.mark.parametrize(
    ("item", "said"),
    [
        (
            kube("core/v1", "ConfigMap", "coredns", "kube-system"),
            "ConfigMap coredns would be written into the namespace kube-system",
        ),
        (kube("core/v1", "Service", "x", "default"), "Service x would be written into the namespace default"),
        (
            resource("kubernetes:helm.sh/v3:Release", namespace="theirs", name="r"),
            "Release r would be written into the namespace theirs",
        ),
        (resource("kubernetes:helm.sh/v3:Release", name="r"), "into the namespace default"),
        (
            resource("kubernetes:core/v1:ServicePatch", metadata={"name": "kube-dns", "namespace": "kube-system"}),
            "Service kube-dns would",
        ),
    ],
)
def test_what_goes_elsewhere_is_stopped(item: Resource, said: str) -> None:
    ((_, message),) = found(NAMESPACES, _namespace("faces"), item)
    assert said in message
    assert "Use one of faces" in message


@pytest.mark.parametrize("given", [{"metadata": {"name": UNKNOWN}}, {}], ids=["a name unknown", "nothing known at all"])
def test_while_a_preview_does_not_know_the_labs_namespaces_nothing_is_said(given: dict[str, Any]) -> None:
    """Nothing at all is known of what belongs into a cluster that is not there yet."""
    namespace = resource("kubernetes:core/v1:Namespace", **given)
    assert not found(NAMESPACES, namespace, _namespace("faces"), kube("core/v1", "Service", "x", "anywhere"))
