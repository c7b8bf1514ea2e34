"""What the prober says of a workload that speaks gRPC: real servers behind a TLS end that plays the proxy, and bare frames."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest

from assets.prober.workload import Answer, Target, probe
from tests.conftest import Authority
from tests.unit.prober_fixtures import ID, between, context, identity, root

__all__ = ["between", "context", "root"]

HEALTH = "grpc.health.v1.Health"
HEADERS, DATA, SETTINGS, GOAWAY = 1, 0, 4, 7
Ask = Callable[[Callable[[socket.socket], None]], Answer]


def frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3) + bytes((kind, flags)) + stream.to_bytes(4) + payload


@pytest.fixture
def ask(between: Authority, context: ssl.SSLContext, tmp_path: Path) -> Iterator[Ask]:
    """Probe a workload whose proxy proves its identity and hands the connection, without its TLS, to a function."""
    listening: list[socket.socket] = []

    def ask(behind: Callable[[socket.socket], None]) -> Answer:
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.load_cert_chain(identity(between, tmp_path))
        listener = socket.create_server(("127.0.0.1", 0))
        listening.append(listener)

        def run() -> None:
            with listener.accept()[0] as plain, server.wrap_socket(plain, server_side=True) as secured:
                behind(secured)

        threading.Thread(target=run, daemon=True).start()
        target = Target(
            namespace="faces",
            name="smiley",
            uid="1",
            addresses=("127.0.0.1",),
            port=listener.getsockname()[1],
            identity=ID,
            server_name="smiley.cluster.local",
            probe="grpc",
        )
        return probe(target, context, "/ready", 2.0)

    yield ask
    for listener in listening:
        listener.close()


@pytest.fixture
def grpc_server() -> Iterator[Callable[..., Callable[[socket.socket], None]]]:
    """A server of gRPC that answers health checks with a message, or has no health service."""
    started: list[grpc.Server] = []

    def serve(health: bytes | None) -> Callable[[socket.socket], None]:
        server = grpc.server(ThreadPoolExecutor(2))
        started.append(server)
        if health is not None:
            handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(
                lambda _request, _context: health
            )
            server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(HEALTH, {"Check": handler}),))
        port = server.add_insecure_port("127.0.0.1:0")
        server.start()
        return lambda connection: _relay(connection, port)

    yield serve
    for server in started:
        server.stop(None)


def _relay(connection: socket.socket, port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as behind:

        def back() -> None:
            with contextlib.suppress(OSError):  # the prober has gone
                while text := behind.recv(4096):
                    connection.sendall(text)

        threading.Thread(target=back, daemon=True).start()
        while text := connection.recv(4096):
            behind.sendall(text)


def test_a_server_that_says_it_serves_is_ready(ask: Ask, grpc_server: Callable[..., Callable[..., None]]) -> None:
    answer = ask(grpc_server(b"\x08\x01"))
    assert (answer.ready, answer.reason) == (True, "Answered")
    assert "answered a health check by gRPC with SERVING" in answer.message


def test_a_server_without_a_health_service_is_ready_for_it_says_so_itself(
    ask: Ask, grpc_server: Callable[..., Callable[..., None]]
) -> None:
    answer = ask(grpc_server(None))
    assert (answer.ready, answer.reason) == (True, "Answered")
    assert "with gRPC status 12" in answer.message


@pytest.mark.parametrize("health", [b"\x08\x02", b""])
def test_a_server_that_does_not_serve_is_not_ready(
    ask: Ask, grpc_server: Callable[..., Callable[..., None]], health: bytes
) -> None:
    answer = ask(grpc_server(health))
    assert (answer.ready, answer.reason) == (False, "NotReady")


# As encoders write it: `grpc-status` and its number in Huffman's code, both or none of them to be remembered.
STATUS = b"\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f"


@pytest.mark.parametrize(
    ("block", "reason", "words"),
    [
        (b"\x88" + STATUS + b"\x82\x0b\x5f", "AppDown", "gRPC status 14"),
        (b"\x88" + STATUS + b"\x017", "Denied", "gRPC status 7"),
        (b"\x88\x00\x0bgrpc-status\x0212", "Answered", "gRPC status 12"),
        (b"\x48\x83\x68\x0c\xff", "Denied", "HTTP status 403"),
        (b"\x3f\xe1\x1f\x08\x03502", "AppDown", "HTTP status 502"),
        (b"\x8e\x40\x0ax-whatever\x82\xff\xff", "AppDown", "HTTP status 500"),
    ],
)
def test_what_a_proxy_answers_in_the_workloads_place_is_read(ask: Ask, block: bytes, reason: str, words: str) -> None:
    def refuse(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(frame(SETTINGS, 0, 0, b"") + frame(HEADERS, 0x5, 1, block))
        connection.recv(4096)

    answer = ask(refuse)
    assert (answer.ready, answer.reason) == (reason == "Answered", reason)
    assert words in answer.message


@pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", frame(GOAWAY, 0, 0, bytes(8)), b""])
def test_a_server_that_speaks_something_else_or_hangs_up_is_down(ask: Ask, said: bytes) -> None:
    def other(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    answer = ask(other)
    assert (answer.ready, answer.reason) == (False, "AppDown")
    assert "did not answer a health check by gRPC" in answer.message


def test_the_registration_says_how_a_workload_is_asked() -> None:
    registered: dict[str, Any] = {
        "metadata": {
            "namespace": "faces",
            "name": "color",
            "uid": "1",
            "annotations": {"mesh-expansion/probe": "grpc"},
        },
        "spec": {"meshTLS": {"identity": ID, "serverName": "color.cluster.local"}},
    }
    assert Target.of(registered).probe == "grpc"
    del registered["metadata"]["annotations"]
    assert Target.of(registered).probe == "GET"
