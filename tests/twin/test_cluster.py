"""The twin's cluster by itself: it comes up, is found again, heals, and leaves nothing."""

import base64
import json
import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network, ip_address, ip_network
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from lab import paths
from lab.twin.charts import write_mirror
from lab.twin.cluster import Cluster
from lab.twin.process import locate

pytestmark = pytest.mark.twin

_CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data"},
    "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}},
}
_NAMES = ["etcd", "api", "controllers", "kwok"]


class Twin:
    """A cluster of the tests' own, and a client that validates strictly."""

    def __init__(self, directory: Path, nodes: int = 1) -> None:
        self.cluster = Cluster(directory, nodes=nodes)

    def kubectl(self, *arguments: str, given: str | None = None, ok: bool = True) -> str:
        run = subprocess.run(
            [locate("kubectl"), "--kubeconfig", str(self.cluster.kubeconfig), *arguments],
            input=given,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert not ok or run.returncode == 0, run.stderr
        return run.stdout if ok else run.stdout + run.stderr

    def get(self, *arguments: str) -> Any:
        return json.loads(self.kubectl("get", *arguments, "-o", "json"))

    def helm(self, *arguments: str, ok: bool = True) -> str:
        run = subprocess.run(
            [locate("helm"), "--kubeconfig", str(self.cluster.kubeconfig), *arguments],
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            env={**os.environ, "HELM_CACHE_HOME": str(self.cluster.directory / "helm")},
        )
        assert not ok or run.returncode == 0, run.stderr
        return run.stdout + run.stderr

    def pids(self) -> dict[str, int | None]:
        return {state.name: state.pid for state in self.cluster.status()}


def _deployment(name: str, replicas: int = 1) -> str:
    labels = {"app": name}
    container = {"name": "main", "image": "example.invalid/none"}
    return json.dumps(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": replicas,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
    )


def _eventually(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, f"waited {seconds} s for {what}"
        time.sleep(0.1)


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Twin]:
    twin = Twin(tmp_path_factory.mktemp("shared") / "twin", nodes=2)
    twin.cluster.up()
    yield twin
    twin.cluster.down()


@pytest.fixture
def own(tmp_path: Path) -> Iterator[Twin]:
    twin = Twin(tmp_path / "twin")
    yield twin
    twin.cluster.down()


def test_a_second_up_changes_nothing(twin: Twin) -> None:
    before, kubeconfig = twin.pids(), twin.cluster.kubeconfig.read_bytes()
    assert list(before) == _NAMES
    assert all(before.values())
    assert twin.cluster.up() == twin.cluster.kubeconfig
    assert twin.pids() == before
    assert twin.cluster.kubeconfig.read_bytes() == kubeconfig


def test_only_the_loopback_is_listened_on(twin: Twin) -> None:
    for name, pid in twin.pids().items():
        listening = [item.laddr for item in psutil.Process(pid).net_connections() if item.status == psutil.CONN_LISTEN]
        assert {address.ip for address in listening} == ({"127.0.0.1"} if name in ("etcd", "api") else set()), name


def test_the_status_names_ports_and_memory(twin: Twin) -> None:
    for state in twin.cluster.status():
        assert (state.state, bool(state.port)) == ("running", state.name in ("etcd", "api"))
    assert 0 < sum(state.memory for state in twin.cluster.status()) < 1 << 30


def test_no_secret_stands_on_a_command_line_or_is_readable_by_others(twin: Twin) -> None:
    for pid in twin.pids().values():
        assert "PRIVATE" not in " ".join(psutil.Process(pid).cmdline())
    assert twin.cluster.directory.stat().st_mode & 0o077 == 0
    secret = [path for path in twin.cluster.directory.rglob("*") if path.name == "kubeconfig" or path.suffix == ".pem"]
    assert len(secret) >= 9
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}


def test_nobody_gets_in_without_a_certificate(twin: Twin) -> None:
    server = yaml.safe_load(twin.cluster.kubeconfig.read_text())["clusters"][0]["cluster"]["server"]
    trusted = ssl.create_default_context(cafile=str(twin.cluster.directory / "certificates" / "authority.pem"))
    for path in ("/readyz", "/version", "/api/v1/secrets"):
        assert httpx.get(server + path, verify=trusted, trust_env=False).status_code == httpx.codes.UNAUTHORIZED
    etcd = next(state.port for state in twin.cluster.status() if state.name == "etcd")
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"https://127.0.0.1:{etcd}/health", verify=trusted, trust_env=False)


