"""A device as tests describe it, and the shell that reads what is sent to one."""

import subprocess
from dataclasses import replace
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

from domain.device import Artefact, Device, Endpoint, Image, Route
from domain.workloads import Workload

ROOT = Path(__file__).parents[2]
SCRIPTS = ROOT / "assets" / "edge" / "device"
NODE = ip_address("192.0.2.10")
SHA256 = "0f" * 32

_DEVICE = Device(
    workload=Workload(name="smiley", service="smiley", addresses=(ip_address("192.0.2.21"),)),
    namespace="faces",
    node_name="pi-1",
    pod_routes=(Route(network=ip_network("10.42.0.0/24"), via=NODE),),
    service_network=ip_network("10.43.0.0/16"),
    service_route=None,
    dns=Endpoint(host="192.0.2.10", port=30000),
    spire=Endpoint(host="192.0.2.10", port=30081),
    trust_anchors_pem="ANCHORS",
    certificate_pem="CERTIFICATE\n",
    artefacts=(
        Artefact(name="linkerd2-proxy", sha256=SHA256),
        Artefact(
            name="spire-agent", sha256=SHA256, source="https://example.com/spire.tar.gz", member="bin/spire-agent"
        ),
    ),
    image=Image(reference="example.com/faces:1", archive_sha256=SHA256),
)


def device(**changes: Any) -> Device:
    """A device that differs from the usual one in what is given."""
    return replace(_DEVICE, **changes)


def sh(script: str, *, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Runs a script with /bin/sh, as a device would; in bytes, since nothing may be lost on the way."""
    done = subprocess.run(["sh", "-c", script], input=stdin.encode(), capture_output=True, timeout=30, check=False)
    return subprocess.CompletedProcess(script, done.returncode, done.stdout.decode(), done.stderr.decode())
