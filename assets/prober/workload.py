"""A workload as it is registered, and what it answers."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from dataclasses import dataclass
from typing import Any

from . import grpc_health

_EXPIRED, _NOT_YET = 10, 9  # OpenSSL's verification errors

Condition = dict[str, str]


@dataclass(frozen=True)
class Target:
    """One workload as it is registered; `condition` is its Ready condition, if it has one.

    `probe` is how it is asked: by a method of HTTP, or by `grpc` for its health.
    """

    namespace: str
    name: str
    uid: str
    addresses: tuple[str, ...]
    port: int
    identity: str
    server_name: str
    probe: str = "GET"
    condition: Condition | None = None
    others: tuple[Condition, ...] = ()

    @classmethod
    def of(cls, item: dict[str, Any]) -> Target:
        """From an ExternalWorkload of the API."""
        metadata, spec = item["metadata"], item["spec"]
        ports = spec.get("ports") or [{"port": 8000}]
        named = [port for port in ports if port.get("name") == "http"] or ports
        conditions = (item.get("status") or {}).get("conditions") or []
        return cls(
            namespace=metadata["namespace"],
            name=metadata["name"],
            uid=metadata["uid"],
            addresses=tuple(entry["ip"] for entry in spec.get("workloadIPs") or []),
            port=named[0]["port"],
            identity=spec["meshTLS"]["identity"],
            server_name=spec["meshTLS"]["serverName"],
            probe=(metadata.get("annotations") or {}).get("mesh-expansion/probe", "GET"),
            condition=next((entry for entry in conditions if entry.get("type") == "Ready"), None),
            others=tuple(entry for entry in conditions if entry.get("type") != "Ready"),
        )

    @property
    def place(self) -> tuple[object, ...]:
        """Where it is and who it should be: when this changes, an old answer says nothing."""
        return self.addresses, self.port, self.identity, self.server_name, self.probe


@dataclass(frozen=True)
class Answer:
    """What a workload said: `reason` is one word for programs, `message` is for people, `seconds` how long it took."""

    ready: bool
    reason: str
    message: str
    seconds: float = 0.0

    @property
    def text(self) -> str:
        """The message with the time it took."""
        return f"{self.message} in {self.seconds * 1000:.0f} ms" if self.ready else self.message


def tls_context(anchors: str) -> ssl.SSLContext:
    """Verifies a chain against the anchors in the file and nothing else; the name is checked by the SPIFFE ID."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    context.load_verify_locations(cafile=anchors)
    return context


def probe(target: Target, context: ssl.SSLContext, path: str, timeout: float) -> Answer:
    """Ask every address of the target; the first that is not well decides."""
    if not target.addresses:
        return Answer(False, "NoAddress", "the workload is registered without an address")
    begun = time.monotonic()
    for address in target.addresses:
        answer = _probe_address(target, address, context, path, timeout)
        if not answer.ready:
            return answer
    where = " and ".join(_place(address, target.port) for address in target.addresses)
    asked = "a health check by gRPC" if target.probe == "grpc" else f"{target.probe} {path}"
    return Answer(True, "Answered", f"{where} answered {asked} with {answer.message}", time.monotonic() - begun)


def _probe_address(target: Target, address: str, context: ssl.SSLContext, path: str, timeout: float) -> Answer:
    place = _place(address, target.port)
    limit = time.monotonic() + timeout
    try:
        plain = socket.create_connection((address, target.port), timeout)
    except OSError as problem:
        return Answer(False, "Unreachable", f"no connection to {place}: {_words(problem)}")
    with plain:
        plain.settimeout(_left(limit))
        try:
            secured = context.wrap_socket(plain, server_hostname=target.server_name)
        except ssl.SSLCertVerificationError as problem:
            return _untrusted(place, problem)
        except OSError as problem:
            return Answer(False, "NoIdentity", f"no TLS on {place}: {_words(problem)}")
        with secured:
            found = _identities(secured)
            if target.identity not in found:
                proven = ", ".join(found) or "no SPIFFE ID"
                return Answer(False, "WrongIdentity", f"{place} proves {proven}; expected {target.identity}")
            secured.settimeout(_left(limit))
            return _ask_health(place, target, secured) if target.probe == "grpc" else _ask(place, target, secured, path)


def _ask(place: str, target: Target, secured: ssl.SSLSocket, path: str) -> Answer:
    connection = http.client.HTTPConnection(target.server_name, target.port)
    connection.sock = secured
    try:
        connection.request(target.probe, path, headers={"User-Agent": "mesh-expansion-prober", "Connection": "close"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as problem:
        return Answer(False, "AppDown", f"{place} did not answer {target.probe} {path}: {_words(problem)}")
    if 200 <= status < 300:
        return Answer(True, "Answered", str(status))
    words = f"{place} answered {target.probe} {path} with {status}"
    if status in (401, 403):
        return Answer(False, "Denied", f"{words}: its policy does not let the probe in")
    return Answer(False, "AppDown" if status >= 500 else "NotReady", words)


def _ask_health(place: str, target: Target, secured: ssl.SSLSocket) -> Answer:
    try:
        said = grpc_health.check(secured, f"{target.server_name}:{target.port}")
    except OSError as problem:
        return Answer(False, "AppDown", f"{place} did not answer a health check by gRPC: {_words(problem)}")
    if said.serving:
        return Answer(True, "Answered", said.text)
    words = f"{place} answered a health check by gRPC with {said.text}"
    if said.denied:
        return Answer(False, "Denied", f"{words}: its policy does not let the probe in")
    return Answer(False, "NotReady" if said.code == grpc_health.OK else "AppDown", words)


def _identities(secured: ssl.SSLSocket) -> list[str]:
    names: Any = (secured.getpeercert() or {}).get("subjectAltName", ())
    return [value for kind, value in names if kind == "URI"]


def _untrusted(place: str, problem: ssl.SSLCertVerificationError) -> Answer:
    if problem.verify_code == _EXPIRED:
        return Answer(False, "Expired", f"the certificate on {place} has expired")
    if problem.verify_code == _NOT_YET:
        return Answer(False, "NotYetValid", f"the certificate on {place} is not valid yet: compare the clocks")
    return Answer(False, "Untrusted", f"{place} has a certificate of another trust: {problem.verify_message}")


def _place(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _left(limit: float) -> float:
    return max(limit - time.monotonic(), 0.05)


def _words(problem: Exception) -> str:
    if isinstance(problem, TimeoutError):
        return "no answer in time"
    if isinstance(problem, ssl.SSLError):
        return (problem.reason or "the handshake ended").replace("_", " ").lower()
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror.lower()
    return str(problem).lower() or type(problem).__name__