def test_nodes_have_addresses_and_pod_ranges_of_their_own(twin: Twin) -> None:
    nodes = twin.get("nodes")["items"]
    assert [node["metadata"]["name"] for node in nodes] == ["twin-0", "twin-1"]
    ranges = [IPv4Network(node["spec"]["podCIDR"]) for node in nodes]
    assert len(set(ranges)) == 2
    assert all(found.subnet_of(IPv4Network("10.42.0.0/16")) for found in ranges)
    addresses = [
        item["address"] for node in nodes for item in node["status"]["addresses"] if item["type"] == "InternalIP"
    ]
    assert addresses == ["192.0.2.10", "192.0.2.11"]


def test_a_deployment_becomes_ready_and_its_pods_have_addresses_of_their_node(twin: Twin) -> None:
    twin.kubectl("create", "namespace", "ready")
    twin.kubectl("apply", "-n", "ready", "-f", "-", given=_deployment("face", replicas=3))
    twin.kubectl("rollout", "status", "-n", "ready", "deployment/face", "--timeout=60s")
    ranges = {node["metadata"]["name"]: ip_network(node["spec"]["podCIDR"]) for node in twin.get("nodes")["items"]}
    pods = twin.get("pods", "-n", "ready")["items"]
    assert len({pod["status"]["podIP"] for pod in pods}) == 3
    assert all(ip_address(pod["status"]["podIP"]) in ranges[pod["spec"]["nodeName"]] for pod in pods)


def test_pods_that_were_given_up_with_their_node_are_ready_again_at_their_address(twin: Twin) -> None:
    twin.kubectl("create", "namespace", "lost")
    twin.kubectl("apply", "-n", "lost", "-f", "-", given=_deployment("face", replicas=3))
    twin.kubectl("rollout", "status", "-n", "lost", "deployment/face", "--timeout=60s")
    os.kill(twin.pids()["kwok"] or 0, signal.SIGKILL)
    addresses = {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in twin.get("pods", "-n", "lost")["items"]}
    given_up = {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}  # as the node controller does it
    for name in addresses:
        twin.kubectl("patch", "pod", name, "-n", "lost", "--subresource=status", "-p", json.dumps(given_up))
    twin.cluster.up()
    twin.kubectl("rollout", "status", "-n", "lost", "deployment/face", "--timeout=60s")
    pods = twin.get("pods", "-n", "lost")["items"]
    assert {pod["metadata"]["name"]: pod["status"]["podIP"] for pod in pods} == addresses


def test_a_daemon_set_runs_on_every_node_and_a_job_completes(twin: Twin) -> None:
    twin.kubectl("create", "namespace", "kinds")
    pod = {"containers": [{"name": "main", "image": "example.invalid/none"}]}
    labels = {"app": "every"}
    every = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "every"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }
    once = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "once"},
        "spec": {"template": {"spec": {**pod, "restartPolicy": "Never"}}},
    }
    for manifest in (every, once):
        twin.kubectl("apply", "-n", "kinds", "-f", "-", given=json.dumps(manifest))
    twin.kubectl("rollout", "status", "-n", "kinds", "daemonset/every", "--timeout=60s")
    pods = twin.get("pods", "-n", "kinds", "-l", "app=every")["items"]
    assert sorted(item["spec"]["nodeName"] for item in pods) == ["twin-0", "twin-1"]
    twin.kubectl("wait", "-n", "kinds", "job/once", "--for=condition=Complete", "--timeout=60s")


def test_services_get_addresses_from_the_service_range_and_load_balancers_one_from_outside(twin: Twin) -> None:
    twin.kubectl("create", "namespace", "services")
    twin.kubectl("create", "service", "loadbalancer", "gui", "-n", "services", "--tcp=80:8000")
    assert ip_address(twin.get("service", "gui", "-n", "services")["spec"]["clusterIP"]) in ip_network("10.43.0.0/16")

    def address() -> Any:
        return twin.get("service", "gui", "-n", "services")["status"]["loadBalancer"].get("ingress", [{}])[0].get("ip")

    _eventually(lambda: address() == "192.0.2.10", "the load balancer's address")


def test_a_namespace_with_pods_and_claims_can_be_deleted(twin: Twin) -> None:
    twin.kubectl("create", "namespace", "passing")
    twin.kubectl("apply", "-n", "passing", "-f", "-", given=_deployment("face"))
    twin.kubectl("apply", "-n", "passing", "-f", "-", given=json.dumps(_CLAIM))
    twin.kubectl("rollout", "status", "-n", "passing", "deployment/face", "--timeout=60s")
    twin.kubectl("delete", "namespace", "passing", "--timeout=60s")
    assert "NotFound" in twin.kubectl("get", "namespace", "passing", ok=False)


