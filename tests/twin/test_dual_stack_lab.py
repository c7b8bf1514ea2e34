"""The lab of both address families by its stack file alone."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.twin.conftest import Lab
from tests.twin.edge import eventually
from tests.twin.lab_life import LabLife, living, own_name

pytestmark = pytest.mark.twin
_NAME = own_name()


def _own(config: dict[str, Any]) -> None:
    config["cluster"]["name"] = _NAME


@pytest.fixture(scope="module")
def life(new_lab: Callable[..., Lab]) -> Iterator[LabLife]:
    with living(new_lab(), "dual-twin", _own) as life:
        yield life


def test_a_preview_makes_no_cluster(life: LabLife) -> None:
    assert "mesh:cluster:KindCluster" in life("preview").text
    assert _NAME not in life.shell("kind get clusters 2>&1", ok=False).text
    assert not (life.lab.home / "clusters").exists() or not list((life.lab.home / "clusters").iterdir())


def test_up_gives_the_gui_an_address_of_each_family_and_registers_a_workload_with_both(life: LabLife) -> None:
    life("up")
    gui = life.get("service", "faces-gui", "-n", "faces")
    assert gui["spec"]["ipFamilyPolicy"] == "RequireDualStack"
    assert {":" in address for address in gui["spec"]["clusterIPs"]} == {True, False}
    # The chart makes the Service with one family; MetalLB gives it others once it has two.
    eventually(lambda: _families(life) == {True, False}, "an address of each family")
    addresses = [item["ip"] for item in life.get("externalworkload", "greeter", "-n", "faces")["spec"]["workloadIPs"]]
    assert {":" in address for address in addresses} == {True, False}
    (linkerd,) = [
        item for item in life.get("configmap", "-n", "linkerd")["items"] if item["metadata"]["name"] == "linkerd-config"
    ]
    assert "disableIPv6: false" in linkerd["data"]["values"]


def _families(life: LabLife) -> set[bool]:
    """Whether the addresses at which the GUI is reached are IPv6 ones."""
    gui = life.get("service", "faces-gui", "-n", "faces")
    return {":" in item["ip"] for item in gui["status"]["loadBalancer"].get("ingress", [])}


def test_a_chart_value_is_one_resource_then_nothing_changes_and_nothing_has_drifted(life: LabLife) -> None:
    def failing(config: dict[str, Any]) -> None:
        config["faces"]["error-fraction"] = 20

    life.configure(failing)
    assert life.preview() == {"faces-chart": "update"}
    assert life.up()["update"] == 1
    assert life.preview() == {}
    life.refresh()


def test_destroy_leaves_nothing(life: LabLife) -> None:
    life("down")
    assert _NAME not in life.shell("kind get clusters 2>&1", ok=False).text
    assert life.left() == []
