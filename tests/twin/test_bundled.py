"""`spire.topology: bundled`: every device has a SPIRE server and an authority of its own, and the cluster has none."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from lab.twin.inside import Inside
from tests.twin.conftest import Lab
from tests.twin.edge import NAMES, Edge, eventually, pem_bodies, rig_of

pytestmark = pytest.mark.twin

_KEY, _CHAIN = "/etc/mesh-expansion/intermediate.key", "/etc/mesh-expansion/intermediate.crt"
_INBOUND = 4143


@pytest.fixture(scope="module")
def edge(new_lab: Callable[..., Lab]) -> Iterator[Edge]:
    """Two devices, up and in the mesh, and nothing in a container."""
    lab = new_lab(devices=True)
    lab("twin", "up")
    edge = Edge(lab, rig_of(lab))
    edge.before = {name: edge.snapshot(name) for name in NAMES}
    lab.configure(_bundled)
    lab("up")
    yield edge
    lab("twin", "down", ok=False)


def _bundled(config: dict[str, Any]) -> None:
    config["mesh-expansion:spire"] = {"topology": "bundled"}
    listed = config["mesh-expansion:workloads"]
    config["mesh-expansion:workloads"] = [workload for workload in listed if "device" in workload]


def test_devices_get_their_identities_without_any_spire_in_the_cluster(edge: Edge) -> None:
    for name in NAMES:
        assert edge.ready(name)
        assert edge.identity(name) == f"spiffe://root.linkerd.cluster.local/{name}"
    assert edge.well("smiley")
    assert "spire" not in edge.lab.kubectl("get", "namespaces,customresourcedefinitions", "-o", "name")
    inside = Inside(edge.lab.home / "twin", edge.rig.describe().node_addresses[0])
    assert not [state.name for state in inside.status() if state.pid and "spire" in state.name]


def test_a_second_up_logs_in_nowhere_and_restarts_nothing(edge: Edge) -> None:
    before = {name: (edge.logins(name), edge.started(name), _server(edge, name)) for name in NAMES}
    assert "changed:" not in edge.lab("up").text
    assert {name: (edge.logins(name), edge.started(name), _server(edge, name)) for name in NAMES} == before


def _server(edge: Edge, name: str) -> str:
    return edge.rig.run(name, "systemctl show -P MainPID mesh-expansion-server").strip()


def test_a_device_s_authority_is_its_own_and_no_other_key_is_there(edge: Edge) -> None:
    state = edge.lab.shell("pulumi stack export -s twin --show-secrets").text
    shared = pem_bodies(state)
    assert len(shared) >= 3  # root, issuer, devices'
    own = {name: pem_bodies(edge.rig.run(name, f"cat {_KEY}")).pop() for name in NAMES}
    assert len(set(own.values())) == len(NAMES)
    assert not shared & set(own.values())
    for name in NAMES:
        keys = shared | {other for other in own.values() if other != own[name]}
        options = " ".join(f"-e '{key}'" for key in sorted(keys))
        found = edge.rig.run(name, f"grep -rlsF {options} / --exclude-dir=proc --exclude-dir=sys || true")
        assert found == "", found
        assert edge.rig.run(name, f"stat -c '%a %U' {_KEY}").split() == ["600", "mesh-agent"]
        assert edge.rig.run(name, "stat -c '%a %U' /run/mesh-expansion-server").split() == ["700", "mesh-agent"]
        assert own[name] not in edge.rig.run(name, "cat /proc/[0-9]*/cmdline | tr '\\0' ' '; journalctl --no-pager")
        listening = edge.rig.run(name, "ss -Htln 'sport = :30081' | awk '{print $4}'").split()
        assert listening == ["127.0.0.1:30081"]


def test_whoever_steals_a_device_can_pose_as_another_one_but_not_as_a_pod(edge: Edge, tmp_path: Path) -> None:
    """What the topology costs, and where it ends; the reason why `server` is the default."""
    destination = "linkerd-destination.linkerd.serviceaccount.identity.linkerd.cluster.local"
    color = x509.UniformResourceIdentifier("spiffe://root.linkerd.cluster.local/color")
    assert _accepts(edge, "color", _minted(edge, "smiley", color, tmp_path))
    assert not _accepts(edge, "color", _minted(edge, "smiley", x509.DNSName(destination), tmp_path))


def _minted(edge: Edge, thief: str, name: x509.GeneralName, directory: Path) -> Path:
    """A certificate that the authority of a device gives to itself, with its key and chain."""
    chain = edge.rig.run(thief, f"cat {_CHAIN}")
    signer = x509.load_pem_x509_certificate(chain.encode())
    authority = load_pem_private_key(edge.rig.run(thief, f"cat {_KEY}").encode(), None)
    assert isinstance(authority, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([]))
        .issuer_name(signer.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(signer.not_valid_before_utc)
        .not_valid_after(signer.not_valid_after_utc)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([name]), critical=True)
        .sign(authority, SHA256())
    )
    file = directory / "minted.pem"
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    file.write_text(leaf.public_bytes(Encoding.PEM).decode() + chain + own)
    return file


def _accepts(edge: Edge, name: str, client: Path) -> bool:
    """Whether a device's proxy takes a client certificate; what it lets the client do is up to the policy."""
    context = ssl.create_default_context(cadata=edge.anchors)
    context.check_hostname = False
    context.load_cert_chain(client)
    try:
        with (
            socket.create_connection((edge.addresses[name], _INBOUND), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=f"{name}.cluster.local") as secured,
        ):
            secured.sendall(b"GET / HTTP/1.1\r\nHost: faces\r\n\r\n")
            secured.recv(1)  # a refused certificate is said after the handshake
    except ssl.SSLError as refused:
        assert "ALERT" in str(refused), refused
        return False
    except ConnectionError:
        pass
    return True


