"""A recording engine: a fresh one for each program, which remembers what was registered and how."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.x509.oid import NameOID
from pulumi.runtime import rpc
from pulumi.runtime.mocks import MockCallArgs, MockMonitor, MockResourceArgs, Mocks, set_mocks

from tests.components.kubeconfigs import k3s_kubeconfig
from tests.conftest import Authority, issuing

NODES = {
    "items": [
        {
            "metadata": {"name": f"node-{index}"},
            "spec": {"podCIDRs": [f"10.42.{index}.0/24"]},
            "status": {"addresses": [{"type": "InternalIP", "address": f"192.168.1.{10 + index}"}]},
        }
        for index in range(2)
    ]
}


def request(name: str) -> str:
    """PEM of a certificate request as a device makes it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(subject)
    return builder.sign(ec.generate_private_key(ec.SECP256R1()), hashes.SHA256()).public_bytes(Encoding.PEM).decode()


class _Certificates:
    """What the tls plugin computes: real keys and certificates, so that what is made of them can be verified."""

    def __init__(self) -> None:
        self._issue = issuing()

    def computed(self, args: MockResourceArgs) -> dict[str, Any]:
        if args.typ == "tls:index/privateKey:PrivateKey":
            return {"privateKeyPem": self._issue("key").key_pem}
        if args.typ == "tls:index/certRequest:CertRequest":
            return {"certRequestPem": rpc.unwrap_rpc_secret(args.inputs["privateKeyPem"])}
        inputs = {name: rpc.unwrap_rpc_secret(value) for name, value in args.inputs.items()}
        pem: str = inputs.get("privateKeyPem") or inputs["certRequestPem"]
        # Whoever certifies looks at the public key only, which a request has as well.
        key: Any = (
            x509.load_pem_x509_csr(pem.encode()) if "REQUEST" in pem else load_pem_private_key(pem.encode(), None)
        )
        days = int(inputs["validityPeriodHours"]) // 24
        if args.typ == "tls:index/selfSignedCert:SelfSignedCert":
            made = self._issue(args.name, key=key, days=days)
        else:
            authority = Authority(
                x509.load_pem_x509_certificate(inputs["caCertPem"].encode()),
                load_pem_private_key(inputs["caPrivateKeyPem"].encode(), None),  # type: ignore[arg-type]
            )
            made = self._issue(args.name, by=authority, key=key, days=days)
        return {"certPem": made.pem, "validityEndTime": made.certificate.not_valid_after_utc.isoformat()}


@dataclass(frozen=True)
class Registered:
    """One resource as the program registered it; `parent`, `depends_on` and `deleted_with` are names, `secret` names secret
    inputs, `ignored` those whose changes are.
    """

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    depends_on: frozenset[str]
    deleted_with: str
    secret: frozenset[str]
    retained: bool
    ignored: frozenset[str]


@dataclass
class Recording(Mocks):
    """What a program registered, by name, and which components said that they are complete."""

    resources: dict[str, Registered] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    exports: dict[str, Any] = field(default_factory=dict)
    certificates: _Certificates = field(default_factory=_Certificates)

    def new_resource(self, args: MockResourceArgs) -> tuple[str | None, dict[Any, Any]]:
        computed: dict[str, Any] = {}
        if args.typ.startswith("tls:"):
            computed = self.certificates.computed(args)
        if args.typ == "kubernetes:helm.sh/v3:Release":
            computed = {"status": {"revision": 1, "status": "deployed"}}
        if args.typ == "command:remote:Command" and args.name.endswith("-identity"):
            name = args.name.split("-")[0]
            answer = {"csr": request(name), "intermediate": request(name), "facts": {}}
            computed = {"stdout": json.dumps(answer)}
        if args.typ == "command:remote:Command" and args.name.endswith("-kubeconfig"):
            computed = {"stdout": k3s_kubeconfig()}
        return f"{args.name}-id", {**args.inputs, **computed}

    def call(self, args: MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        if args.token == "command:local:run":
            return {**args.args, "stdout": json.dumps(NODES), "stderr": ""}, []
        raise AssertionError(f"no component calls this function in a test: {args.token}")

    def before(self, name: str) -> set[str]:
        """What is there before a resource, and so longer than it: its dependencies and its component's, and theirs."""
        found: set[str] = set()
        waiting = [name]
        while waiting:
            resource = self.resources[waiting.pop()]
            for other in {*resource.depends_on, resource.parent} & self.resources.keys() - found:
                found.add(other)
                waiting.append(other)
        return found

    def starting_with(self, prefix: str) -> Registered:
        """The one resource whose name starts so."""
        (found,) = [resource for name, resource in self.resources.items() if name.startswith(prefix)]
        return found

    def of_type(self, type_: str) -> list[Registered]:
        return [resource for resource in self.resources.values() if resource.type == type_]


class _Monitor(MockMonitor):
    def __init__(self, recording: Recording) -> None:
        super().__init__(recording)
        self._recording = recording

    def RegisterResource(self, request: Any) -> Any:
        answer: Any = super().RegisterResource(request)  # type: ignore[no-untyped-call]
        inputs = rpc.deserialize_properties(request.object)
        secret = frozenset(key for key, value in inputs.items() if rpc.is_rpc_secret(value))
        self._recording.resources[request.name] = Registered(
            type=request.type,
            name=request.name,
            inputs={key: rpc.unwrap_rpc_secret(value) for key, value in inputs.items()},
            parent=request.parent.split("::")[-1],
            depends_on=frozenset(urn.split("::")[-1] for urn in request.dependencies),
            deleted_with=request.deletedWith.split("::")[-1],
            secret=secret,
            retained=request.retainOnDelete,
            ignored=frozenset(request.ignoreChanges),
        )
        return answer

    def RegisterResourceOutputs(self, request: Any) -> Any:
        self._recording.completed.add(request.urn.split("::")[-1])
        return super().RegisterResourceOutputs(request)  # type: ignore[no-untyped-call]


Declare = Callable[[Callable[[], dict[str, Any] | Awaitable[dict[str, Any]]]], Recording]


@contextmanager
def recorder() -> Iterator[Declare]:
    """What the fixture `declare` gives, for a scope of one's own."""
    # Other tests may have ended this thread's loop, and the engine's SDK makes none of its own (pulumi#24338).
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def declare(program: Callable[[], dict[str, Any] | Awaitable[dict[str, Any]]]) -> Recording:
        recording = Recording()
        set_mocks(recording, project="mesh-expansion", stack="twin", monitor=_Monitor(recording))

        def run() -> pulumi.Output[Any]:
            return pulumi.Output.from_input(program()).apply(recording.exports.update)

        pulumi.runtime.test(run)()  # type: ignore[no-untyped-call]
        return recording

    try:
        yield declare
    finally:
        loop.close()
        asyncio.set_event_loop(None)


@pytest.fixture
def declare() -> Iterator[Declare]:
    """Run a program against a fresh recording engine and wait for all that it registers."""
    with recorder() as declare:
        yield declare
