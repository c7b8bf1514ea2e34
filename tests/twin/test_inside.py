"""The processes that stand for pods: they serve what the objects ask for, are replaced when they die, and leave."""

import json
import os
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal

import psutil
import pulumi
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from components.chart import ChartSource
from components.dns import ClusterDns, ClusterDnsArgs
from components.edge.prober import Prober, ProberArgs
from components.spire import Spire, SpireArgs
from components.spire_entry import StaticEntry
from components.spire_trust import spire_material
from components.trust import IssuedTrust, IssuedTrustArgs
from domain.workloads import TRUST_DOMAIN, Workload
from lab.twin.inside import Inside
from lab.twin.process import locate
from tests.conftest import Authority, issuing
from tests.twin.inside_lab import InsideLab

pytestmark = pytest.mark.twin

ADDRESS = f"127.77.{os.getpid() % 250}.1"  # of the loopback's many: two runs of these tests do not meet
DNS_PORT, SPIRE_PORT = 30000, 30081
WORKLOAD = Workload(name="smiley", service="smiley", addresses=(ip_address(ADDRESS),), port=0)


@dataclass(frozen=True)
class Plan:
    topology: Literal["server", "bundled"] = "server"
    upstream: int = 1
    upstream_days: int = 90
    device_ca: int = 1
    device_ca_days: int = 3650


@dataclass(frozen=True)
class Running:
    """The lab, its inside, and what the program exported."""

    lab: InsideLab
    inside: Inside
    exports: dict[str, Any] = field(repr=False)

    def pids(self) -> dict[str, int | None]:
        return {state.name: state.pid for state in self.inside.status()}

    def words(self) -> str:
        """What the processes said, for a test that fails."""
        logs = sorted((self.lab.cluster.directory / "inside").glob("*/log"))
        return "\n".join(f"{log.parent.name}:\n{log.read_text()[-1500:]}" for log in logs)


def _program(charts: Path) -> dict[str, Any]:
    issued = IssuedTrustArgs(roots=[1], issuing_root=1, issuer=1, root_days=3650, issuer_days=365)
    trust = IssuedTrust("trust", issued).material
    material = spire_material(Plan(), trust, None)
    spire = Spire("spire", SpireArgs(material=material, charts=ChartSource(str(charts)), devices=1))
    own = [f"unix:uid:{os.getuid()}"]
    StaticEntry("smiley-entry", WORKLOAD, pulumi.ResourceOptions(depends_on=[spire]), selectors=own)
    ClusterDns("dns", ClusterDnsArgs(node_port=DNS_PORT))
    Prober("prober", ProberArgs(trust_anchors_pem=trust.anchors_pem, namespaces=["faces"]))
    signing = trust.signing
    assert signing
    return {
        "root": signing.certificate_pem,
        "root_key": signing.key_pem,
        "device_ca": material.device_ca_certificate_pem,
        "device_ca_key": material.device_ca_key_pem,
        "upstream": material.upstream_certificate_pem,
        "upstream_key": material.upstream_key_pem,
    }


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    lab = InsideLab(tmp_path_factory.mktemp("inside") / "twin")
    inside = Inside(lab.cluster.directory, ADDRESS)
    try:
        inside.up()
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "faces"}}
        lab.apply(namespace)
        lab.kubectl("create", "-f", "-", given=_linkerd_definitions(lab))
        recording = lab.bring_up(lambda: _program(lab.charts))
        yield Running(lab, inside, recording.exports)
    finally:
        lab.cluster.down()


