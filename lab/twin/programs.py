"""The twin's programs: etcd, the API server, its controllers and kwok, with their flags."""

from collections.abc import Mapping
from pathlib import Path

from lab.twin.certificates import Authority, Party
from lab.twin.kubeconfig import write_kubeconfig
from lab.twin.layout import CLUSTER_DOMAIN, Layout
from lab.twin.process import Program

ETCD, API, CONTROLLERS, KWOK = "etcd", "api", "controllers", "kwok"
PORTS = (ETCD, "etcd-peer", API)
_KWOK_FILES = Path(__file__).parent / "kwok"
_MASTERS = "system:masters"
# What the program's objects need; no volumes (claims only wait, and must be able to leave), no autoscaling, no cloud.
_CONTROLLERS = (
    "namespace-controller",
    "garbage-collector-controller",
    "pod-garbage-collector-controller",
    "persistentvolumeclaim-protection-controller",
    "clusterrole-aggregation-controller",
    "serviceaccount-controller",
    "serviceaccount-token-controller",
    "root-ca-certificate-publisher-controller",
    "node-ipam-controller",
    "node-lifecycle-controller",
    "taint-eviction-controller",
    "ttl-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "deployment-controller",
    "replicaset-controller",
    "daemonset-controller",
    "statefulset-controller",
    "job-controller",
    "cronjob-controller",
    "ttl-after-finished-controller",
    "disruption-controller",
    # Nothing provisions volumes, but a claim that nobody uses must be able to go with its namespace.
    "persistentvolumeclaim-protection-controller",
)


def write_material(layout: Layout, ports: Mapping[str, int]) -> Authority:
    """Certificates, keys and kubeconfigs of everyone; what is there and good stays as it is."""
    authority = Authority(layout.certificates)
    local = ("127.0.0.1",)
    authority.issue(Party(name=ETCD, common_name="etcd", names=("localhost",), addresses=local))
    service = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", f"kubernetes.default.svc.{CLUSTER_DOMAIN}")
    authority.issue(
        Party(
            name=API,
            common_name="kube-apiserver",
            names=("localhost", *service),
            addresses=(*local, *layout.shape.api_service_addresses, *layout.shape.api_addresses),
        )
    )
    authority.issue(Party(name="api-to-etcd", common_name="kube-apiserver-etcd-client"))
    authority.signing_key("service-accounts-key")
    server = f"https://127.0.0.1:{ports[API]}"
    public = authority.certificate.read_bytes()
    for path, party in (
        (layout.kubeconfig, Party(name="admin", common_name="twin-admin", organization=_MASTERS)),
        (
            layout.of(CONTROLLERS) / "kubeconfig",
            Party(name=CONTROLLERS, common_name="system:kube-controller-manager"),
        ),
        # kwok plays kubelet for every node at once, which no built-in role allows.
        (layout.of(KWOK) / "kubeconfig", Party(name=KWOK, common_name="twin-kwok", organization=_MASTERS)),
    ):
        write_kubeconfig(path, server, public, authority.issue(party), layout.shape.context, layout.shape.user)
    return authority


def programs(layout: Layout, ports: Mapping[str, int], authority: Authority) -> dict[str, Program]:
    """Every program by name, in starting order. Memory limits are soft: above them Go collects garbage harder."""
    listed = (
        _etcd(layout, ports, authority),
        _api(layout, ports, authority),
        _controllers(layout, authority),
        _kwok(layout),
    )
    return {program.name: program for program in listed}


def known(layout: Layout) -> list[Program]:
    """The programs as far as they are told apart without ports and certificates: enough to find and stop them."""
    return [
        Program(name=name, binary=binary, arguments=(), mark=_mark(layout, name), directory=layout.of(name))
        for name, binary in (
            (KWOK, "kwok"),
            (CONTROLLERS, "kube-controller-manager"),
            (API, "kube-apiserver"),
            (ETCD, "etcd"),
        )
    ]


def _mark(layout: Layout, name: str) -> str:
    flag, file = {
        ETCD: ("data-dir", "data"),
        API: ("cert-dir", "generated"),
        CONTROLLERS: ("kubeconfig", "kubeconfig"),
        KWOK: ("kubeconfig", "kubeconfig"),
    }[name]
    return f"--{flag}={layout.of(name) / file}"


