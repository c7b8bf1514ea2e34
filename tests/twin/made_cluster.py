"""A stack that makes a cluster with k3d or kind and puts one object into it, and what a person would look at."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import yaml

from lab.tools.links import write_launcher
from tests.twin.conftest import Lab, Run

_PROGRAM = '''\
"""A cluster with one object in it."""

import json
from pathlib import Path

import pulumi
import pulumi_kubernetes as k8s

from components.chart import ChartSource
from components.cluster.k3d import K3dCluster, K3dClusterArgs
from components.cluster.kind import KindCluster, KindClusterArgs
from components.metallb import MetalLb, MetalLbArgs
from domain import nodes

given = json.loads(Path("cluster.json").read_text())
kinds = {"k3d": (K3dCluster, K3dClusterArgs), "kind": (KindCluster, KindClusterArgs)}
tool = given.pop("tool")
pools, charts = given.pop("pools", []), ChartSource(given.pop("charts", None))
component, arguments = kinds[tool]
cluster = component("cluster", arguments(**given))
within = pulumi.ResourceOptions(provider=cluster.provider)
k8s.core.v1.ConfigMap("object", metadata={"name": "object", "namespace": "default"}, data={"key": "value"}, opts=within)
if pools:
    load_balancer = MetalLb("metallb", MetalLbArgs(charts=charts, addresses=pools), within)
    gui = k8s.core.v1.Service(
        "gui",
        metadata={"name": "gui", "namespace": "default", "annotations": {"pulumi.com/skipAwait": "true"}},
        spec={"type": "LoadBalancer", "ipFamilyPolicy": "RequireDualStack", "ports": [{"port": 80}]},
        opts=pulumi.ResourceOptions(provider=cluster.provider, depends_on=[load_balancer]),
    )
pulumi.export("routes", cluster.nodes().apply(nodes.routes))
pulumi.export("kubeconfig", cluster.kubeconfig)
'''


class MadeCluster:
    """The stack `made` of a lab's copy. `given` are the arguments of the component."""

    def __init__(self, lab: Lab, tool: str, **given: Any) -> None:
        self._lab = lab
        self.tool = tool
        self.given: dict[str, Any] = {"tool": tool, **given}
        (lab.directory / "__main__.py").write_text(_PROGRAM)
        (lab.directory / "stacks" / "Pulumi.made.yaml").write_text("config: {}\n")
        lab("tools")
        for name in ("k3d", "kind"):
            write_launcher(self.programs / name, name)
        lab.shell("pulumi stack init made 2>&1")

    @property
    def programs(self) -> Path:
        """The stand-ins, whatever else this machine has."""
        directory = self._lab.directory / "standins"
        directory.mkdir(exist_ok=True)
        return directory

    @property
    def name(self) -> str:
        return str(self.given["cluster"])

    @property
    def directory(self) -> Path:
        """Where the stand-ins keep their clusters."""
        return self._lab.home / "clusters"

    def shell(self, command: str, ok: bool = True) -> Run:
        """A command with the stand-ins first on PATH, and with a kubeconfig of the operator's that must not change."""
        operators = self._lab.directory / "operators-kubeconfig"
        if not operators.exists():
            operators.write_text("operator: nobody writes here\n")
        run = self._lab.shell(f'export PATH="{self.programs}:$PATH" KUBECONFIG="{operators}"; {command}', ok)
        assert operators.read_text() == "operator: nobody writes here\n"
        return run

    def pulumi(self, command: str, ok: bool = True, **change: Any) -> Run:
        """`pulumi COMMAND` on the stack, after a change of the arguments."""
        self.given |= change
        (self._lab.directory / "cluster.json").write_text(json.dumps(self.given))
        return self.shell(f"pulumi {command} -s made --non-interactive 2>&1", ok)

    def up(self, ok: bool = True, **change: Any) -> Run:
        return self.pulumi("up --yes --skip-preview", ok, **change)

    def changes(self, **change: Any) -> dict[str, str]:
        """What a preview would change, by name of the resource."""
        steps = json.loads(self.pulumi("preview --json 2>/dev/null; true", **change).text)["steps"]
        return {step["urn"].split("::")[-1]: step["op"] for step in steps if step["op"] not in ("same", "read")}

    def output(self, name: str) -> Any:
        return json.loads(self.pulumi("stack output --json --show-secrets 2>/dev/null; true").text)[name]

    def state(self) -> str:
        """The stack's state as it lies on the disk."""
        return self.pulumi("stack export").text

    def resources(self) -> int:
        """How many resources the stack has."""
        return len(json.loads(self.pulumi("stack export 2>/dev/null; true").text)["deployment"].get("resources", []))

    def kubectl(self, *arguments: str) -> str:
        """In the cluster, by the kubeconfig that the stack gives."""
        file = self._lab.directory / "kubeconfig"
        file.write_text(self.output("kubeconfig"))
        file.chmod(0o600)
        return subprocess.run(
            ["kubectl", "--kubeconfig", str(file), *arguments], capture_output=True, text=True, check=True
        ).stdout

    def clusters(self) -> list[str]:
        """Names, as the tool lists them."""
        command = {"k3d": "k3d cluster list --no-headers | cut -d' ' -f1", "kind": "kind get clusters 2>/dev/null"}
        return self.shell(command[self.tool]).text.split()

    def left(self) -> Mapping[str, list[str]]:
        """Whatever is left of any cluster: processes and files."""
        mark = str(self.directory)
        processes = []
        for process in psutil.process_iter(["cmdline", "pid"]):
            words = process.info["cmdline"] or []
            if process.info["pid"] != os.getpid() and any(mark in word for word in words):
                processes.append(" ".join(words)[:100])
        files = [str(path) for path in self.directory.rglob("*")] if self.directory.exists() else []
        return {key: found for key, found in (("processes", processes), ("files", files)) if found}


def addresses(bridge: str) -> set[str]:
    """What this machine has on a bridge, but for link-local addresses."""
    found = [entry.address.partition("%")[0] for entry in psutil.net_if_addrs().get(bridge, []) if entry.family != 17]
    return {address for address in found if not address.startswith("fe80")}


def server(kubeconfig: str) -> str:
    """Where the API server of a kubeconfig is."""
    return str(yaml.safe_load(kubeconfig)["clusters"][0]["cluster"]["server"])


@contextmanager
def taken_away(made: MadeCluster) -> Iterator[MadeCluster]:
    """However a test ends, no cluster of it stays."""
    try:
        yield made
    finally:
        for name in made.clusters():
            made.shell({"k3d": f"k3d cluster delete {name}", "kind": f"kind delete cluster --name {name}"}[made.tool])
