"""How a machine outside gets its identity from SPIRE by its certificate, and keeps it."""

import os
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509

from tests.twin.loopback import IDENTITY, SECONDS, Edge

pytestmark = pytest.mark.twin


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[Edge]:
    made = Edge(tmp_path)
    yield made
    made.close()


def _names(certificate: x509.Certificate) -> list[str]:
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.UniformResourceIdentifier)


def test_a_machine_with_its_certificate_gets_the_workloads_identity_and_it_is_renewed(edge: Edge) -> None:
    edge.start_server()
    edge.register(os.getuid())
    edge.start_agent()
    proxy = edge.start_proxy()
    first = edge.until("the proxy shows an identity", edge.shown)
    assert _names(first) == [IDENTITY]
    edge.until("a new certificate", lambda: (now := edge.shown()) and now.serial_number != first.serial_number)
    assert proxy.poll() is None


def test_the_proxy_keeps_its_identity_while_the_agent_is_away_and_gets_new_ones_after(edge: Edge) -> None:
    edge.start_server()
    edge.register(os.getuid())
    agent = edge.start_agent()
    edge.start_proxy()
    before = edge.until("the proxy shows an identity", edge.shown)
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    away = edge.shown()
    assert away
    assert _names(away) == [IDENTITY]
    edge.start_agent()
    edge.until(
        "a new certificate", lambda: (now := edge.shown()) and now.not_valid_after_utc > away.not_valid_after_utc
    )
    assert _names(before) == [IDENTITY]


def test_without_the_agents_socket_the_proxy_stays_up_says_ready_and_never_gets_an_identity(edge: Edge) -> None:
    # Under `deny` the real proxy hides /ready too until its policy controller has answered.
    edge.proxy_environment["INBOUND_DEFAULT_POLICY"] = "all-unauthenticated"
    edge.start_server()
    edge.register(os.getuid())
    proxy = edge.start_proxy()
    edge.until("the identity task ends", lambda: "panicked" in edge.log("linkerd2-proxy"))
    edge.start_agent()
    with urllib.request.urlopen(f"http://127.0.0.1:{edge.admin}/ready", timeout=5) as answer:
        assert answer.status == 200
    assert edge.shown() is None
    assert proxy.poll() is None
    proxy.terminate()
    assert proxy.wait(SECONDS) == 0


def test_a_program_that_the_entry_does_not_name_gets_no_identity(edge: Edge) -> None:
    edge.start_server()
    edge.register(os.getuid() + 1)
    edge.start_agent()
    edge.start_proxy()
    edge.until("the agent's refusal", lambda: "no identity issued" in edge.log("linkerd2-proxy"))
    assert edge.shown() is None


def test_a_server_that_starts_again_knows_its_agents_and_entries(edge: Edge) -> None:
    server = edge.start_server()
    edge.register(os.getuid())
    edge.start_agent()
    edge.start_proxy()
    edge.until("the proxy shows an identity", edge.shown)
    server.terminate()
    assert server.wait(SECONDS) == 0
    edge.start_server()
    down = edge.until("an identity", edge.shown)
    edge.until(
        "a new certificate", lambda: (now := edge.shown()) and now.not_valid_after_utc > down.not_valid_after_utc
    )