def test_the_charts_install_and_refuse_unknown_values(twin: Twin) -> None:
    mirror = write_mirror(twin.cluster.directory / "charts")
    charts = {path.name.rsplit("-", 1)[0]: str(path) for path in sorted(mirror.glob("*.tgz"))}
    values = twin.cluster.directory / "values.yaml"
    tls = {"crtPEM": "certificate", "keyPEM": "very private"}
    values.write_text(yaml.safe_dump({"identityTrustAnchorsPEM": "anchors", "identity": {"issuer": {"tls": tls}}}))
    twin.helm("install", "crds", charts["linkerd-crds"], "-n", "linkerd", "--create-namespace", "--wait")
    refused = twin.helm("install", "plane", charts["linkerd-control-plane"], "-n", "linkerd", ok=False)
    assert "Please provide the identity issuer certificate" in refused
    plane = ("install", "plane", charts["linkerd-control-plane"], "-n", "linkerd", "-f", str(values))
    assert "additional properties 'prxy' not allowed" in twin.helm(*plane, "--set", "prxy.uid=1", ok=False)
    twin.helm(*plane, "--wait", "--timeout=60s")
    assert {item["metadata"]["name"] for item in twin.get("deployments", "-n", "linkerd")["items"]} == {
        "linkerd-identity",
        "linkerd-destination",
        "linkerd-proxy-injector",
    }
    assert sorted(twin.get("secret", "linkerd-identity-issuer", "-n", "linkerd")["data"]) == ["crt.pem", "key.pem"]
    config = twin.get("configmap", "linkerd-config", "-n", "linkerd")["data"]["values"]
    assert "certificate" in config
    assert "very private" not in config
    for file in sorted(mirror.glob("faces-chart-*.tgz")):
        twin.helm("install", "faces", str(file), "-n", "faces", "--create-namespace", "--wait", "--timeout=60s")
        assert {item["metadata"]["name"] for item in twin.get("services", "-n", "faces")["items"]} == {
            "face",
            "faces-gui",
            "smiley",
            "color",
        }
        twin.helm("uninstall", "faces", "-n", "faces", "--wait")


def test_an_external_workload_is_validated_strictly_and_its_status_is_a_subresource(twin: Twin) -> None:
    mirror = write_mirror(twin.cluster.directory / "charts")
    chart = str(next(mirror.glob("linkerd-crds-*.tgz")))
    twin.helm("upgrade", "--install", "crds", chart, "-n", "linkerd", "--create-namespace")
    workload: dict[str, Any] = {
        "apiVersion": "workload.linkerd.io/v1beta1",
        "kind": "ExternalWorkload",
        "metadata": {"name": "smiley"},
        "spec": {
            "meshTLS": {"identity": "spiffe://root.linkerd.cluster.local/smiley", "serverName": "smiley.cluster.local"},
            "workloadIPs": [{"ip": "192.168.1.20"}],
            "ports": [{"port": 8000, "name": "http"}],
        },
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
    strict = ("apply", "--validate=strict", "-f", "-")
    twin.kubectl(*strict, given=json.dumps(workload))
    assert "status" not in twin.get("externalworkload", "smiley")
    workload["spec"]["port"] = 8000
    assert 'unknown field "spec.port"' in twin.kubectl(*strict, given=json.dumps(workload), ok=False)


@pytest.mark.parametrize("victim", [*_NAMES, "all"])
def test_a_killed_process_is_replaced_and_nothing_is_lost(twin: Twin, victim: str) -> None:
    twin.kubectl("create", "configmap", f"kept-{victim}", "--from-literal=key=value")
    before, kubeconfig = twin.pids(), twin.cluster.kubeconfig.read_bytes()
    victims = _NAMES if victim == "all" else [victim]
    for name in victims:
        os.kill(before[name] or 0, signal.SIGKILL)
    if victim == "kwok":  # made while nobody looks after pods
        twin.kubectl("apply", "-f", "-", given=_deployment("meanwhile"))
    twin.cluster.up()
    if victim == "kwok":
        twin.kubectl("rollout", "status", "deployment/meanwhile", "--timeout=60s")
    after = twin.pids()
    # An API server that has lost its store would wait up to two minutes before it dials the new one.
    replaced = {*victims, "api"} if "etcd" in victims else set(victims)
    assert {name for name in _NAMES if after[name] != before[name]} == replaced
    assert all(after.values())
    assert twin.cluster.kubeconfig.read_bytes() == kubeconfig
    assert twin.get("configmap", f"kept-{victim}")["data"] == {"key": "value"}
    twin.kubectl("apply", "-f", "-", given=_deployment(f"after-{victim}"))
    twin.kubectl("rollout", "status", f"deployment/after-{victim}", "--timeout=60s")


def test_a_definition_that_a_killed_api_server_left_half_made_is_served_by_the_next(twin: Twin) -> None:
    names = {"plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList"}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "gadgets.example.com"},
        "spec": {"group": "example.com", "names": names, "scope": "Cluster", "versions": [version]},
    }
    twin.kubectl("apply", "-f", "-", given=json.dumps(definition))
    twin.kubectl("wait", "crd/gadgets.example.com", "--for=condition=Established", "--timeout=30s")
    os.kill(twin.pids()["api"] or 0, signal.SIGKILL)
    # What a kill between "the names are accepted" and "it is established" leaves in the store.
    _rewrite(twin, "/registry/apiextensions.k8s.io/customresourcedefinitions/gadgets.example.com", _not_established)
    twin.cluster.up()
    gadget = {"apiVersion": "example.com/v1", "kind": "Gadget", "metadata": {"name": "first"}}
    _eventually(
        lambda: "created" in twin.kubectl("apply", "-f", "-", given=json.dumps(gadget), ok=False), "the kind Gadget", 20
    )


