"""Inputs of a Helm Release: which there are, their defaults, and the flags of helm that they become."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.request import urlopen

import yaml

from lab.standins.base.errors import InvalidInputs, Problem
from lab.standins.base.schema import Schema
from lab.standins.base.values import UNKNOWN, Asset, Properties

DEFAULT_TIMEOUT: Final = 300
_SWITCHES: Final = [
    "allowNullValues",
    "atomic",
    "cleanupOnFail",
    "createNamespace",
    "dependencyUpdate",
    "devel",
    "disableCRDHooks",
    "disableOpenapiValidation",
    "disableWebhooks",
    "forceUpdate",
    "lint",
    "recreatePods",
    "renderSubchartNotes",
    "replace",
    "resetValues",
    "reuseValues",
    "skipAwait",
    "skipCrds",
    "takeOwnership",
    "verify",
    "waitForJobs",
]
_TEXTS: Final = ("chart", "compat", "description", "keyring", "name", "namespace", "postrender", "version")
_REPOSITORY: Final = ("caFile", "certFile", "keyFile", "password", "repo", "username")
# What the official plugin does inside itself and helm's command line has no way for.
_UNSUPPORTED: Final = {
    "lint": "run `helm lint` in your tests instead",
    "recreatePods": "helm dropped it; change a Pod annotation in the values instead",
    "manifest": "it is an output only",
    "resourceNames": "it is an output only",
}
# What the official plugin puts into the state for what the program leaves out: a state may go from one plugin to the other.
_DEFAULTS: Final = {name: False for name in _SWITCHES if name != "takeOwnership"} | dict.fromkeys(
    ("description", "keyring", "postrender"), ""
)
_NOT_KEPT: Final = ("compat", "valueYamlFiles")

SCHEMA: Final[Schema] = {
    "type": "object",
    "properties": {
        **{name: {"type": "boolean"} for name in _SWITCHES},
        **{name: {"type": "string"} for name in _TEXTS},
        **{name: {"type": "integer"} for name in ("maxHistory", "timeout")},
        "values": {"type": "object"},
        "valueYamlFiles": {"type": "array", "items": {"type": "asset"}},
        "manifest": {},
        "resourceNames": {},
        "repositoryOpts": {
            "type": "object",
            "properties": {name: {"type": "string"} for name in _REPOSITORY},
            "additionalProperties": False,
        },
    },
    "required": ["chart"],
    "additionalProperties": False,
}


def settled(inputs: Properties, *, namespace: str) -> Properties:
    """Inputs with defaults, and with the value files merged under `values`. Raises InvalidInputs."""
    refused = [
        Problem(name, f"is not supported by the stand-in: {why}")
        for name, why in _UNSUPPORTED.items()
        if inputs.get(name) not in (None, False)
    ]
    if refused:
        raise InvalidInputs(refused)
    given = {name: value for name, value in inputs.items() if name not in _NOT_KEPT and value is not None}
    result = {**_DEFAULTS, **given}
    result["namespace"] = result.get("namespace") or namespace
    if not result.get("skipAwait") and "timeout" not in result:
        result["timeout"] = DEFAULT_TIMEOUT
    if result.get("verify") is True and not result.get("keyring"):
        result["keyring"] = str(Path("~/.gnupg/pubring.gpg").expanduser())
    if merged := _merged_files(inputs):
        result["values"] = merged
    return result


def _merged_files(inputs: Properties) -> Any:
    given = inputs.get("values")
    if given is UNKNOWN or inputs.get("valueYamlFiles") is UNKNOWN:
        return UNKNOWN
    values: dict[str, Any] = {}
    for index, asset in enumerate(inputs.get("valueYamlFiles") or []):
        if asset is UNKNOWN:
            return UNKNOWN
        values = merge(values, _read(asset, f"valueYamlFiles[{index}]"))
    return merge(values, given or {})


def _read(asset: Asset, where: str) -> dict[str, Any]:
    try:
        if asset.kind == "text":
            text = asset.value
        elif asset.kind == "path":
            text = Path(asset.value).read_text()
        else:
            with urlopen(asset.value, timeout=30) as answer:  # noqa: S310 - the address is the program's
                text = answer.read().decode()
        found = yaml.safe_load(text) or {}
    except OSError as problem:
        raise InvalidInputs([Problem(where, f"cannot be read: {problem}")]) from None
    except yaml.YAMLError:
        raise InvalidInputs([Problem(where, "is not valid YAML")]) from None
    if not isinstance(found, dict):
        raise InvalidInputs([Problem(where, "must hold a mapping of values")])
    return found


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Maps merge, everything else is replaced; as helm merges value files."""
    result = dict(base)
    for key, value in over.items():
        mine = result.get(key)
        result[key] = merge(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return result


def common_flags(inputs: Properties) -> list[str]:
    """Flags that `helm install` and `helm upgrade` share, but for the chart's."""
    flags = [
        flag
        for name, flag in (
            ("atomic", "--atomic"),
            ("dependencyUpdate", "--dependency-update"),
            ("disableOpenapiValidation", "--disable-openapi-validation"),
            ("renderSubchartNotes", "--render-subchart-notes"),
            ("skipCrds", "--skip-crds"),
            ("takeOwnership", "--take-ownership"),
        )
        if inputs.get(name)
    ]
    if not inputs.get("skipAwait"):
        flags += ["--wait", *(["--wait-for-jobs"] if inputs.get("waitForJobs") else [])]
    flags.append(f"--timeout={inputs.get('timeout') or DEFAULT_TIMEOUT}s")
    for name, flag in (("description", "--description"), ("postrender", "--post-renderer")):
        if inputs.get(name):
            flags.append(f"{flag}={inputs[name]}")
    return flags


def install_flags(inputs: Properties) -> list[str]:
    chosen = (("createNamespace", "--create-namespace"), ("replace", "--replace"), ("disableWebhooks", "--no-hooks"))
    return common_flags(inputs) + [flag for name, flag in chosen if inputs.get(name)]


def upgrade_flags(inputs: Properties) -> list[str]:
    chosen = (
        ("cleanupOnFail", "--cleanup-on-fail"),
        ("forceUpdate", "--force"),
        ("resetValues", "--reset-values"),
        ("reuseValues", "--reuse-values"),
        ("disableCRDHooks", "--no-hooks"),
    )
    history = [f"--history-max={inputs.get('maxHistory') or 0}"]
    return common_flags(inputs) + history + [flag for name, flag in chosen if inputs.get(name)]
