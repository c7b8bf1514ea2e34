"""Which node a pod gets. An admission policy says it when the pod is made, so that no scheduler has to run.

A StatefulSet's pods are spread by their number. Other pods have no name yet when the policy sees them, so a whole
ReplicaSet goes to the node that the last character of its name picks. A DaemonSet's pod goes where its affinity tells.
Taints, selectors and resources are not looked at: the twin's nodes are alike and have room for everything.
"""

from typing import Any

from lab.twin.api import Api
from lab.twin.layout import Layout

_NAME = "twin-placement"
_GROUP = "/apis/admissionregistration.k8s.io/v1beta1"
_PODS = "/api/v1/namespaces/default/pods"
# Digits first, for the pods of StatefulSets; then what Kubernetes makes random names of.
_LETTERS = "0123456789bcdfghjklmnpqrstvwxz"
_AFFINITY = "object.spec.?affinity.?nodeAffinity.?requiredDuringSchedulingIgnoredDuringExecution.?nodeSelectorTerms"


def ensure_placement(api: Api, layout: Layout) -> None:
    """Write the policy and its binding."""
    policy, binding = objects(layout)["items"]
    api.apply(f"{_GROUP}/mutatingadmissionpolicies/{_NAME}", policy)
    api.apply(f"{_GROUP}/mutatingadmissionpolicybindings/{_NAME}", binding)


def objects(layout: Layout) -> dict[str, Any]:
    """The policy and its binding, as a List."""
    binding = {**_object("MutatingAdmissionPolicyBinding"), "spec": {"policyName": _NAME}}
    return {"apiVersion": "v1", "kind": "List", "items": [_policy(layout.node_names()), binding]}


def places(api: Api, layout: Layout) -> bool:
    """Whether a new pod would get one of the nodes; nothing is made.

    Raises TwinError while the namespace has no service account yet.
    """
    probe = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"generateName": "placement-"},
        "spec": {"containers": [{"name": "none", "image": "none"}]},
    }
    pod = api.create(_PODS, probe, dry_run=True)
    return pod is not None and pod["spec"].get("nodeName") in layout.node_names()


def _policy(nodes: list[str]) -> dict[str, Any]:
    names = ", ".join(f"'{name}'" for name in nodes)
    mutation = "[JSONPatch{op: 'add', path: '/spec/nodeName', value: variables.node}]"
    return {
        **_object("MutatingAdmissionPolicy"),
        "spec": {
            "failurePolicy": "Fail",
            "reinvocationPolicy": "Never",
            "matchConstraints": {
                "resourceRules": [
                    {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
                ]
            },
            "matchConditions": [{"name": "has-no-node", "expression": "object.spec.?nodeName.orValue('') == ''"}],
            "variables": [
                {"name": "nodes", "expression": f"[{names}]"},
                {
                    "name": "stem",
                    "expression": "object.metadata.?name.orValue(object.metadata.?generateName.orValue(''))",
                },
                {
                    "name": "last",
                    "expression": "variables.stem.matches('.*-$') ? size(variables.stem) - 2 : size(variables.stem) - 1",
                },
                {
                    "name": "place",
                    "expression": f"'{_LETTERS}'.indexOf(variables.last < 0 ? '' : variables.stem.charAt(variables.last))",
                },
                {
                    "name": "told",
                    "expression": f"{_AFFINITY}.orValue([]).filter(term, size(term.?matchFields.orValue([])) > 0)"
                    ".map(term, term.matchFields[0].values[0])",
                },
                {
                    "name": "node",
                    "expression": "size(variables.told) > 0 ? variables.told[0] : "
                    "variables.nodes[variables.place < 0 ? 0 : variables.place % size(variables.nodes)]",
                },
            ],
            "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": mutation}}],
        },
    }


def _object(kind: str) -> dict[str, Any]:
    return {"apiVersion": "admissionregistration.k8s.io/v1beta1", "kind": kind, "metadata": {"name": _NAME}}
