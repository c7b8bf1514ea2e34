"""The provider's own configuration: what it may hold, and what a change of it means."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from lab.standins.base.diff import Difference, compare
from lab.standins.base.errors import InvalidInputs, Problem, ProviderError
from lab.standins.base.schema import Schema
from lab.standins.base.values import UNKNOWN, Properties
from lab.standins.kubernetes import kubeconfig

_SWITCHES: Final = {
    "deleteUnreachable": "PULUMI_K8S_DELETE_UNREACHABLE",
    "enableConfigMapMutable": "PULUMI_K8S_ENABLE_CONFIGMAP_MUTABLE",
    "enablePatchForce": "PULUMI_K8S_ENABLE_PATCH_FORCE",
    "enableSecretMutable": "PULUMI_K8S_ENABLE_SECRET_MUTABLE",
    "enableServerSideApply": "PULUMI_K8S_ENABLE_SERVER_SIDE_APPLY",
    "skipUpdateUnreachable": "PULUMI_K8S_SKIP_UPDATE_UNREACHABLE",
    "suppressDeprecationWarnings": "PULUMI_K8S_SUPPRESS_DEPRECATION_WARNINGS",
    "suppressHelmHookWarnings": "PULUMI_K8S_SUPPRESS_HELM_HOOK_WARNINGS",
    "upsertExistingObjects": "PULUMI_K8S_UPSERT_EXISTING_OBJECTS",
}
_CLIENT_SETTINGS: Final = {"burst": "integer", "qps": "number", "timeout": "integer"}
_HELM_SETTINGS: Final = ("driver", "pluginsPath", "registryConfigPath", "repositoryCache", "repositoryConfigPath")
# The names of one storage: Secrets, which is also where the recovery of a pending release looks.
_HELM_DRIVERS: Final = ("secret", "secrets")
_IDENTITY: Final = ("kubeconfig", "context", "cluster")

SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        **{
            name: {"type": "string"} for name in (*_IDENTITY, "namespace", "clusterIdentifier", "renderYamlToDirectory")
        },
        **{name: {"type": "boolean"} for name in (*_SWITCHES, "alwaysRender")},
        "kubeClientSettings": {
            "type": "object",
            "properties": {name: {"type": kind} for name, kind in _CLIENT_SETTINGS.items()},
            "additionalProperties": False,
        },
        "helmReleaseSettings": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in _HELM_SETTINGS}
            | {"suppressBetaWarning": {"type": "boolean"}},
            "additionalProperties": False,
        },
    },
    "additionalProperties": False,
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """The switches, each from the provider's inputs, else from its environment variable, else off."""

    delete_unreachable: bool = False
    skip_update_unreachable: bool = False
    upsert_existing: bool = False
    patch_force: bool = False
    mutable_config_maps: bool = False
    mutable_secrets: bool = False
    request_timeout: float | None = None
    helm: Mapping[str, str]

    @classmethod
    def read(cls, config: Mapping[str, Any]) -> "Options":
        def on(name: str) -> bool:
            given = config.get(name)
            return given if isinstance(given, bool) else os.environ.get(_SWITCHES[name]) == "true"

        helm = config.get("helmReleaseSettings") or {}
        timeout = (config.get("kubeClientSettings") or {}).get("timeout") or os.environ.get("PULUMI_K8S_CLIENT_TIMEOUT")
        return cls(
            delete_unreachable=on("deleteUnreachable"),
            skip_update_unreachable=on("skipUpdateUnreachable"),
            upsert_existing=on("upsertExistingObjects"),
            patch_force=on("enablePatchForce"),
            mutable_config_maps=on("enableConfigMapMutable"),
            mutable_secrets=on("enableSecretMutable"),
            request_timeout=float(timeout) if timeout else None,
            helm={name: str(helm[name]) for name in _HELM_SETTINGS if helm.get(name)},
        )


def check(config: Properties) -> Properties:
    """Refuses what the official plugin can do and the stand-in cannot, rather than ignoring it. Raises InvalidInputs."""
    problems = []
    client_side = config.get("enableServerSideApply") is False or (
        "enableServerSideApply" not in config and os.environ.get(_SWITCHES["enableServerSideApply"]) == "false"
    )
    if client_side:
        problems.append(
            Problem("enableServerSideApply", "the stand-in applies on the server only; remove this setting")
        )
    for name in ("renderYamlToDirectory", "alwaysRender"):
        if config.get(name):
            problems.append(Problem(name, "the stand-in cannot render to files; use the official plugin for that"))
    helm = config.get("helmReleaseSettings")
    driver = (helm.get("driver") if isinstance(helm, Mapping) else None) or os.environ.get("PULUMI_K8S_HELM_DRIVER")
    if isinstance(driver, str) and driver not in _HELM_DRIVERS:
        reason = "the stand-in keeps Helm's records in Secrets only; remove this setting, or $PULUMI_K8S_HELM_DRIVER"
        problems.append(Problem("helmReleaseSettings.driver", reason))
    if isinstance(given := config.get("kubeconfig"), str) and given:
        try:
            kubeconfig.read(given)
        except ProviderError as problem:
            problems.append(Problem("", str(problem)))
    if problems:
        raise InvalidInputs(problems)
    return config


def diff(old: Properties, new: Properties) -> Difference:
    """Another cluster replaces everything; other settings do not.

    With an unchanged `clusterIdentifier` nothing replaces; a changed one always does; adding or removing it does neither.
    """
    changes = compare(old, new).changes
    names = {str(path[0]) for path in changes}
    replacing: set[str] = set()
    before, after = old.get("clusterIdentifier"), new.get("clusterIdentifier")
    if before and after:
        replacing = {"clusterIdentifier"} if before != after else set()
    elif any(new.get(name) is UNKNOWN for name in _IDENTITY):
        replacing = {name for name in _IDENTITY if new.get(name) is UNKNOWN}
    elif _another_cluster(old, new):
        replacing = names & set(_IDENTITY)
    return Difference(changes=changes, replace=frozenset((name,) for name in replacing))


def _another_cluster(old: Properties, new: Properties) -> bool:
    """Whether both name a cluster, and not the same one: the entry's server and certificates are what can be compared."""
    try:
        before, after = (
            kubeconfig.active_cluster(
                kubeconfig.read(config["kubeconfig"]), config.get("context"), config.get("cluster")
            )
            if config.get("kubeconfig")
            else {}
            for config in (old, new)
        )
    except ProviderError:
        return False
    return bool(before and after) and before != after
