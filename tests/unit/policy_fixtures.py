"""Resources as the engine shows them to the policy pack."""

from typing import Any

from policy.rules.resource import Resource

SELF_SIGNED = "tls:index/selfSignedCert:SelfSignedCert"
SIGNED = "tls:index/locallySignedCert:LocallySignedCert"
COMMAND = "command:remote:Command"


def resource(type_: str, name: str = "thing", /, **inputs: Any) -> Resource:
    return Resource(type=type_, name=name, urn=f"urn:pulumi:test::test::{type_}::{name}", inputs=inputs)


def kube(version: str, kind: str, name: str, namespace: Any = None, /, **more: Any) -> Resource:
    """A Kubernetes object as the engine shows it."""
    metadata = {"name": name, **({"namespace": namespace} if namespace is not None else {}), **more.pop("metadata", {})}
    return resource(f"kubernetes:{version}:{kind}", name, apiVersion=version, kind=kind, metadata=metadata, **more)
