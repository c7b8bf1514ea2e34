"""An edge container on the lab's engine, by the program's own components, with a SPIRE server beside it."""

import json
import socketserver
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker import DockerClient
from docker.models.containers import Container

from lab import paths
from lab.standins.image import ProgramImage
from lab.twin.devices.base_image import base_image, parts_image
from lab.twin.parts import gather
from tests.conftest import issuing
from tests.plugins.harness import CHECKOUT, Stack

SPIFFE_ID = "spiffe://root.linkerd.cluster.local/smiley"
AGENT_ID = "spiffe://root.linkerd.cluster.local/spire/agent/device/smiley"
PORT = 30081
SERVER = """
server {{
    bind_address = "{address}"
    bind_port = "{port}"
    socket_path = "{directory}/server.sock"
    trust_domain = "root.linkerd.cluster.local"
    data_dir = "{directory}"
    log_level = "INFO"
    ca_ttl = "2h"
    default_x509_svid_ttl = "1h"
}}
plugins {{
    DataStore "sql" {{ plugin_data {{ database_type = "sqlite3" connection_string = "{directory}/server.sqlite3" }} }}
    KeyManager "disk" {{ plugin_data {{ keys_path = "{directory}/keys.json" }} }}
    NodeAttestor "x509pop" {{
        plugin_data {{
            ca_bundle_path = "{directory}/device-ca.crt"
            agent_path_template = "/device/{{{{ .Subject.CommonName }}}}"
        }}
    }}
    UpstreamAuthority "disk" {{
        plugin_data {{
            cert_file_path = "{directory}/upstream.crt"
            key_file_path = "{directory}/upstream.key"
            bundle_file_path = "{directory}/root.crt"
        }}
    }}
}}
"""
PROGRAM = """
import json
import sys
from ipaddress import ip_address
from pathlib import Path

sys.path.insert(0, {checkout!r})
given = json.loads(Path("given.json").read_text())

from components.dns_forwarder import DnsForwarder, DnsForwarderArgs
from components.edge.container import EdgeContainer, EdgeContainerArgs
from components.edge.images import EdgeImages, EdgeImagesArgs
from domain.workloads import Workload

images = EdgeImages("images", EdgeImagesArgs(
    tag=given["run"], base=given["base"], proxy_image=given["parts"], spire=given["parts"],
    workload_images={{"smiley": given["workload_image"]}}, docker_host=given["host"],
))
dns = DnsForwarder("dns", DnsForwarderArgs(
    image=images.dns_forwarder, container_name=given["run"] + "-dns", network=given["run"],
    address=given["dns"], servers=[given["gateway"] + "#30000"],
))
smiley = EdgeContainer("smiley", EdgeContainerArgs(
    workload=Workload(name="smiley", service="smiley", addresses=(ip_address(given["address"]),)),
    namespace="faces", image=images.workloads["smiley"], container_name=given["run"] + "-smiley", network=given["run"],
    dns=[dns.address], spire_server=given["gateway"] + ":{port}", trust_anchors_pem=given["root"],
    device_ca_certificate_pem=given["device_ca"], device_ca_key_pem=pulumi.Output.secret(given["device_ca_key"]),
    certificate_days=30, pod_routes=[("10.42.0.0/24", given["gateway"])], service_network="10.43.0.0/16",
    environment={{"FACES_SERVICE": "smiley"}}, docker_host=given["host"],
))
pulumi.export("hostname", smiley.hostname)
"""