def _not_established(definition: dict[str, Any]) -> dict[str, Any]:
    kept = [item for item in definition["status"]["conditions"] if item["type"] == "NamesAccepted"]
    return {**definition, "status": {**definition["status"], "conditions": kept}}


def _rewrite(twin: Twin, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Change an object in the store itself, through etcd's JSON interface."""
    certificates = twin.cluster.directory / "certificates"
    trusted = ssl.create_default_context(cafile=str(certificates / "authority.pem"))
    trusted.load_cert_chain(certificates / "api-to-etcd.pem")
    port = next(state.port for state in twin.cluster.status() if state.name == "etcd")
    place = base64.b64encode(key.encode()).decode()
    with httpx.Client(base_url=f"https://127.0.0.1:{port}/v3/kv", verify=trusted, trust_env=False) as store:
        found = store.post("/range", json={"key": place}).raise_for_status().json()["kvs"][0]["value"]
        value = json.dumps(change(json.loads(base64.b64decode(found)))).encode()
        put = {"key": place, "value": base64.b64encode(value).decode()}
        store.post("/put", json=put).raise_for_status()


@pytest.mark.parametrize("seconds", [0.4, 1.0, 2.0, 4.0, 6.0])
def test_an_up_that_was_killed_is_finished_by_the_next(own: Twin, seconds: float) -> None:
    first = _up_elsewhere(own)
    time.sleep(seconds)
    first.kill()
    first.wait()
    own.cluster.up()
    own.kubectl("apply", "-f", "-", given=_deployment("face"))
    own.kubectl("rollout", "status", "deployment/face", "--timeout=60s")
    assert len(_processes(own.cluster.directory)) == len(_NAMES)


def test_two_ups_that_meet_make_one_cluster(own: Twin) -> None:
    both = [_up_elsewhere(own) for _ in range(2)]
    assert [run.wait(timeout=180) for run in both] == [0, 0]
    assert len(_processes(own.cluster.directory)) == len(_NAMES)


def test_down_leaves_no_process_and_no_file_and_a_new_up_works(own: Twin) -> None:
    own.cluster.up()
    write_mirror(own.cluster.directory / "charts")
    assert len(_processes(own.cluster.directory)) == len(_NAMES)
    for pid_file in own.cluster.directory.glob("*/pid"):
        pid_file.unlink()
    own.cluster.down()
    assert _processes(own.cluster.directory) == []
    assert list(own.cluster.directory.parent.iterdir()) == []
    assert {state.state for state in own.cluster.status()} == {"stopped"}


def _up_elsewhere(twin: Twin) -> subprocess.Popen[bytes]:
    """An `up` of the same twin in a process of its own."""
    place = str(twin.cluster.directory)
    program = f"from pathlib import Path; from lab.twin.cluster import Cluster; Cluster(Path({place!r})).up()"
    return subprocess.Popen([sys.executable, "-c", program], cwd=paths.CHECKOUT, start_new_session=True)


def _processes(directory: Path) -> list[str]:
    found = []
    for process in psutil.process_iter(["cmdline", "name"]):
        words = process.info["cmdline"] or []
        if any(f"={directory}/" in word for word in words) and process.status() != psutil.STATUS_ZOMBIE:
            found.append(process.info["name"])
    return found
