"""A lab that is nothing but a k3s cluster on one device: a program around the component, and what is seen of the machine."""

import json
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

import versions
from lab.twin.devices import Rig
from lab.twin.k3s import STAND_IN, K3sMachine
from tests.twin.conftest import Lab, Run
from tests.twin.edge import Edge, Snapshot

NAME = "cluster-3"
STACK = "k3s"
_PROJECT = """\
name: mesh-expansion
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
stackConfigDir: stacks
"""
_PROGRAM = '''\
"""A cluster and one object in it, as cluster.json describes them."""

import json
from ipaddress import IPv4Network
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.cluster.k3s import K3sCluster, K3sClusterArgs, pushed_release
from components.edge.connection import Connection
from domain import k3s

given = json.loads(Path("cluster.json").read_text())
artefact = Path(given["artefact"])
release = pushed_release(given["version"], artefact)
if given["sha256"]:
    release = k3s.pushed(given["version"], given["sha256"])
cluster = K3sCluster(
    "cluster",
    K3sClusterArgs(
        connection=Connection(
            host=given["host"],
            port=22,
            user=given["user"],
            host_key=given["host_key"],
            private_key=Path(given["private_key_file"]).read_text(),
        ),
        identifier="k3s",
        release=release,
        artefact=artefact,
        address=given["host"],
        pod_network=IPv4Network("10.42.0.0/16"),
        service_network=IPv4Network("10.43.0.0/16"),
        node_ports=[30000, 30081],
        adopt=given["adopt"],
        gone=given["gone"],
    ),
)
k8s.core.v1.ConfigMap(
    "seen",
    metadata={"name": "seen", "namespace": "default"},
    data={"by": "the program"},
    opts=pulumi.ResourceOptions(provider=cluster.provider),
)
pulumi.export("kubeconfig", cluster.kubeconfig)
pulumi.export(
    "nodes",
    cluster.nodes().apply(
        lambda nodes: [[node.name, str(node.addresses[0]), str(node.pod_cidrs[0])] for node in nodes]
    ),
)
'''


class K3sLab:
    """The copy of the project, the device, and what a person would type; `before` is the machine as it was found."""

    def __init__(self, new_lab: Callable[..., Lab]) -> None:
        self.lab = new_lab()
        self.lab("tools")
        twin = self.lab.home / "twin"
        parts = twin / "k3s"
        self.rig = Rig(twin / "devices", [NAME], shared={NAME: parts})
        self._edge = Edge(self.lab, self.rig)
        parts.mkdir(parents=True)
        described = self.rig.up()
        device = described.devices[NAME]
        self.address = device.address
        self.pods_at = described.node_addresses[0]
        self.machine = K3sMachine(parts=parts, name=NAME, address=device.address, pods_at=self.pods_at)
        self.machine.prepare()
        self.before = self.snapshot()
        directory = self.lab.directory
        (directory / "Pulumi.yaml").write_text(_PROJECT)
        (directory / "__main__.py").write_text(_PROGRAM)
        self._given: dict[str, Any] = {
            "host": device.address,
            "user": "pi",
            "host_key": device.host_key,
            "private_key_file": str(described.client_key),
            "adopt": False,
            "gone": False,
        }
        self.stand_in(versions.K3S)
        self.shell(f"pulumi stack init {STACK}")

    def configure(self, **changes: Any) -> None:
        """Change what the program is given."""
        self._given |= changes
        (self.lab.directory / "cluster.json").write_text(json.dumps(self._given))

    def stand_in(self, version: str) -> None:
        """Let the program install a k3s that says it is of this version."""
        file = self.lab.directory / f"k3s-{version}"
        file.write_text(STAND_IN.read_text().replace(f"version={versions.K3S}\n", f"version={version}\n"))
        self.configure(version=version, artefact=str(file), sha256="")

    def shell(self, command: str, ok: bool = True) -> Run:
        return self.lab.shell(command, ok)

    def pulumi(self, command: str, ok: bool = True) -> Run:
        """`up` or `destroy` to its end."""
        self._kubeconfig.unlink(missing_ok=True)
        return self.shell(f"pulumi {command} --yes --skip-preview -s {STACK}", ok)

    def preview(self) -> dict[str, str]:
        """Which resources a preview would change, by name."""
        steps = json.loads(self.shell(f"pulumi preview --json -s {STACK} 2>/dev/null").text)["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] != "same"}

    def run(self, command: str) -> str:
        """On the machine, as root, without SSH."""
        return self.rig.run(NAME, command)

    def output(self, name: str) -> Any:
        found = self.shell(f"pulumi stack output --json --show-secrets -s {STACK} 2>/dev/null").text
        return json.loads(found)[name]

    def kubectl(self, *arguments: str) -> str:
        """With the kubeconfig that the program gives, as it is."""
        if not self._kubeconfig.exists():
            self._kubeconfig.touch(mode=0o600)
            self._kubeconfig.write_text(self.output("kubeconfig"))
        return self.shell(f"kubectl --kubeconfig {self._kubeconfig} {' '.join(arguments)}").text

    @property
    def _kubeconfig(self) -> Path:
        return self.lab.home / "kubeconfig"

    def snapshot(self) -> tuple[Snapshot, str]:
        """Files, units, rules, routes, users; and what k3s leaves beside them."""
        seen = self.run(
            textwrap.dedent("""
                grep -E ' /(run/k3s|run/netns|var/lib/(rancher|kubelet|cni))' /proc/self/mounts || true
                pgrep -af 'k3s|kube|etcd|kwok|containerd-shim' | grep -v pgrep || true
                ls -d /run/k3s /run/flannel /run/mesh-expansion* /var/log/pods /var/log/containers 2>/dev/null || true
            """)
        )
        return self._edge.snapshot(NAME), seen

    def logins(self) -> int:
        return self._edge.logins(NAME)

    def main_process(self) -> str:
        return self.run("systemctl show --property MainPID --value k3s.service").strip()

    def close(self) -> None:
        self.rig.down()
