"""Previews as `pulumi preview --json` writes them."""

import json
from collections.abc import Mapping
from typing import Any

STACK = "twin"


def step(op: str, token: str, name: str, *, before: Any = None, after: Any = None, **more: Any) -> dict[str, Any]:
    """One step of the engine's; `before` and `after` are the resource's inputs, None where it is not there."""
    urn = f"urn:pulumi:{STACK}::mesh-expansion::{token}::{name}"

    def state(inputs: Any) -> dict[str, Any]:
        return {"urn": urn, "custom": True, "type": token, "inputs": inputs, "outputs": inputs}

    return {
        "op": op,
        "urn": urn,
        **({"oldState": state(before)} if before is not None else {}),
        **({"newState": state(after)} if after is not None else {}),
        **more,
    }


def preview(*steps: Mapping[str, Any], same: int = 1, diagnostics: Any = None) -> str:
    """The whole document, with the stack itself among the steps as the engine has it."""
    root = step("same", "pulumi:pulumi:Stack", f"mesh-expansion-{STACK}", before={}, after={})
    summary: dict[str, int] = {"same": same}
    for item in steps:
        summary[item["op"]] = summary.get(item["op"], 0) + 1
    document = {
        "config": {"mesh-expansion:lab": "twin", "mesh-expansion:trust-issuer-key": "[secret]"},
        "steps": [root, *steps],
        "diagnostics": diagnostics or [],
        "duration": 2_000_000_000,
        "changeSummary": summary,
    }
    return json.dumps(document, indent=4)


def kubernetes(kind: str, name: str, spec: Any, **metadata: Any) -> tuple[str, str, dict[str, Any]]:
    """Type, name and inputs of one of the lab's objects."""
    group = {
        "HTTPRoute": "gateway.networking.k8s.io/v1",
        "Server": "policy.linkerd.io/v1beta3",
        "Secret": "core/v1",
    }.get(kind, "policy.linkerd.io/v1alpha1")
    inputs = {
        "apiVersion": group,
        "kind": kind,
        "metadata": {"name": name, "namespace": "faces", **metadata},
        "spec": spec,
    }
    return f"kubernetes:{group}:{kind}", f"{name}-{kind.lower()}", inputs


def route(weights: Mapping[str, int], **annotations: str) -> tuple[str, str, dict[str, Any]]:
    """A canary as the program writes it."""
    references = [
        {"group": "", "kind": "Service", "name": name, "port": 80, "weight": weight} for name, weight in weights.items()
    ]
    parent = {"group": "", "kind": "Service", "name": "smiley", "port": 80}
    spec = {"parentRefs": [parent], "rules": [{"backendRefs": references}]}
    return kubernetes("HTTPRoute", "smiley-route", spec, annotations=annotations)


def changed(
    op: str, before: tuple[str, str, Any] | None, after: tuple[str, str, Any] | None, **more: Any
) -> dict[str, Any]:
    """The step from one object to another."""
    token, name, _ = before or after or ("", "", None)
    return step(op, token, name, before=before[2] if before else None, after=after[2] if after else None, **more)