def _linkerd_definitions(lab: InsideLab) -> str:
    (chart,) = lab.charts.glob("linkerd-crds-*.tgz")
    command = [locate("helm"), "template", "crds", str(chart), "--namespace", "linkerd"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def _eventually(ask: Callable[[], Any], running: Running, what: str, seconds: float = 60) -> Any:
    limit = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < limit, f"waited {seconds:.0f} s for {what}; the processes said:\n{running.words()}"
        time.sleep(0.1)
    return found


def _listens(port: int) -> bool:
    try:
        socket.create_connection((ADDRESS, port), 1).close()
    except OSError:
        return False
    return True


def test_every_process_that_is_asked_for_runs_on_the_nodes_address_only(running: Running) -> None:
    _eventually(lambda: all(running.pids().values()), running, "all processes")
    for port in (DNS_PORT, SPIRE_PORT):
        _eventually(partial(_listens, port), running, f"port {port}")
    for name, pid in running.pids().items():
        listening = {
            item.laddr.ip for item in psutil.Process(pid).net_connections("inet") if item.status == psutil.CONN_LISTEN
        }
        assert listening <= {ADDRESS}, name


@pytest.mark.parametrize("protocol", ["UDP", "TCP"])
def test_names_of_services_are_answered(running: Running, protocol: str) -> None:
    def ask() -> list[str]:
        try:
            return _resolve("kubernetes.default.svc.cluster.local", protocol)
        except OSError:
            return []

    assert _eventually(ask, running, "an answer") == ["10.43.0.1"]


def _resolve(name: str, protocol: str) -> list[str]:
    """IPv4 addresses of a name, asked for as RFC 1035 says."""
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    question = struct.pack(">6H", 7, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">2H", 1, 1)
    kind = socket.SOCK_DGRAM if protocol == "UDP" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as connection:
        connection.settimeout(2)
        connection.connect((ADDRESS, DNS_PORT))
        length = struct.pack(">H", len(question)) if protocol == "TCP" else b""
        connection.sendall(length + question)
        answer = connection.recv(4096)[len(length) :]
    count = struct.unpack(">H", answer[6:8])[0]
    return [socket.inet_ntoa(answer[-4:])] if count == 1 else []


def _entry_is_there(running: Running) -> bool:
    """Whether the server itself has it, and the controller says that it took it up."""
    entry = running.lab.get("clusterstaticentry", "mesh-expansion-smiley")
    shown = _server(running, "entry", "show")
    return entry.get("status", {}).get("rendered") is True and WORKLOAD.spiffe_id in shown


def _server(running: Running, *words: str) -> str:
    """What SPIRE's server answers its administrator; nothing when it does not."""
    place = running.lab.cluster.directory / "inside" / "spire-server" / "api.sock"
    command = [locate("spire-server"), *words, "-socketPath", str(place)]
    return subprocess.run(command, check=False, capture_output=True, text=True).stdout


def test_the_entry_of_a_workload_reaches_the_server(running: Running) -> None:
    _eventually(lambda: _entry_is_there(running), running, "the entry")


def test_a_device_attests_and_its_process_gets_an_identity_below_the_root(running: Running, tmp_path: Path) -> None:
    _eventually(lambda: _listens(SPIRE_PORT), running, "the server")
    agent = _agent(running, tmp_path)
    try:
        fetch = [locate("spire-agent"), "api", "fetch", "x509", "-socketPath", f"{tmp_path}/a.sock", "-write", "."]

        def fetched() -> bool:
            assert agent.poll() is None, (tmp_path / "log").read_text()
            answer = subprocess.run(fetch, cwd=tmp_path, capture_output=True, text=True, check=False)
            (tmp_path / "answer").write_text(answer.stdout + answer.stderr)
            return answer.returncode == 0

        _eventually(fetched, running, "an identity")
    finally:
        agent.terminate()
        agent.wait(10)
    (tmp_path / "root.pem").write_text(running.exports["root"])
    chain = (tmp_path / "svid.0.pem").read_text()
    (tmp_path / "above.pem").write_text("-----BEGIN".join(["", *chain.split("-----BEGIN")[2:]]))
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-CAfile", "root.pem", "-untrusted", "above.pem", "svid.0.pem"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.returncode == 0, verified.stdout + verified.stderr
    leaf, *above = x509.load_pem_x509_certificates(chain.encode())
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.UniformResourceIdentifier) == [WORKLOAD.spiffe_id]
    assert above[-1].subject == x509.load_pem_x509_certificate(running.exports["upstream"].encode()).subject


