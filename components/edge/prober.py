"""The prober: one pod that asks every workload outside and writes its Ready condition."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pulumi
import pulumi_kubernetes as k8s

import versions
from components.waiting import declared_at_once

NAMESPACE = "mesh-expansion"
NAME = "edge-prober"
_SCRIPT = Path(__file__).parents[2] / "assets" / "prober"
_PROGRAM_PLACE, _ANCHORS_PLACE = "/app/prober", "/etc/mesh-expansion"
_ANCHORS = "trust-anchors.pem"
_LABELS = {"app": NAME}


@dataclass(frozen=True, kw_only=True)
class ProberArgs:
    """Who is looked at: every ExternalWorkload of `namespaces`, which must prove itself against the anchors.

    `ready_path` is what the workload answers with 2xx when it is well; `image` holds any Python 3.11 or later.
    """

    trust_anchors_pem: pulumi.Input[str]
    namespaces: Sequence[pulumi.Input[str]]
    ready_path: str = "/ready"
    image: str = versions.PROBER_IMAGE


class Prober(pulumi.ComponentResource):
    """Deployment `edge-prober` in namespace `mesh-expansion`, which is not meshed: it proves nothing, it only asks.

    Only the Deployment waits for what the component depends on.
    """

    namespace: pulumi.Output[str]

    def __init__(self, name: str, args: ProberArgs, opts: pulumi.ResourceOptions | None = None) -> None:
        own, needed = declared_at_once(opts)
        super().__init__("mesh:edge:Prober", name, None, own)
        self._child = pulumi.ResourceOptions(parent=self)
        namespace = k8s.core.v1.Namespace(
            f"{name}-namespace",
            metadata={"name": NAMESPACE, "annotations": {"linkerd.io/inject": "disabled"}},
            opts=self._child,
        )
        self.namespace = namespace.metadata.name
        self._access(name, args.namespaces)
        program = {file.name: file.read_text() for file in sorted(_SCRIPT.glob("*.py"))}
        anchors = pulumi.Output.from_input(args.trust_anchors_pem)
        mounts = {
            "program": (self._files(f"{name}-program", f"{NAME}-program", program), _PROGRAM_PLACE),
            "anchors": (self._files(f"{name}-anchors", f"{NAME}-anchors", {_ANCHORS: anchors}), _ANCHORS_PLACE),
        }
        template: Any = {
            "metadata": {
                "labels": _LABELS,
                # A new program or new anchors are read at the start.
                "annotations": {"mesh-expansion/reads": anchors.apply(lambda pem: _digest(program, pem))},
            },
            "spec": _pod(args, mounts),
        }
        k8s.apps.v1.Deployment(
            f"{name}-deployment",
            metadata=k8s.meta.v1.ObjectMetaArgs(name=NAME, namespace=self.namespace, labels=_LABELS),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                replicas=1,
                strategy=k8s.apps.v1.DeploymentStrategyArgs(type="Recreate"),  # two would write over each other
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels=_LABELS),
                template=template,
            ),
            opts=pulumi.ResourceOptions(parent=self, depends_on=needed),
        )
        self.register_outputs({"namespace": self.namespace})

    def _files(self, name: str, object_name: str, files: Mapping[str, pulumi.Input[str]]) -> k8s.core.v1.ConfigMap:
        return k8s.core.v1.ConfigMap(
            name, metadata={"name": object_name, "namespace": self.namespace}, data=files, opts=self._child
        )

    def _access(self, name: str, namespaces: Sequence[pulumi.Input[str]]) -> None:
        """Nothing but workloads and their status, in the namespaces that are looked at."""
        rules: list[Any] = [
            {"apiGroups": ["workload.linkerd.io"], "resources": [resource], "verbs": verbs}
            for resource, verbs in (
                ("externalworkloads", ["get", "list", "watch"]),
                ("externalworkloads/status", ["patch"]),
            )
        ]
        account = k8s.core.v1.ServiceAccount(
            f"{name}-account", metadata={"name": NAME, "namespace": self.namespace}, opts=self._child
        )
        for index, namespace in enumerate(namespaces):
            metadata: Any = {"name": NAME, "namespace": namespace}
            role = k8s.rbac.v1.Role(f"{name}-role-{index}", metadata=metadata, rules=rules, opts=self._child)
            k8s.rbac.v1.RoleBinding(
                f"{name}-role-binding-{index}",
                metadata=metadata,
                role_ref=k8s.rbac.v1.RoleRefArgs(
                    api_group="rbac.authorization.k8s.io", kind="Role", name=role.metadata.name
                ),
                subjects=[
                    k8s.rbac.v1.SubjectArgs(kind="ServiceAccount", name=account.metadata.name, namespace=self.namespace)
                ],
                opts=self._child,
            )


def _digest(program: Mapping[str, str], anchors: str) -> str:
    return sha256("\0".join([*program.values(), anchors]).encode()).hexdigest()


def _pod(args: ProberArgs, mounts: dict[str, tuple[k8s.core.v1.ConfigMap, str]]) -> dict[str, Any]:
    return {
        "serviceAccountName": NAME,
        "terminationGracePeriodSeconds": 2,  # it stops at once; the namespace's deletion waits as long as a pod may take
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": 65532,
            "runAsGroup": 65532,
            "fsGroup": 65532,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [
            {
                "name": NAME,
                "image": args.image,
                "workingDir": "/app",
                "command": ["python", "-m", "prober"],
                "env": [
                    {"name": "PYTHONDONTWRITEBYTECODE", "value": "1"},
                    {"name": "PROBE_NAMESPACES", "value": pulumi.Output.all(*args.namespaces).apply(",".join)},
                    {"name": "PROBE_ANCHORS", "value": f"{_ANCHORS_PLACE}/{_ANCHORS}"},
                    {"name": "PROBE_PATH", "value": args.ready_path},
                ],
                "resources": {
                    "requests": {"cpu": "50m", "memory": "48Mi"},
                    "limits": {
                        "memory": "192Mi"
                    },  # no limit of the processor: slow probes would be taken for slow devices
                },
                "securityContext": {
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "capabilities": {"drop": ["ALL"]},
                },
                "volumeMounts": [
                    {"name": volume, "mountPath": place, "readOnly": True} for volume, (_, place) in mounts.items()
                ],
            }
        ],
        "volumes": [
            {"name": volume, "configMap": {"name": files.metadata.name}} for volume, (files, _) in mounts.items()
        ],
    }
