"""A stack makes a cluster with k3d, keeps it, changes it, and takes away what it made and nothing else."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from docker.models.networks import Network
from docker.types import IPAMConfig, IPAMPool

from lab import docker as lab_docker
from lab.standins.clusters.bridge import bridge
from tests.twin.conftest import Lab
from tests.twin.made_cluster import MadeCluster, addresses, server, taken_away

pytestmark = pytest.mark.twin


@pytest.fixture
def network() -> Iterator[Network]:
    """A Docker network as a lab has it: the engine itself gives addresses out of its first eighth only."""
    client = lab_docker.ensure().client()
    third = secrets.randbelow(200)
    pool = IPAMPool(subnet=f"172.27.{third}.0/24", gateway=f"172.27.{third}.1", iprange=f"172.27.{third}.0/27")
    made = client.networks.create(f"k3d-test-{third}", ipam=IPAMConfig(pool_configs=[pool]), check_duplicate=True)
    made.reload()
    yield made
    made.remove()
    client.close()


@pytest.fixture
def made(new_lab: Callable[[], Lab], network: Network) -> Iterator[MadeCluster]:
    cluster = MadeCluster(new_lab(), "k3d", cluster="mesh-exp", network=network.name, http_port=18080, https_port=18443)
    with taken_away(cluster):
        yield cluster


_FOREIGN = (
    "k3d cluster create {name} --network {network} --api-port 127.0.0.1:random --port {port}:80@loadbalancer "
    "--kubeconfig-update-default=false"
)


def test_a_cluster_is_made_kept_changed_lost_and_taken_away(made: MadeCluster, network: Network) -> None:
    made.up()
    assert made.clusters() == ["mesh-exp"]
    assert made.kubectl("get", "configmap", "object", "-o", "jsonpath={.data.key}") == "value"
    routes = made.output("routes")
    assert list(routes) == ["10.42.0.0/24"]
    assert routes["10.42.0.0/24"] in addresses(bridge(network)), "what is for the pods finds its way to this machine"
    assert made.changes() == {}, "a second run changes nothing"
    kubeconfig = made.output("kubeconfig")
    assert "client-key-data" not in made.state(), "the kubeconfig is encrypted in the state"

    # A node more: the cluster stays, and so does everything in it.
    assert made.changes(agents=1) == {"cluster": "update"}
    made.up()
    assert routes.items() < made.output("routes").items()
    assert made.output("kubeconfig") == kubeconfig

    # Somebody takes the cluster away: the next run makes it anew, with what was in it.
    made.shell("k3d cluster delete mesh-exp")
    made.up()
    assert made.kubectl("get", "configmap", "object", "-o", "jsonpath={.data.key}") == "value"
    assert made.changes() == {}

    made.pulumi("destroy --yes --skip-preview")
    assert made.resources() == 0
    assert made.left() == {}
    assert addresses(bridge(network)) == {network.attrs["IPAM"]["Config"][0]["Gateway"]}


def test_a_cluster_of_somebody_else_is_refused_or_used_and_never_taken_away(
    made: MadeCluster, network: Network
) -> None:
    made.shell(_FOREIGN.format(name="mesh-exp", network=network.name, port=18081))
    before = made.shell("k3d kubeconfig get mesh-exp").text

    refused = made.pulumi("preview", ok=False)
    assert refused.status != 0
    assert "`mesh-exp` is a cluster that this stack did not make" in refused.text
    assert "cluster.adopt: true" in refused.text
    assert "Traceback" not in refused.text
    made.up(adopt=True)
    assert server(made.output("kubeconfig")) in before
    assert made.changes() == {}
    made.pulumi("destroy --yes --skip-preview")
    assert made.clusters() == ["mesh-exp"], "who did not make it does not take it away"
    assert made.shell("k3d kubeconfig get mesh-exp").text == before


def test_a_killed_run_is_made_good_and_marks_keep_clusters_apart(made: MadeCluster, network: Network) -> None:
    environment = (
        f"CLUSTER_NAME=mesh-exp CLUSTER_MARK=0123456789abcdef CLUSTER_MADE=20261121T180000Z CLUSTER_ADOPT=no "
        f"CLUSTER_NETWORK={network.name} CLUSTER_IMAGE=none CLUSTER_SERVERS=1 CLUSTER_AGENTS=0 "
        "CLUSTER_HTTP_PORT=18080 CLUSTER_HTTPS_PORT=18443 CLUSTER_K3S_ARGUMENTS=--disable=traefik@server:* CLUSTER_REGISTRIES="
    )
    create = f"{environment} sh assets/cluster/k3d/create"
    # As soon as it can be seen, the run that makes it is killed with all that it runs.
    made.shell(
        f"{create.replace('sh assets', 'setsid sh assets')} & "
        'while kill -0 "$!" && ! k3d cluster list mesh-exp >/dev/null 2>&1; do :; done; kill -9 -- "-$!"',
        ok=False,
    )
    again = made.shell(create)
    assert "left half made" in again.text
    assert made.clusters() == ["mesh-exp"]
    for agents in ("1", "0"):
        made.shell(
            f"{environment.replace('CLUSTER_AGENTS=0', f'CLUSTER_AGENTS={agents}')} sh assets/cluster/k3d/update"
        )
        assert made.shell("k3d node list --no-headers | grep -c agent; true").text.strip() == agents
    refused = made.shell(create.replace("0123456789abcdef", "another"), ok=False)
    assert refused.status == 1
    assert "that this stack did not make" in refused.text
    made.shell(f"{environment.replace('0123456789abcdef', 'another')} sh assets/cluster/k3d/delete")
    assert made.clusters() == ["mesh-exp"], "the mark of another stack takes nothing away"
    made.shell(f"{environment} sh assets/cluster/k3d/delete")
    assert made.clusters() == []
    assert made.shell(f"{environment} sh assets/cluster/k3d/delete").text == "", "gone is gone"
    assert made.left() == {}
