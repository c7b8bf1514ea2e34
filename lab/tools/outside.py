"""The tools that bring machines outside the cluster into the mesh."""

import versions
from lab.tools.tool import Download, Module, Source, Tool

_GITHUB = "https://github.com"

# What is built has the plugins that the lab uses: the published one brings the libraries of three clouds along.
COREDNS = Tool(
    name="coredns",
    version=versions.COREDNS,
    what="the cluster's names for machines outside",
    downloads=(
        Download(
            url=_GITHUB + "/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz",
            checksums=_GITHUB
            + "/coredns/coredns/releases/download/v{version}/coredns_{version}_linux_{arch}.tgz.sha256",
            members={"coredns": "coredns"},
        ),
    ),
    module=Module(
        directory="coredns",
        path="github.com/coredns/coredns",
        packages=(".",),
        builds={"coredns": "coredns"},
    ),
    weight=90,
)

_SPIRE_ARCHIVE = "spire-{version}-linux-{arch}-musl"

SPIRE = Tool(
    name="spire",
    version=versions.SPIRE,
    what="identities of machines outside: server and agent",
    downloads=(
        Download(
            url=f"{_GITHUB}/spiffe/spire/releases/download/v{{version}}/{_SPIRE_ARCHIVE}.tar.gz",
            checksums=f"{_GITHUB}/spiffe/spire/releases/download/v{{version}}/{_SPIRE_ARCHIVE}_sha256sum.txt",
            members={f"spire-{{version}}/bin/{name}": name for name in ("spire-server", "spire-agent")},
        ),
    ),
    source=Source(
        directory="spire",
        packages=("./cmd/spire-server", "./cmd/spire-agent"),
        builds={name: name for name in ("spire-server", "spire-agent")},
    ),
    weight=10,
)

# Its publisher offers an image only.
SPIRE_CONTROLLER_MANAGER = Tool(
    name="spire-controller-manager",
    version=versions.SPIRE_CONTROLLER_MANAGER,
    what="SPIRE's entries out of Kubernetes objects",
    source=Source(
        directory="spire",
        packages=("./cmd/spire-controller-manager",),
        builds={"spire-controller-manager": "spire-controller-manager"},
    ),
    weight=2,
)

# The real proxy works with the real controllers only, so it comes with them (LAB_PARTS) and never alone.
PROXY = Tool(
    name="linkerd2-proxy",
    version=versions.LINKERD,
    what="the mesh proxy of a machine outside",
    source=Source(directory="proxy", packages=(".",), builds={"proxy": "linkerd2-proxy"}),
    weight=20,
)

WORKLOAD = Tool(
    name="faces-workload",
    version=versions.FACES_CHART,
    what="the workload of a machine outside",
    source=Source(directory="workload", packages=(".",), builds={"workload": "faces-workload"}),
    weight=20,
)
