"""What the components declare, put into a twin's cluster without an engine: Kubernetes objects and Helm releases."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from lab.twin.charts import write_mirror
from lab.twin.cluster import Cluster
from lab.twin.process import locate
from tests.components.conftest import Recording, Registered, recorder

_RELEASE = "kubernetes:helm.sh/v3:Release"


class InsideLab:
    """A cluster, and the program that was put into it."""

    def __init__(self, directory: Path) -> None:
        self.cluster = Cluster(directory)
        self.cluster.up()
        self.charts = write_mirror(directory / "charts")

    def kubectl(self, *arguments: str, given: str | None = None) -> str:
        return self._run(locate("kubectl"), "--kubeconfig", str(self.cluster.kubeconfig), *arguments, given=given)

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def apply(self, *manifests: dict[str, Any]) -> None:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})
        self.kubectl("apply", "--validate=strict", "-f", "-", given=text)

    def bring_up(self, program: Callable[[], dict[str, Any]]) -> Recording:
        """Run the program against a recording engine and put into the cluster what it declared, in that order."""
        with recorder() as declare:
            recording = declare(program)
        for resource in recording.resources.values():
            if resource.type == _RELEASE:
                self.release(resource)
            elif resource.type.startswith("kubernetes:"):
                self.apply(resource.inputs)
        return recording

    def release(self, resource: Registered) -> None:
        """Install a chart of the mirror as the engine's plugin would."""
        values = json.loads(json.dumps(resource.inputs.get("values", {})))
        self._run(
            locate("helm"),
            "--kubeconfig",
            str(self.cluster.kubeconfig),
            "upgrade",
            "--install",
            resource.inputs["name"],
            resource.inputs["chart"],
            "--namespace",
            resource.inputs["namespace"],
            "--values=-",
            "--wait",
            given=yaml.safe_dump(values),
        )

    def _run(self, *words: str, given: str | None = None) -> str:
        environment = {**os.environ, "HELM_CACHE_HOME": str(self.cluster.directory / "helm")}
        run = subprocess.run(
            words, input=given, capture_output=True, text=True, check=False, timeout=180, env=environment
        )
        assert run.returncode == 0, run.stderr
        return run.stdout