def _agent(running: Running, directory: Path) -> "subprocess.Popen[bytes]":
    """An agent on a device of its own, with a certificate of the device authority."""
    authority = Authority(
        x509.load_pem_x509_certificate(running.exports["device_ca"].encode()),
        load_pem_private_key(running.exports["device_ca_key"].encode(), None),  # type: ignore[arg-type]
    )
    device = issuing()(WORKLOAD.name, by=authority, authority=False)
    files = {
        "device.crt": device.pem.encode(),
        "device.key": device.key_pem.encode(),
        "anchors.pem": running.exports["root"].encode(),
        "agent.conf": json.dumps(
            {
                "agent": {
                    "data_dir": str(directory / "data"),
                    "log_level": "DEBUG",
                    "server_address": ADDRESS,
                    "server_port": str(SPIRE_PORT),
                    "socket_path": str(directory / "a.sock"),
                    "trust_bundle_path": str(directory / "anchors.pem"),
                    "trust_domain": TRUST_DOMAIN,
                },
                "plugins": {
                    "KeyManager": [{"memory": {"plugin_data": {}}}],
                    "NodeAttestor": [
                        {
                            "x509pop": {
                                "plugin_data": {
                                    "certificate_path": str(directory / "device.crt"),
                                    "private_key_path": str(directory / "device.key"),
                                }
                            }
                        }
                    ],
                    "WorkloadAttestor": [{"unix": {"plugin_data": {}}}],
                },
            }
        ).encode(),
    }
    for name, content in files.items():
        (directory / name).write_bytes(content)
    with (directory / "log").open("wb") as log:
        return subprocess.Popen(
            [locate("spire-agent"), "run", "-config", str(directory / "agent.conf")], stdout=log, stderr=log
        )


def test_the_prober_writes_what_it_was_answered(running: Running, tmp_path: Path) -> None:
    with _served(running, tmp_path) as port:
        workload = {
            "apiVersion": "workload.linkerd.io/v1beta1",
            "kind": "ExternalWorkload",
            "metadata": {"name": "smiley", "namespace": "faces"},
            "spec": {
                "meshTLS": {"identity": WORKLOAD.spiffe_id, "serverName": WORKLOAD.server_name},
                "workloadIPs": [{"ip": ADDRESS}],
                "ports": [{"port": port, "name": "http"}],
            },
        }
        running.lab.apply(workload)
        ready = _eventually(lambda: _condition(running, "True"), running, "a ready workload")
        assert ready["reason"] == "Answered"
        assert f"{ADDRESS}:{port} answered GET /ready with 200" in ready["message"]
    gone = _eventually(lambda: _condition(running, "False"), running, "a workload that is not ready")
    assert gone["reason"] == "Unreachable"
    assert gone["message"] == f"no connection to {ADDRESS}:{port}: connection refused"


def _condition(running: Running, status: str) -> dict[str, str] | None:
    found = running.lab.get("externalworkload", "smiley", "-n", "faces").get("status", {}).get("conditions", [])
    return next((condition for condition in found if condition["status"] == status), None)


class _served:
    """A workload's proxy: TLS with the workload's identity, 200 inside."""

    def __init__(self, running: Running, directory: Path) -> None:
        root = Authority(
            x509.load_pem_x509_certificate(running.exports["root"].encode()),
            load_pem_private_key(running.exports["root_key"].encode(), None),  # type: ignore[arg-type]
        )
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        name = x509.SubjectAlternativeName([x509.UniformResourceIdentifier(WORKLOAD.spiffe_id)])
        certificate = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(root.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(name, critical=True)
            .sign(root.key, hashes.SHA256())
        )
        file = directory / "proxy.pem"
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        file.write_bytes(key.private_bytes(*form) + certificate.public_bytes(Encoding.PEM))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(file)

    def __enter__(self) -> int:
        self._listener = socket.create_server((ADDRESS, 0))
        threading.Thread(target=self._run, daemon=True).start()
        port: int = self._listener.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _run(self) -> None:
        while True:
            try:
                plain, _ = self._listener.accept()
            except OSError:
                return
            try:
                with self._context.wrap_socket(plain, server_side=True) as connection:
                    connection.recv(4096)
                    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            except OSError:
                continue


def test_a_process_that_dies_is_replaced(running: Running) -> None:
    before = _eventually(lambda: _all(running.pids()), running, "all processes")
    for name, pid in before.items():
        if name != "runner":
            psutil.Process(pid).kill()
    _eventually(lambda: _replaced(before, running.pids()), running, "new processes")
    _eventually(lambda: _listens(SPIRE_PORT), running, "the server")
    _eventually(lambda: _entry_is_there(running), running, "the entry")