def _etcd(layout: Layout, ports: Mapping[str, int], authority: Authority) -> Program:
    client, peer = (f"https://127.0.0.1:{ports[name]}" for name in (ETCD, "etcd-peer"))
    own, trusted = authority.path(ETCD), authority.certificate
    return Program(
        name=ETCD,
        binary="etcd",
        mark=_mark(layout, ETCD),
        directory=layout.of(ETCD),
        port=ports[ETCD],
        reads=(own, trusted),
        environment={"GOMEMLIMIT": "160MiB", "GOGC": "50"},
        arguments=(
            _mark(layout, ETCD),
            "--name=twin",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=twin={peer}",
            *(f"--{kind}{flag}" for kind in ("", "peer-") for flag in _tls(own, trusted)),
            # The page cache outlives a killed etcd; only a crash of the machine loses writes, and the twin is rebuilt.
            "--unsafe-no-fsync",
            f"--quota-backend-bytes={256 << 20}",
            "--snapshot-count=5000",
            "--max-snapshots=2",
            "--max-wals=2",
            "--log-level=warn",
        ),
    )


def _tls(own: Path, trusted: Path) -> tuple[str, ...]:
    return (f"cert-file={own}", f"key-file={own}", f"trusted-ca-file={trusted}", "client-cert-auth")


def _api(layout: Layout, ports: Mapping[str, int], authority: Authority) -> Program:
    own, client, tokens = (authority.path(name) for name in (API, "api-to-etcd", "service-accounts-key"))
    return Program(
        name=API,
        binary="kube-apiserver",
        mark=_mark(layout, API),
        directory=layout.of(API),
        port=ports[API],
        reads=(own, client, tokens, authority.certificate),
        environment={"GOMEMLIMIT": "400MiB", "GOGC": "50"},
        arguments=(
            _mark(layout, API),
            f"--bind-address={'0.0.0.0' if layout.shape.api_addresses else '127.0.0.1'}",  # noqa: S104 - where others ask it
            f"--secure-port={ports[API]}",
            # Published as the endpoint of Service `kubernetes`, where a loopback address is refused.
            f"--advertise-address={layout.first_address}",
            "--endpoint-reconciler-type=none",
            f"--tls-cert-file={own}",
            f"--tls-private-key-file={own}",
            f"--client-ca-file={authority.certificate}",
            "--anonymous-auth=false",
            "--authorization-mode=RBAC",
            f"--etcd-servers=https://127.0.0.1:{ports[ETCD]}",
            f"--etcd-cafile={authority.certificate}",
            f"--etcd-certfile={client}",
            f"--etcd-keyfile={client}",
            f"--service-cluster-ip-range={','.join(layout.shape.service_networks)}",
            f"--service-account-issuer=https://kubernetes.default.svc.{CLUSTER_DOMAIN}",
            f"--service-account-signing-key-file={tokens}",
            f"--service-account-key-file={tokens}",
            "--allow-privileged=true",
            # The placement of pods (placement.py) is a policy, which is beta in this version.
            "--feature-gates=MutatingAdmissionPolicy=true",
            "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
            "--profiling=false",
            "--v=0",
        ),
    )


def _controllers(layout: Layout, authority: Authority) -> Program:
    tokens = authority.path("service-accounts-key")
    return Program(
        name=CONTROLLERS,
        binary="kube-controller-manager",
        mark=_mark(layout, CONTROLLERS),
        directory=layout.of(CONTROLLERS),
        reads=(tokens, authority.certificate, layout.of(CONTROLLERS) / "kubeconfig"),
        environment={"GOMEMLIMIT": "120MiB", "GOGC": "50"},
        arguments=(
            _mark(layout, CONTROLLERS),
            "--secure-port=0",
            "--leader-elect=false",
            "--use-service-account-credentials=true",
            f"--service-account-private-key-file={tokens}",
            f"--root-ca-file={authority.certificate}",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={','.join(layout.shape.pod_networks)}",
            f"--service-cluster-ip-range={','.join(layout.shape.service_networks)}",
            f"--controllers={','.join(_CONTROLLERS)}",
            "--profiling=false",
            "--v=0",
        ),
    )


def _kwok(layout: Layout) -> Program:
    stages = ("configuration", "node", "pod", *(("service",) if layout.shape.balances else ()))
    files = tuple(_KWOK_FILES / f"{name}.yaml" for name in stages)
    return Program(
        name=KWOK,
        binary="kwok",
        mark=_mark(layout, KWOK),
        directory=layout.of(KWOK),
        reads=(*files, layout.of(KWOK) / "kubeconfig"),
        environment={"GOMEMLIMIT": "80MiB", "GOGC": "50", "TWIN_NODE_ADDRESS": layout.first_address},
        arguments=(
            _mark(layout, KWOK),
            *(f"--config={file}" for file in files),
            # No leases: kwok can overlook pods that changed before it took a lease over. node.yaml has the heartbeat
            # instead. In the configuration file 0 would mean the default, 40 s.
            "--node-lease-duration-seconds=0",
            "--v=WARN",
        ),
    )
