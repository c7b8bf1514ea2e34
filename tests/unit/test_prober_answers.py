"""What the prober says of a workload: against real TLS servers on the loopback."""

import socket
import ssl
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from assets.prober.workload import Answer, Target, probe
from tests.conftest import Authority, Issue
from tests.unit.prober_fixtures import ID, Serve, between, context, identity, root, serve

__all__ = ["between", "context", "root", "serve"]


def _http(status: str) -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nok".encode()


def _target(port: int, *addresses: str) -> Target:
    return Target(
        namespace="faces",
        name="smiley",
        uid="1",
        addresses=addresses or ("127.0.0.1",),
        port=port,
        identity=ID,
        server_name="smiley.cluster.local",
    )


def _probe(target: Target, context: ssl.SSLContext, timeout: float = 2.0) -> Answer:
    return probe(target, context, "/ready", timeout)


def test_a_workload_with_its_identity_that_answers_is_ready(
    serve: Serve, between: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    asked: list[bytes] = []
    port = serve(identity(between, tmp_path), _http("200 OK"), asked)
    answer = _probe(_target(port), context)
    assert (answer.ready, answer.reason) == (True, "Answered")
    assert answer.message == f"127.0.0.1:{port} answered GET /ready with 200"
    assert answer.text.endswith(" ms")
    assert asked[0].startswith(b"GET /ready HTTP/1.1\r\n")


def test_a_workload_may_be_asked_by_head(
    serve: Serve, between: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    asked: list[bytes] = []
    port = serve(identity(between, tmp_path), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n", asked)
    answer = _probe(replace(_target(port), probe="HEAD"), context)
    assert answer.message == f"127.0.0.1:{port} answered HEAD /ready with 200"
    assert asked[0].startswith(b"HEAD /ready HTTP/1.1\r\n")


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        ("503 Service Unavailable", "AppDown"),
        ("403 Forbidden", "Denied"),
        ("404 Not Found", "NotReady"),
        ("302 Found", "NotReady"),
    ],
)
def test_any_other_status_is_not_ready_and_named(
    serve: Serve, between: Authority, context: ssl.SSLContext, tmp_path: Path, status: str, reason: str
) -> None:
    answer = _probe(_target(serve(identity(between, tmp_path), _http(status))), context)
    assert (answer.ready, answer.reason) == (False, reason)
    assert f"answered GET /ready with {status[:3]}" in answer.message


@pytest.mark.parametrize(
    ("make", "reason", "words"),
    [
        ({"name": f"{ID}2"}, "WrongIdentity", f"proves {ID}2; expected {ID}"),
        ({"days": (-2, -1)}, "Expired", "has expired"),
        ({"days": (1, 2)}, "NotYetValid", "not valid yet: compare the clocks"),
    ],
)
def test_a_certificate_that_is_not_right_is_told_apart(
    serve: Serve,
    between: Authority,
    context: ssl.SSLContext,
    tmp_path: Path,
    make: dict[str, Any],
    reason: str,
    words: str,
) -> None:
    answer = _probe(_target(serve(identity(between, tmp_path, **make), _http("200 OK"))), context)
    assert (answer.ready, answer.reason) == (False, reason)
    assert words in answer.message


def test_a_certificate_of_another_root_proves_nothing(
    serve: Serve, issue: Issue, context: ssl.SSLContext, tmp_path: Path
) -> None:
    answer = _probe(_target(serve(identity(issue("other"), tmp_path), _http("200 OK"))), context)
    assert (answer.ready, answer.reason) == (False, "Untrusted")


def test_a_plain_server_has_noidentity(serve: Serve, context: ssl.SSLContext) -> None:
    port = serve(None, _http("400 Bad Request"))
    answer = _probe(_target(port), context)
    assert (answer.ready, answer.reason) == (False, "NoIdentity")
    assert f"no TLS on 127.0.0.1:{port}" in answer.message


def test_nobody_there_is_unreachable_with_the_systems_own_words(context: ssl.SSLContext) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    answer = _probe(_target(port), context)
    assert (answer.ready, answer.reason) == (False, "Unreachable")
    assert answer.message == f"no connection to 127.0.0.1:{port}: connection refused"


def test_a_server_that_says_nothing_costs_no_more_than_the_time_out(context: ssl.SSLContext) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        answer = _probe(_target(silent.getsockname()[1]), context, timeout=0.2)
    assert (answer.ready, answer.reason) == (False, "NoIdentity")
    assert "no answer in time" in answer.message


def test_an_application_that_hangs_up_is_down(
    serve: Serve, between: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    answer = _probe(_target(serve(identity(between, tmp_path), b"")), context)
    assert (answer.ready, answer.reason) == (False, "AppDown")


def test_both_addresses_have_to_answer(
    serve: Serve, between: Authority, context: ssl.SSLContext, tmp_path: Path
) -> None:
    port = serve(identity(between, tmp_path), _http("200 OK"))
    answer = _probe(_target(port, "127.0.0.1", "127.0.0.2"), context)
    assert answer.reason == "Unreachable"
    assert f"127.0.0.2:{port}" in answer.message


def test_a_workload_without_an_address_is_not_ready(context: ssl.SSLContext) -> None:
    target = Target.of(
        {
            "metadata": {"namespace": "faces", "name": "smiley", "uid": "1"},
            "spec": {"meshTLS": {"identity": ID, "serverName": "smiley.cluster.local"}},
        }
    )
    assert _probe(target, context).reason == "NoAddress"