def _all(pids: dict[str, int | None]) -> dict[str, int] | None:
    found = {name: pid for name, pid in pids.items() if pid}
    return found if len(found) == len(pids) else None


def _replaced(before: dict[str, int], now: dict[str, int | None]) -> bool:
    return all(pid and (pid != before[name] or name == "runner") for name, pid in now.items())


def test_a_new_configuration_starts_a_process_anew_and_no_other(running: Running) -> None:
    before = _eventually(lambda: _all(running.pids()), running, "all processes")
    config = running.lab.get("configmap", "spire-server", "-n", "spire")
    changed = config["data"]["server.conf"].replace('"log_level": "info"', '"log_level": "warn"')
    assert changed != config["data"]["server.conf"]
    patch = json.dumps({"data": {"server.conf": changed}})
    running.lab.kubectl("patch", "configmap", "spire-server", "-n", "spire", "--type=merge", "-p", patch)
    _eventually(lambda: running.pids()["spire-server"] not in (None, before["spire-server"]), running, "a new server")
    after = running.pids()
    assert {name for name in before if before[name] != after[name]} == {"spire-server"}


def test_no_key_is_readable_by_others_or_on_a_command_line(running: Running) -> None:
    keys = [running.exports[name].strip().splitlines()[1] for name in ("upstream_key", "root_key", "device_ca_key")]
    directory = running.lab.cluster.directory
    assert directory.stat().st_mode & 0o077 == 0
    holding = [path for path in (directory / "inside").rglob("*") if path.is_file() and _holds(path, keys)]
    assert [path.name for path in holding] == ["tls.key"]
    assert {path.stat().st_mode & 0o777 for path in holding} == {0o600}
    for pid in running.pids().values():
        assert "PRIVATE" not in " ".join(psutil.Process(pid).cmdline())


def _holds(path: Path, keys: list[str]) -> bool:
    content = path.read_bytes()
    return any(key.encode() in content for key in keys)


def test_a_second_up_changes_nothing_and_an_up_finds_what_a_killed_runner_left(running: Running) -> None:
    before = _eventually(lambda: _all(running.pids()), running, "all processes")
    running.inside.up()
    assert running.pids() == before
    runner = psutil.Process(before["runner"])
    runner.kill()
    runner.wait(10)
    running.inside.up()
    assert {name: pid for name, pid in running.pids().items() if name != "runner"} == {
        name: pid for name, pid in before.items() if name != "runner"
    }


def test_what_is_no_longer_asked_for_ends(running: Running) -> None:
    running.lab.kubectl("delete", "deployment", "edge-prober", "-n", "mesh-expansion")
    running.lab.kubectl("delete", "service", "mesh-expansion-dns", "-n", "kube-system")
    _eventually(lambda: not (running.pids()["prober"] or running.pids()["dns"]), running, "two processes to end")
    assert running.pids()["spire-server"]


def test_a_lab_that_comes_back_starts_without_the_old_ones_data_and_rights(running: Running) -> None:
    assert running.lab.get("persistentvolumeclaims", "-n", "spire")["items"]
    running.lab.kubectl("delete", "clusterstaticentry", "--all")
    running.lab.kubectl("delete", "namespace", "spire", "--timeout=60s")
    _eventually(lambda: not running.pids()["spire-server"], running, "the server to end")
    exports = running.lab.bring_up(lambda: _program(running.lab.charts)).exports
    assert exports["upstream"] != running.exports["upstream"]
    _eventually(lambda: _entry_is_there(running), running, "the entry")
    assert _certificates(_server(running, "bundle", "show")) == _certificates(exports["root"])


def _certificates(text: str) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text.encode())


def test_down_of_the_cluster_leaves_no_process(running: Running) -> None:
    before = [pid for pid in running.pids().values() if pid]
    assert before
    running.lab.cluster.down()
    assert not any(psutil.pid_exists(pid) and psutil.Process(pid).status() != "zombie" for pid in before)
    assert not running.lab.cluster.directory.exists()
