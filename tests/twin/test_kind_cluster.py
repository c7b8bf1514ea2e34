"""A stack makes a cluster of both address families with kind, with addresses of both for its Services."""

import json
from collections.abc import Callable, Iterator
from ipaddress import ip_address, ip_network

import pytest

from lab import docker as lab_docker
from lab.standins.clusters.bridge import bridge, find
from lab.twin.charts import write_mirror
from lab.twin.devices.client import connected
from tests.twin.conftest import Lab
from tests.twin.made_cluster import MadeCluster, addresses, taken_away

pytestmark = pytest.mark.twin

_POOLS = ["fc00:f853:ccd:e793:10::/96", "192.168.147.160/28"]
_FOREIGN = (
    "echo '{config}' | kind create cluster --name {name} --config - --image none --wait 300s --kubeconfig foreign"
)
_CONFIG = {
    "kind": "Cluster",
    "apiVersion": "kind.x-k8s.io/v1alpha4",
    "networking": {
        "ipFamily": "dual",
        "podSubnet": "10.10.1.0/24,fd00:10:1::/64",
        "serviceSubnet": "10.10.2.0/24,fd00:10:2::/112",
    },
    "nodes": [{"role": "control-plane"}],
}


@pytest.fixture
def made(new_lab: Callable[[], Lab]) -> Iterator[MadeCluster]:
    lab_docker.ensure()
    lab = new_lab()
    mirror = write_mirror(lab.directory / "mirror")
    cluster = MadeCluster(lab, "kind", cluster="dual-test", pools=_POOLS, charts=str(mirror))
    with taken_away(cluster):
        yield cluster


def test_a_cluster_of_both_families_is_made_kept_and_taken_away(made: MadeCluster) -> None:
    made.up()
    routes = made.output("routes")
    assert {*routes} == {"fd00:10:1::/64", "10.10.1.0/24"}
    with connected(lab_docker.ensure().host) as client:
        network = find(client, "kind")
        assert network
        assert {*routes.values()} <= addresses(bridge(network)), "both families find their way to this machine"
    made.kubectl("wait", "service/gui", "--for=jsonpath={.status.loadBalancer.ingress}", "--timeout=30s")
    gui = json.loads(made.kubectl("get", "service", "gui", "-o", "json"))
    assert {ip_address(address).version for address in gui["spec"]["clusterIPs"]} == {4, 6}
    given = [ip_address(entry["ip"]) for entry in gui["status"]["loadBalancer"]["ingress"]]
    assert all(any(address in ip_network(pool) for pool in _POOLS) for address in given)
    assert {address.version for address in given} == {4, 6}
    assert made.changes() == {}, "a second run changes nothing"

    made.shell("kind delete cluster --name dual-test --kubeconfig none")
    made.pulumi("destroy --yes --skip-preview")
    assert made.resources() == 0
    assert made.left() == {}


def test_a_cluster_of_somebody_else_is_refused_or_used_and_never_taken_away(made: MadeCluster) -> None:
    made.shell(_FOREIGN.format(config=json.dumps(_CONFIG), name="dual-test"))
    refused = made.pulumi("preview", ok=False)
    assert refused.status != 0
    assert "`dual-test` is a cluster that this stack did not make" in refused.text
    made.up(adopt=True, pools=[])
    assert {*made.output("routes")} == {"fd00:10:1::/64", "10.10.1.0/24"}
    made.pulumi("destroy --yes --skip-preview")
    assert made.clusters() == ["dual-test"], "who did not make it does not take it away"
