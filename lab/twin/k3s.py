"""What a device of the twin needs to act as the machine of a k3s cluster: the stand-in's parts, and its pods on this machine.

The stand-in (lab/standins/k3s) is small enough to be pushed as the real program is. The programs behind it, and certificates
that this machine knows as well, lie in a directory that the device can read.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

from domain.kubeconfig import reached_at
from lab import paths
from lab.twin import nodes, placement, programs
from lab.twin.certificates import Authority
from lab.twin.devices.layout import SHARED
from lab.twin.files import write_private
from lab.twin.layout import Layout, Machine, Shape
from lab.twin.process import Program, locate

STAND_IN = paths.CHECKOUT / "lab" / "standins" / "k3s" / "k3s"
_SERVER = Path("/var/lib/rancher/k3s/server")
_PORTS = {programs.ETCD: 2379, "etcd-peer": 2380, programs.API: 6443}
_BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "kwok")
_VERSION = "@VERSION@"  # the stand-in puts in its own


@dataclass(frozen=True, kw_only=True)
class K3sMachine:
    """The device `name` at `address`. `parts` is the directory of this machine that it reads; `pods_at` is an address of
    this machine, where what stands for pods answers on node ports.
    """

    parts: Path
    name: str
    address: str
    pods_at: str

    def prepare(self) -> None:
        """Write the parts; what is there stays. TwinError when a tool is missing."""
        for name in _BINARIES:
            _link(Path(locate(name)).resolve(), self.parts / "bin" / name)
        layout = self._layout
        authority = programs.write_material(layout, _PORTS)
        for program in programs.programs(layout, _PORTS, authority).values():
            self._program(program)
        for name, text in {
            "address": self.address,
            "name": self.name,
            "pod-network": layout.shape.pod_networks[0],
            "service-network": layout.shape.service_networks[0],
            "pods-at": self.pods_at,
            "node.json": json.dumps(self._node()),
            "placement.json": json.dumps(placement.objects(layout)),
        }.items():
            write_private(self.parts / name, f"{text}\n".encode())

    def point(self, twin: Path) -> None:
        """Let what runs in the place of pods (`Inside` below `twin`) find the cluster, before it is there."""
        source = Authority(self._layout.certificates)
        for name in ("authority", "admin"):
            write_private(twin / "certificates" / f"{name}.pem", source.path(name).read_bytes())
        write_private(twin / "kubeconfig", reached_at(self._layout.kubeconfig.read_text(), self.address).encode())

    @property
    def _layout(self) -> Layout:
        shape = Shape(
            machines=(Machine(name=self.name, addresses=(self.address,)),),
            context="default",
            user="default",
            api_addresses=(self.address,),
        )
        return Layout(directory=self.parts / "server", shape=shape)

    def _node(self) -> dict[str, object]:
        node = nodes.node_object(self._layout.shape.machines[0])
        node["status"]["nodeInfo"]["kubeletVersion"] = _VERSION
        return node

    def _program(self, program: Program) -> None:
        """Its arguments with the paths that it has on the device."""
        directory = self.parts / "programs"
        arguments = []
        for argument in program.arguments:
            flag, _, value = argument.partition("=")
            if flag == "--config":
                source = Path(value)
                write_private(self.parts / "stages" / source.name, source.read_bytes())
                arguments.append(f"{flag}={SHARED}/stages/{source.name}")
            else:
                arguments.append(argument.replace(str(self.parts / "server"), str(_SERVER)))
        lines = {
            "binary": [program.binary],
            "arguments": arguments,
            "environment": [f"{name}={value}" for name, value in sorted(program.environment.items())],
        }
        for kind, words in lines.items():
            write_private(directory / f"{program.name}.{kind}", "".join(f"{word}\n" for word in words).encode())


def _link(source: Path, target: Path) -> None:
    """The same file by another name, or a copy on another file system."""
    if target.exists() and (target.samefile(source) or target.stat().st_size == source.stat().st_size):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError:
        shutil.copy(source, target)
