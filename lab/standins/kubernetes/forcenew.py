"""Which changed fields replace an object. Facts from pulumi-kubernetes 4.34 (its `forceNew` table)."""

from typing import Any, Final

from lab.standins.base.values import Path
from lab.standins.kubernetes.manifest import Kind, Object, is_core, kind_of

_SELECTOR: Final = (".spec.selector",)
_STATEFUL_SET: Final = (
    ".spec.podManagementPolicy",
    ".spec.revisionHistoryLimit",
    ".spec.selector",
    ".spec.serviceName",
    ".spec.volumeClaimTemplates",
)
_JOB: Final = (".spec.completions", ".spec.parallelism", ".spec.selector", ".spec.template")
_ROLE_BINDING: Final = (".roleRef",)
_POD_FIELDS: Final = [
    "affinity",
    "automountServiceAccountToken",
    "dnsConfig",
    "dnsPolicy",
    "enableServiceLinks",
    "hostAliases",
    "hostIPC",
    "hostNetwork",
    "hostPID",
    "hostname",
    "imagePullSecrets",
    "nodeName",
    "nodeSelector",
    "overhead",
    "preemptionPolicy",
    "priority",
    "priorityClassName",
    "readinessGates",
    "restartPolicy",
    "runtimeClassName",
    "schedulerName",
    "securityContext",
    "serviceAccount",
    "serviceAccountName",
    "shareProcessNamespace",
    "subdomain",
    "terminationGracePeriodSeconds",
    "volumes",
]
_CONTAINER_FIELDS: Final = [
    "args",
    "command",
    "env",
    "image",
    "imagePullPolicy",
    "lifecycle",
    "livenessProbe",
    "ports",
    "readinessProbe",
    "resources",
    "securityContext",
    "stdin",
    "stdinOnce",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "tty",
    "volumeDevices",
    "volumeMounts",
    "workingDir",
]
_VOLUME_SOURCES: Final = [
    "awsElasticBlockStore",
    "azureDisk",
    "azureFile",
    "cephfs",
    "cinder",
    "csi",
    "fc",
    "flexVolume",
    "flocker",
    "gcePersistentDisk",
    "glusterfs",
    "hostPath",
    "iscsi",
    "local",
    "nfs",
    "photonPersistentDisk",
    "portworxVolume",
    "quobyte",
    "rbd",
    "scaleIO",
    "storageos",
    "vsphereVolume",
]
_POD: Final = tuple(f".spec.{field}" for field in _POD_FIELDS) + tuple(
    f".spec.{containers}[*].{field}" for containers in ("containers", "initContainers") for field in _CONTAINER_FIELDS
)

_BY_KIND: Final[dict[Kind, tuple[str, ...]]] = {
    Kind("apps", "v1", "DaemonSet"): _SELECTOR,
    Kind("apps", "v1", "Deployment"): _SELECTOR,
    Kind("apps", "v1", "StatefulSet"): _STATEFUL_SET,
    Kind("batch", "v1", "Job"): _JOB,
    Kind("policy", "v1beta1", "PodDisruptionBudget"): (".spec",),
    Kind("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding"): _ROLE_BINDING,
    Kind("rbac.authorization.k8s.io", "v1", "RoleBinding"): _ROLE_BINDING,
    Kind("storage.k8s.io", "v1", "StorageClass"): (".parameters", ".provisioner"),
    Kind("", "v1", "PersistentVolume"): tuple(f".spec.{source}" for source in _VOLUME_SOURCES),
    Kind("", "v1", "PersistentVolumeClaim"): (
        ".spec.accessModes",
        ".spec.selector",
        ".spec.storageClassName",
        ".spec.volumeName",
    ),
    Kind("", "v1", "Pod"): _POD,
    Kind("", "v1", "ResourceQuota"): (".spec.scopes",),
    Kind("", "v1", "Secret"): (".type",),
    Kind("", "v1", "Service"): (".spec.clusterIP",),
}
IDENTITY: Final = (".metadata.name", ".metadata.namespace")


def force_new(obj: Object, *, mutable_config_maps: bool, mutable_secrets: bool) -> tuple[str, ...]:
    """Patterns such as `.spec.containers[*].image` whose change replaces `obj`.

    Data of a ConfigMap or Secret replaces unless the provider declares them mutable and they are not `immutable`.
    """
    if is_core(obj, "Secret") and (not mutable_secrets or obj.get("immutable") is True):
        return (*IDENTITY, ".type", ".stringData", ".data")
    if is_core(obj, "ConfigMap"):
        keeps = mutable_config_maps and obj.get("immutable") is not True
        return IDENTITY if keeps else (*IDENTITY, ".binaryData", ".data")
    return IDENTITY + _BY_KIND.get(kind_of(obj), ())


def forces(path: Path, value: Any, patterns: tuple[str, ...]) -> bool:
    """True when a change of `path` to `value` touches one of the patterns, from above, at it or below it."""
    return any(_touches(path, value, _steps(pattern)) for pattern in patterns)


def _steps(pattern: str) -> list[str]:
    return [step for step in pattern.replace("[*]", ".[*]").split(".") if step]


def _touches(path: Path, value: Any, steps: list[str]) -> bool:
    if not steps:
        return True
    if path:
        here = path[0]
        matches = steps[0] == "[*]" if isinstance(here, int) else steps[0] == here
        return matches and _touches(path[1:], value, steps[1:])
    if steps[0] == "[*]":
        return isinstance(value, list) and any(_touches((), item, steps[1:]) for item in value)
    return isinstance(value, dict) and steps[0] in value and _touches((), value[steps[0]], steps[1:])
