"""SPIRE's server and agent with the proxy, as processes on loopback: an edge without a machine of its own."""

import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lab import paths

DOMAIN = "root.linkerd.cluster.local"
IDENTITY = f"spiffe://{DOMAIN}/smiley"
PARENT = f"spiffe://{DOMAIN}/spire/agent/device/smiley"
NAME = "smiley.cluster.local"
SECONDS = 30
_Found = TypeVar("_Found")

SERVER = """
server {{
  bind_address = "127.0.0.1"
  bind_port = {port}
  socket_path = "{home}/server.sock"
  trust_domain = "{domain}"
  data_dir = "{home}/server"
  default_x509_svid_ttl = "6s"
}}
plugins {{
  DataStore "sql" {{ plugin_data {{ database_type = "sqlite3" connection_string = "{home}/server/datastore.sqlite3" }} }}
  KeyManager "disk" {{ plugin_data {{ keys_path = "{home}/server/keys.json" }} }}
  NodeAttestor "x509pop" {{ plugin_data {{
    ca_bundle_path = "{home}/devices.crt" agent_path_template = "/device/{{{{ .Subject.CommonName }}}}"
  }} }}
  UpstreamAuthority "disk" {{ plugin_data {{
    cert_file_path = "{home}/upstream.crt" key_file_path = "{home}/upstream.key" bundle_file_path = "{home}/root.crt"
  }} }}
}}
"""
AGENT = """
agent {{
  data_dir = "{home}/agent"
  server_address = "127.0.0.1"
  server_port = {port}
  socket_path = "{home}/agent.sock"
  trust_bundle_path = "{home}/root.crt"
  trust_domain = "{domain}"
  experimental {{ sync_interval = "1s" }}
}}
plugins {{
  NodeAttestor "x509pop" {{ plugin_data {{ private_key_path = "{home}/device.key" certificate_path = "{home}/device.crt" }} }}
  KeyManager "disk" {{ plugin_data {{ directory = "{home}/agent" }} }}
  WorkloadAttestor "unix" {{ plugin_data {{ discover_workload_path = true }} }}
}}
"""


class Edge:
    """A directory with certificates and settings, and the programs that run there."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.inbound, self.admin, server, outbound = _free_ports(4)
        self._running: list[subprocess.Popen[bytes]] = []
        root = _certificate(home, "root", None, ca=True)
        _certificate(home, "upstream", root, ca=True)
        devices = _certificate(home, "devices", None, ca=True)
        _certificate(home, "device", devices, common_name="smiley")
        for name, text in (("server.conf", SERVER), ("agent.conf", AGENT)):
            (home / name).write_text(text.format(home=home, port=server, domain=DOMAIN))
        for name in ("server", "agent"):
            (home / name).mkdir()
        self.proxy_environment = {
            "IDENTITY_TRUST_ANCHORS": (home / "root.crt").read_text(),
            "IDENTITY_SERVER_ID": IDENTITY,
            "IDENTITY_SERVER_NAME": NAME,
            "IDENTITY_SPIRE_WORKLOAD_API_ADDRESS": f"unix://{home}/agent.sock",
            "DESTINATION_SVC_ADDR": "127.0.0.1:1",
            "POLICY_SVC_ADDR": "127.0.0.1:1",
            "POLICY_WORKLOAD": '{"ns":"faces","external_workload":"smiley"}',
            "INBOUND_DEFAULT_POLICY": "deny",
            "INBOUND_LISTEN_ADDR": f"127.0.0.1:{self.inbound}",
            "OUTBOUND_LISTEN_ADDR": f"127.0.0.1:{outbound}",
            "ADMIN_LISTEN_ADDR": f"127.0.0.1:{self.admin}",
        }

    def start(self, name: str, *arguments: str, environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """A program of the lab, its log beside it."""
        with (self.home / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [_program(name), *arguments],
                env={"PATH": os.defpath, **(environment or {})},
                stdout=log,
                stderr=log,
                cwd=self.home,
            )
        self._running.append(process)
        return process

    def start_server(self) -> subprocess.Popen[bytes]:
        """The server, once it answers."""
        process = self.start("spire-server", "run", "-config", "server.conf")
        self.until("spire-server answers", lambda: self._healthy("spire-server", "server.sock"))
        return process

    def start_agent(self) -> subprocess.Popen[bytes]:
        """The agent, once it has attested."""
        process = self.start("spire-agent", "run", "-config", "agent.conf")
        self.until("spire-agent is healthy", lambda: self._healthy("spire-agent", "agent.sock"))
        return process

    def start_proxy(self) -> subprocess.Popen[bytes]:
        """The proxy; nothing is waited for."""
        environment = {f"LINKERD2_PROXY_{name}": value for name, value in self.proxy_environment.items()}
        return self.start("linkerd2-proxy", environment=environment)

    def register(self, uid: int) -> None:
        """An entry for the proxy that runs as `uid`."""
        program = Path(_program("linkerd2-proxy")).resolve()
        selectors = [f"-selector=unix:uid:{uid}", f"-selector=unix:path:{program}"]
        arguments = ["-socketPath", "server.sock", "-parentID", PARENT, "-spiffeID", IDENTITY, *selectors]
        subprocess.run(
            [_program("spire-server"), "entry", "create", *arguments],
            cwd=self.home,
            check=True,
            capture_output=True,
            timeout=SECONDS,
        )

    def shown(self) -> x509.Certificate | None:
        """What the proxy shows on its inbound port, verified against the root; None when it shows nothing."""
        context = ssl.create_default_context(cafile=str(self.home / "root.crt"))
        context.check_hostname = False
        try:
            with (
                socket.create_connection(("127.0.0.1", self.inbound), timeout=5) as plain,
                context.wrap_socket(plain, server_hostname=NAME) as secure,
            ):
                leaf = secure.getpeercert(binary_form=True)
                return x509.load_der_x509_certificate(leaf) if leaf else None
        except ssl.SSLCertVerificationError:
            raise
        except OSError:
            return None

    def log(self, name: str) -> str:
        """What a program said."""
        return (self.home / f"{name}.log").read_text()

    def until(self, what: str, look: Callable[[], _Found | None]) -> _Found:
        """Wait for something that `look` finds."""
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            if found := look():
                return found
            time.sleep(0.05)
        logs = "\n".join(f"{file.name}:\n{file.read_text()}" for file in sorted(self.home.glob("*.log")))
        raise AssertionError(f"not within {SECONDS} s: {what}\n{logs}")

    def close(self) -> None:
        for process in self._running:
            process.kill()
            process.wait()

    def _healthy(self, program: str, at: str) -> bool:
        command = [_program(program), "healthcheck", "-socketPath", at]
        return subprocess.run(command, cwd=self.home, check=False, capture_output=True, timeout=SECONDS).returncode == 0


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{paths.bin_directory()}{os.pathsep}{os.environ['PATH']}")
    assert found, f"{name} is not there; run `make tools`"
    return found


def _free_ports(count: int) -> list[int]:
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


Pair = tuple[ec.EllipticCurvePrivateKey, x509.Certificate]


def _certificate(home: Path, name: str, parent: Pair | None, *, ca: bool = False, common_name: str = "") -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name or name)])
    now = datetime.now(UTC)
    usage = x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(parent[1].subject if parent else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.BasicConstraints(ca, None), critical=True)
        .add_extension(usage, critical=True)
        .sign(parent[0] if parent else key, hashes.SHA256())
    )
    (home / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (home / f"{name}.key").write_bytes(key.private_bytes(*form))
    return key, certificate
