"""The Docker lab by its stack file alone: k3d's cluster, edge containers beside it, and nothing of either afterwards."""

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab.docker import ensure
from lab.twin.devices.client import connected
from tests.twin.conftest import Lab
from tests.twin.lab_life import LabLife, living, own_name

pytestmark = pytest.mark.twin
_NAME = own_name()


def _own(config: dict[str, Any]) -> None:
    """Names, ports and addresses that no other run has."""
    prefix = f"10.214.{random.randrange(256)}"  # noqa: S311
    ports = random.sample(range(20000, 29999), 2)
    config["cluster"] = {
        "name": _NAME,
        "network": _NAME,
        "subnet": f"{prefix}.0/24",
        "http-port": ports[0],
        "https-port": ports[1],
    }
    config["docker"]["dns-address"] = f"{prefix}.40"
    for number, workload in enumerate(config["workloads"], start=41):
        workload["addresses"] = [f"{prefix}.{number}"]


@pytest.fixture(scope="module")
def life(new_lab: Callable[..., Lab]) -> Iterator[LabLife]:
    # The tests look at the engine too: were it the lab's to start, its log would stay with the lab as long as they do.
    ensure()
    with living(new_lab(), "k3d-twin", _own) as life:
        yield life


def _on_engine() -> list[str]:
    """Names of containers, networks and volumes of this lab."""
    with connected(ensure().host) as client:
        names = [
            *(container.name for container in client.containers.list(all=True)),
            *(network.name for network in client.networks.list()),
            *(volume.name for volume in client.volumes.list()),
        ]
    return [str(name) for name in names if _NAME in str(name)]


def test_a_preview_makes_neither_network_nor_cluster(life: LabLife) -> None:
    shown = life("preview").text
    assert "mesh:cluster:K3dCluster" in shown
    assert _on_engine() == []
    assert not (life.lab.home / "clusters").exists() or not list((life.lab.home / "clusters").iterdir())


def test_up_makes_the_cluster_and_brings_both_containers_into_its_mesh(life: LabLife) -> None:
    life("up")
    assert life.ready("smiley")
    assert life.ready("color")
    services = life.get("services", "-n", "faces")["items"]
    (gui,) = [item for item in services if item["metadata"]["name"] == "faces-gui"]
    assert gui["spec"]["type"] == "LoadBalancer"
    assert life.output("gui").startswith("http://localhost:")
    assert life.shell("k3d cluster list --no-headers").text.split()[0] == _NAME


def test_the_kubeconfig_is_a_secret(life: LabLife) -> None:
    shown = life.shell(f"pulumi stack output -s {life.stack} 2>/dev/null").text
    assert "client-key-data" not in shown
    assert "client-key-data" not in life.shell(f"pulumi stack export -s {life.stack} 2>/dev/null").text
    assert "client-key-data" in life.output("kubeconfig")


def test_a_weight_is_one_resource_then_nothing_changes_and_nothing_has_drifted(life: LabLife) -> None:
    def half(config: dict[str, Any]) -> None:
        config["routes"][0]["backends"] = {"smiley": 50, "smiley2": 50}

    life.configure(half)
    assert life.preview() == {"smiley-route-httproute": "update"}
    assert life.up()["update"] == 1
    assert life.preview() == {}
    life.refresh()


def test_destroy_leaves_nothing(life: LabLife) -> None:
    life("down")
    assert _on_engine() == []
    assert life.left() == []
