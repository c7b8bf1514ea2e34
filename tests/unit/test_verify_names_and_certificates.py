"""Rows of `lab verify` about names and certificates: servers that answer otherwise, and chains that do not fit, fail them."""

import asyncio
import base64
import socket
import ssl
import struct
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from lab.verify.judging import judge
from lab.verify.outcome import Outcome, Verdict
from lab.verify.rows import certificates, names
from lab.verify.selection import Selection
from tests.conftest import Authority, Issue
from tests.unit.verify_fixtures import NOW, FakeApi, context_of, node, of, outcomes, verdicts

LAB: dict[str, Any] = {
    "workloads": [{"name": "smiley", "addresses": ["192.168.1.21"], "device": {}}],
    "faces": {"on-edge": ["smiley"], "second": []},
    "routes": [],
    "services": None,
    "policy": None,
}
FACE = "/api/v1/namespaces/faces/services/face"


def answer(question: bytes, *addresses: str, code: int = 0) -> bytes:
    """As a DNS server writes it, with the name pointed at."""
    head = question[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 5, 4) + socket.inet_aton(address) for address in addresses
    )
    return head + question[12:] + records


@asynccontextmanager
async def server(*addresses: str, code: int = 0, tcp: bool = True) -> AsyncIterator[int]:
    """A DNS server on a port of the loopback address, over UDP and, if wanted, TCP."""

    class _Udp(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(answer(data, *addresses, code=code), addr)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        (length,) = struct.unpack("!H", await reader.readexactly(2))
        said = answer(await reader.readexactly(length), *addresses, code=code)
        writer.write(struct.pack("!H", len(said)) + said)
        await writer.drain()
        writer.close()

    listener = await asyncio.start_server(talk, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(_Udp, local_addr=("127.0.0.1", port))
    if not tcp:
        listener.close()
        await listener.wait_closed()
    try:
        yield port
    finally:
        transport.close()
        listener.close()


def names_of(directory: Path, *addresses: str, code: int = 0, tcp: bool = True) -> list[Outcome]:
    """What the row says while such a server answers for a Service with the address 10.43.0.7."""

    async def run() -> list[Outcome]:
        async with server(*addresses, code=code, tcp=tcp) as port:
            api = FakeApi({"/api/v1/nodes": [node(address="127.0.0.1")], FACE: {"spec": {"clusterIP": "10.43.0.7"}}})
            context = context_of(directory, api=api, **{**LAB, "edge": {"dns-port": port, "artefacts": "parts"}})
            return await judge(context, [names.ROW], Selection(), 30)

    return asyncio.run(run())


def test_the_dns_service_answers_over_udp_and_tcp(tmp_path: Path) -> None:
    found = names_of(tmp_path, "10.43.0.7")
    assert verdicts(found) == {"DNS over UDP": Verdict.PASSED, "DNS over TCP": Verdict.PASSED}
    assert found[0].found == "10.43.0.7 from 1 node"


def test_an_answer_that_is_not_the_services_address_fails(tmp_path: Path) -> None:
    for found in (names_of(tmp_path, "10.43.0.9"), names_of(tmp_path), names_of(tmp_path, code=3)):
        assert set(verdicts(found).values()) == {Verdict.FAILED}
    assert "no such name" in names_of(tmp_path, code=3)[0].found
    assert "the Service has 10.43.0.7" in names_of(tmp_path, "10.43.0.9")[1].found


def test_a_server_that_answers_over_udp_only_fails_where_long_answers_go(tmp_path: Path) -> None:
    found = names_of(tmp_path, "10.43.0.7", tcp=False)
    assert verdicts(found) == {"DNS over UDP": Verdict.PASSED, "DNS over TCP": Verdict.FAILED}


def test_without_a_lab_of_devices_there_is_no_dns_to_ask(tmp_path: Path) -> None:
    only = [{"name": "smiley", "addresses": ["192.168.1.21"]}]
    (outcome,) = outcomes(context_of(tmp_path, **{**LAB, "workloads": only}), names.ROW)
    assert outcome.verdict is Verdict.NOT_ASKED


def test_certificates_that_end_soon_fail_and_those_that_are_renewed_often_do_not(tmp_path: Path) -> None:
    def said(**days: float) -> Outcome:
        ends = {name.replace("_", "-"): NOW + timedelta(days=number) for name, number in days.items()}
        return of(outcomes(context_of(tmp_path, ends=ends, **LAB), certificates.ROW), "what the stack issued")

    assert said(trust_issuer_1=300, smiley_device=40).verdict is Verdict.PASSED
    assert said(trust_issuer_1=300, smiley_device=40).found == "2; the first to end is smiley-device, 40 days left"
    assert said(trust_issuer_1=300, smiley_intermediate_1=3).verdict is Verdict.PASSED
    assert said(trust_issuer_1=3).verdict is Verdict.FAILED
    assert said(smiley_intermediate_1=0.5).verdict is Verdict.FAILED
    assert "expired" in said(trust_issuer_1=-1).found


def cluster(anchors: str, issuer: str) -> FakeApi:
    return FakeApi(
        {"/api/v1/namespaces/linkerd/configmaps/linkerd-identity-trust-roots": {"data": {"ca-bundle.crt": anchors}}},
        {("linkerd-identity-issuer", r"{.data.crt\.pem}"): base64.b64encode(issuer.encode()).decode()},
    )


def test_the_issuer_is_signed_by_an_anchor_that_the_mesh_and_the_stack_trust(tmp_path: Path, issue: Issue) -> None:
    anchor, other = issue("root", days=90), issue("another root", days=90)
    issuer, late = issue("issuer", by=anchor, days=30), issue("late", by=anchor, days=3)

    def said(api: FakeApi, anchors: str = "") -> tuple[Verdict, str]:
        context = replace(context_of(tmp_path, api=api, anchors=anchors, **LAB), now=lambda: datetime.now(UTC))
        outcome = of(outcomes(context, certificates.ROW), "Linkerd's issuer")
        return outcome.verdict, outcome.found

    assert said(cluster(anchor.pem, issuer.pem), anchor.pem)[0] is Verdict.PASSED
    assert said(cluster(other.pem, issuer.pem))[1].endswith("none of 1 anchors has signed it")
    assert said(cluster(anchor.pem, late.pem))[0] is Verdict.FAILED
    assert said(cluster(anchor.pem + other.pem, issuer.pem), anchor.pem)[0] is Verdict.FAILED
    assert said(cluster("", issuer.pem))[0] is Verdict.FAILED
    assert said(cluster(anchor.pem, "nonsense"))[0] is Verdict.FAILED


@contextmanager
def proxy(shown: Authority | None, directory: Path) -> Iterator[int]:
    """Something that proves that certificate to whoever connects; with None it speaks no TLS."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def serve() -> None:
        try:
            plain, _ = listener.accept()
        except OSError:
            return
        with plain:
            if shown is None:
                plain.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                return
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            file = directory / "shown.pem"
            file.write_text(shown.pem + shown.key_pem)
            context.load_cert_chain(file)
            try:
                context.wrap_socket(plain, server_side=True).close()
            except OSError:
                return

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.close()
        thread.join(5)


def test_a_workload_proves_who_it_is_by_a_chain_to_the_meshs_anchor(
    tmp_path: Path, issue: Issue, monkeypatch: pytest.MonkeyPatch
) -> None:
    anchor, stranger = issue("root", days=90), issue("another root", days=90)
    identity = "spiffe://root.linkerd.cluster.local/smiley"

    def said(shown: Authority | None) -> tuple[Verdict, str]:
        with proxy(shown, tmp_path) as port:
            workloads = [{"name": "smiley", "addresses": ["192.168.1.21"], "device": {}, "port": port}]
            context = context_of(tmp_path, api=cluster(anchor.pem, anchor.pem), **{**LAB, "workloads": workloads})
            context = replace(context, now=lambda: datetime.now(UTC))
            connect = socket.create_connection
            monkeypatch.setattr(
                "lab.verify.handshake.socket.create_connection",
                lambda _, timeout: connect(("127.0.0.1", port), timeout),
            )
            outcome = of(outcomes(context, certificates.ROW), "workload smiley")
            monkeypatch.undo()
            return outcome.verdict, outcome.found

    def leaf(uri: str, by: Authority) -> Authority:
        return issue("leaf", by=by, days=2, authority=False, uri=uri)

    assert said(leaf(identity, anchor)) == (Verdict.PASSED, f"proves {identity}, 23 h left")
    assert said(leaf("spiffe://root.linkerd.cluster.local/color", anchor))[0] is Verdict.FAILED
    assert "does not fit the mesh" in said(leaf(identity, stranger))[1]
    assert said(None)[0] is Verdict.FAILED
