"""Another project, that uses this one's component package on the same cluster."""

import json
from typing import Any

import yaml

from tests.twin.conftest import CHECKOUT, Lab

# What `pulumi package add` generates comes down to this class; the official language host alone can generate it.
_PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s

cluster = k8s.Provider("cluster", kubeconfig={kubeconfig!r})


class Component(pulumi.ComponentResource):
    def __init__(self, kind, name, **inputs):
        options = pulumi.ResourceOptions(providers=[cluster])
        super().__init__(f"mesh-expansion:index:{{kind}}", name, inputs, options, remote=True)


till = {{"name": "till", "addresses": ["198.51.100.77"]}}
Component("Workloads", "shop", namespace="faces", workloads=[till], spiffeIds=None)
Component("Route", "till-route", namespace="faces", service="till", backends={{"till": 80, "smiley2": 20}}, path="/pay")
"""


def previewed(lab: Lab) -> dict[str, dict[str, Any]]:
    """The inputs of every Kubernetes object that the other program would make, by name; the API server has seen them."""
    project = lab.directory / "other"
    project.mkdir()
    runtime = {"name": "python", "options": {"virtualenv": str(lab.directory / ".venv")}}
    plugins = {"providers": [{"name": "mesh-expansion", "path": str(CHECKOUT / "package")}]}
    (project / "Pulumi.yaml").write_text(yaml.safe_dump({"name": "other", "runtime": runtime, "plugins": plugins}))
    (project / "__main__.py").write_text(_PROGRAM.format(kubeconfig=str(lab.home / "twin" / "kubeconfig")))
    run = lab.shell(
        "cd other && pulumi stack init shop >/dev/null && pulumi preview --json -s shop 2>errors || cat errors >&2; "
        "pulumi stack rm --yes shop >/dev/null 2>&1"
    )
    steps = json.JSONDecoder().raw_decode(run.text, run.text.index("{"))[0]["steps"]
    return {
        step["urn"].rsplit("::", 1)[-1]: step["newState"]["inputs"]
        for step in steps
        if step["newState"]["type"].startswith("kubernetes:")
    }