def test_a_killed_server_comes_back_with_its_agent_and_nothing_is_served_in_plain_text_meanwhile(edge: Edge) -> None:
    served: list[int | None] = []
    stop = threading.Event()

    def knock() -> None:
        while not stop.is_set():
            served.append(edge.plain("smiley"))
            time.sleep(0.05)

    knocking = threading.Thread(target=knock)
    knocking.start()
    agent = "systemctl show -P MainPID mesh-expansion-agent"
    before = _server(edge, "smiley"), edge.rig.run("smiley", agent)
    proxy = edge.rig.run("smiley", "systemctl show -P MainPID mesh-expansion-proxy")
    try:
        edge.rig.run("smiley", "systemctl kill --signal=KILL mesh-expansion-server")
        eventually(lambda: _server(edge, "smiley") not in (before[0], "0"), "the server to start again")
        eventually(
            lambda: edge.rig.run("smiley", "systemctl is-active mesh-expansion-agent || true").strip() == "active",
            "the agent to have attested to it",
        )
        assert edge.well("smiley")
    finally:
        stop.set()
        knocking.join()
    assert edge.rig.run("smiley", agent) != before[1]
    assert edge.rig.run("smiley", "systemctl show -P MainPID mesh-expansion-proxy") == proxy
    assert len(served) > 10
    assert 200 not in served


def test_a_new_generation_renews_the_authorities_and_the_proxies_go_on(edge: Edge) -> None:
    def second(config: dict[str, Any]) -> None:
        config["mesh-expansion:spire"]["intermediate"] = 2

    before = {name: (edge.rig.run(name, f"cat {_CHAIN}"), edge.digest(name, _KEY)) for name in NAMES}
    proxies = {name: edge.rig.run(name, "systemctl show -P MainPID mesh-expansion-proxy") for name in NAMES}
    edge.lab.configure(second)
    changes = edge.lab.preview()
    assert {name for name in changes if "intermediate" not in name} == {
        f"{name}-device-{part}" for name in NAMES for part in ("identity", "parts")
    }
    edge.lab("up")
    for name in NAMES:
        chain, key = before[name]
        assert edge.rig.run(name, f"cat {_CHAIN}") != chain
        assert edge.digest(name, _KEY) == key
        assert edge.rig.run(name, "systemctl show -P MainPID mesh-expansion-proxy") == proxies[name]
        new = x509.load_pem_x509_certificate(edge.rig.run(name, f"cat {_CHAIN}").encode())
        eventually(
            partial(_shows, edge, name, new.serial_number), f"{name} to show an identity below its new authority"
        )


def _shows(edge: Edge, name: str, serial_number: int) -> bool:
    """Whether that certificate is in the chain that a device's proxy shows on its inbound port."""
    text = edge.rig.run(
        name,
        f"openssl s_client -showcerts -connect 127.0.0.1:{_INBOUND} -servername {name}.cluster.local </dev/null || true",
    )
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    chain = [f"{begin}{part.split(end)[0]}{end}\n" for part in text.split(begin)[1:]]
    return serial_number in {x509.load_pem_x509_certificate(pem.encode()).serial_number for pem in chain}


def test_a_device_comes_back_after_a_reboot_without_pulumi(edge: Edge) -> None:
    key = edge.digest("smiley", _KEY)
    edge.rig.reboot("smiley", hard=True)
    assert eventually(lambda: edge.well("smiley"), "smiley to come back", 120) < 120
    assert edge.identity("smiley") == "spiffe://root.linkerd.cluster.local/smiley"
    assert edge.digest("smiley", _KEY) == key
    eventually(lambda: edge.ready("smiley"), "the cluster to know it", 60)


def test_one_device_leaves_and_the_other_goes_back_to_the_cluster_s_server(edge: Edge) -> None:
    def back(config: dict[str, Any]) -> None:
        del config["mesh-expansion:spire"]
        config["mesh-expansion:faces"]["on-edge"] = ["smiley"]
        config["mesh-expansion:workloads"] = config["mesh-expansion:workloads"][:1]

    edge.lab.configure(back)
    # Plain pulumi: `lab up` would take the device away that leaves.
    edge.lab.shell("pulumi up --yes --skip-preview -s twin")
    _is_as_found(edge, "color")
    eventually(lambda: edge.well("smiley"), "smiley to be well with the cluster's server")
    found = edge.rig.run(
        "smiley",
        f"ls {_KEY} {_CHAIN} /opt/mesh-expansion/bin/spire-server /run/mesh-expansion-server 2>/dev/null || true",
    )
    assert found == ""
    assert "not-found" in edge.rig.run("smiley", "systemctl show -P LoadState mesh-expansion-server")
    assert "spire" in edge.lab.kubectl("get", "namespaces", "-o", "name")


def _is_as_found(edge: Edge, name: str) -> None:
    after = edge.snapshot(name)
    for what, found in vars(edge.before[name]).items():
        assert getattr(after, what) == found, what


def test_destroy_leaves_the_device_as_it_was_found(edge: Edge) -> None:
    edge.lab.shell("pulumi destroy --yes --skip-preview -s twin")
    _is_as_found(edge, "smiley")