@dataclass
class Bench:
    """One run: its network, its SPIRE server, its stack; `run` is part of every name on the engine."""

    client: DockerClient
    stack: Stack
    run: str
    gateway: str
    address: str
    directory: Path

    def part(self, name: str) -> Path:
        """A program of the twin: the real one where LAB_PARTS has it."""
        return self.directory / "parts" / name

    @property
    def container(self) -> Container:
        return self.client.containers.get(f"{self.run}-smiley")

    def proven(self, restarts: int = 0) -> bool:
        """Whether the container, started that often again, has an identity now."""
        container = self.container
        if container.attrs["RestartCount"] < restarts or container.status != "running":
            return False
        try:
            return bool(container.exec_run(["prove-identity", "0"]).exit_code == 0)
        except Exception as stopped:
            if "is not running" in str(stopped) or "restarting" in str(stopped):
                return False
            raise

    def inside(self, *command: str) -> str:
        """Standard output of a command in the container."""
        output = self.container.exec_run([*command]).output
        assert isinstance(output, bytes), "not asked to stream"
        return output.decode()

    def clear(self) -> None:
        """Whatever a failed test has left, and this run's images, which destroying leaves."""
        for left in self.client.containers.list(all=True, filters={"name": self.run}):
            left.remove(force=True, v=True)
        for volume in self.client.volumes.list(filters={"name": self.run}):
            volume.remove(force=True)
        for tag in [tag for image in self.client.images.list() for tag in image.tags if self.run in tag]:
            self.client.images.remove(tag, force=True)

    def log(self) -> str:
        return self.container.logs().decode()

    def handshake(self, port: int) -> str:
        """What a client on the network sees of the certificate."""
        names = ["-connect", f"{self.address}:{port}", "-servername", "smiley.cluster.local"]
        anchors = ["-CAfile", str(self.directory / "root.crt"), "-verify_return_error"]
        seen = subprocess.run(
            ["openssl", "s_client", *names, *anchors], input="", capture_output=True, text=True, timeout=20, check=False
        )
        assert "Verification: OK" in seen.stdout, seen.stdout + seen.stderr
        shown = ["openssl", "x509", "-noout", "-ext", "subjectAltName"]
        return subprocess.run(shown, input=seen.stdout, capture_output=True, text=True, check=True).stdout


class ClusterDns(socketserver.DatagramRequestHandler):
    """Answers every question for an IPv4 address with 10.43.0.7."""

    def handle(self) -> None:
        asked = self.rfile.read()
        question = asked[12 : asked.index(b"\0", 12) + 5]
        wants_address = question[-4:-2] == b"\0\1"
        answer = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4" + bytes([10, 43, 0, 7])
        head = asked[:2] + b"\x81\x80\0\1\0" + bytes([wants_address]) + b"\0\0\0\0"
        self.wfile.write(head + question + (answer if wants_address else b""))


def until(what: str, seen: Callable[[], Any], seconds: float = 40) -> None:
    limit = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < limit, f"{what}: not within {seconds} s"
        time.sleep(0.1)


def authorities(directory: Path) -> dict[str, str]:
    issue = issuing()
    root = issue("root.linkerd.cluster.local")
    upstream = issue("spire upstream", by=root)
    device_ca = issue("device authority")
    for name, content in {
        "root.crt": root.pem,
        "upstream.crt": upstream.pem,
        "upstream.key": upstream.key_pem,
        "device-ca.crt": device_ca.pem,
    }.items():
        (directory / name).write_text(content)
    return {"root": root.pem, "device_ca": device_ca.pem, "device_ca_key": device_ca.key_pem}


def spire_server(bench: Bench) -> subprocess.Popen[bytes]:
    """A server that runs, answers, and knows the workload."""
    gather(bench.directory / "parts")
    configuration = bench.directory / "server.conf"
    configuration.write_text(SERVER.format(address=bench.gateway, port=PORT, directory=bench.directory))
    with (bench.directory / "log").open("wb") as log:
        server = subprocess.Popen(
            [str(bench.part("spire-server")), "run", "-config", str(configuration)],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    socket = ["-socketPath", str(bench.directory / "server.sock")]

    def answers(*command: str) -> bool:
        assert server.poll() is None, (bench.directory / "log").read_text()
        return (
            subprocess.run(
                [str(bench.part("spire-server")), *command, *socket], capture_output=True, check=False
            ).returncode
            == 0
        )

    until("the SPIRE server is healthy", lambda: answers("healthcheck"))
    entry = ["-parentID", AGENT_ID, "-spiffeID", SPIFFE_ID, "-selector", "unix:uid:2102"]
    assert answers("entry", "create", *entry)
    return server


def declare(bench: Bench, authorities: dict[str, str], host: str) -> None:
    client = bench.client
    program = bench.directory / "workload"  # its name is its path in the image
    program.symlink_to(paths.bin_directory() / "faces-workload")
    image = ProgramImage(reference=f"localhost/{bench.run}/faces:stand-in", program=program)
    client.images.load(image.archive())
    given = {
        **authorities,
        "run": bench.run,
        "host": host,
        "gateway": bench.gateway,
        "address": bench.address,
        "dns": bench.address.replace(".41", ".40"),
        "base": base_image(client),
        "parts": parts_image(client, proxy=bench.part("linkerd2-proxy"), agent=bench.part("spire-agent")),
        "workload_image": image.reference,
    }
    directory = bench.stack.directory
    (directory / "given.json").write_text(json.dumps(given))
    (directory / "assets").symlink_to(CHECKOUT / "assets")
    bench.stack.environment["DOCKER_HOST"] = host
    bench.stack.program(PROGRAM.format(checkout=str(CHECKOUT), port=PORT))
