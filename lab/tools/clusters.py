"""The tools that make clusters in Docker. An operator's own is taken before any other."""

import versions
from lab.tools.tool import Download, Tool

_GITHUB = "https://github.com"

K3D = Tool(
    name="k3d",
    version=versions.K3D,
    what="k3s in containers of Docker",
    downloads=(
        Download(
            url=_GITHUB + "/k3d-io/k3d/releases/download/v{version}/k3d-linux-{arch}",
            checksums=_GITHUB + "/k3d-io/k3d/releases/download/v{version}/checksums.txt",
            keep_as="k3d",
        ),
    ),
    standins={"k3d": "k3d"},
    on_path="k3d",
)

KIND = Tool(
    name="kind",
    version=versions.KIND,
    what="Kubernetes in containers of Docker, in both address families",
    downloads=(
        Download(
            url=_GITHUB + "/kubernetes-sigs/kind/releases/download/v{version}/kind-linux-{arch}",
            checksums=_GITHUB + "/kubernetes-sigs/kind/releases/download/v{version}/kind-linux-{arch}.sha256sum",
            keep_as="kind",
        ),
    ),
    standins={"kind": "kind"},
    on_path="kind",
)
