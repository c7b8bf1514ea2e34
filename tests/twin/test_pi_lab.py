"""The lab of Pis by its stack file alone: k3s on the first, workloads on the others, and all three bare again."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lab import ground
from tests.twin.conftest import Lab
from tests.twin.lab_life import LabLife, living

pytestmark = pytest.mark.twin


@pytest.fixture(scope="module")
def life(new_lab: Callable[..., Lab]) -> Iterator[LabLife]:
    with living(new_lab(), "pi-twin") as life:
        yield life


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


def test_destroy_leaves_nothing(life: LabLife) -> None:
    life("down")
    assert life.left() == []
