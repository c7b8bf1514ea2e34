"""The lab of Pis by its stack file alone: k3s on the first, workloads on the others, and all three bare again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import ground
from lab.twin.devices import Rig
from tests.twin.conftest import Lab
from tests.twin.edge import Edge
from tests.twin.lab_life import LabLife, living

pytestmark = pytest.mark.twin
_NAMES = (ground.SERVER, "smiley", "color")


@pytest.fixture(scope="module")
def life(new_lab: Callable[..., Lab]) -> Iterator[LabLife]:
    with living(new_lab(), "pi-twin") as life:
        yield life


@pytest.fixture(scope="module")
def pis(life: LabLife) -> Edge:
    """The machines, as soon as anything of the lab has been run."""
    return Edge(life.lab, Rig(life.lab.home / "ground" / "devices", list(_NAMES)))


def test_a_preview_logs_in_nowhere(life: LabLife, pis: Edge) -> None:
    shown = life("preview").text
    for kind in ("mesh:cluster:K3sCluster", "mesh:edge:EdgeDevice"):
        assert kind in shown
    assert {name: pis.logins(name) for name in _NAMES} == dict.fromkeys(_NAMES, 0)
    pis.before |= {name: pis.snapshot(name) for name in _NAMES}


def test_up_installs_k3s_on_the_first_and_brings_the_others_into_its_mesh(life: LabLife) -> None:
    life("up")
    (node,) = life.get("nodes")["items"]
    assert node["metadata"]["name"] == ground.SERVER
    assert life.ready("smiley")
    assert life.ready("color")


def test_a_device_s_value_concerns_that_device_then_nothing_changes_and_nothing_has_drifted(life: LabLife) -> None:
    def green(config: dict[str, Any]) -> None:
        config["workloads"][1]["environment"] = {"COLOR": "green"}

    life.configure(green)
    assert life.preview() == {"color-device-parts": "update"}
    assert life.up()["update"] == 1
    assert life.preview() == {}
    life.refresh()


def test_destroy_leaves_the_machines_as_they_were_found_and_nothing_here(life: LabLife, pis: Edge) -> None:
    life.shell(f"pulumi destroy --yes --skip-preview --non-interactive -s {life.stack} 2>&1")
    for name in _NAMES:
        assert pis.before[name].differences(pis.snapshot(name)) == {}, name
    life("down")
    assert life.left() == []
