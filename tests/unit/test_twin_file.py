"""What the lab writes into the twin's stack file, and what it leaves alone there."""

from pathlib import Path

import pytest
import yaml

from lab import paths
from lab.stack_file import outside
from lab.twin_file import is_new, move, settled

VALUES = {
    "network": "mesh-expansion-0123abcd",
    "host": "unix:///run/lab/docker.sock",
    "base": "mesh-expansion-lab/base:1",
    "proxy-image": "mesh-expansion-lab/parts-0123abcd:2",
    "spire-image": "mesh-expansion-lab/parts-0123abcd:2",
    "workload-image": "mesh-expansion-lab/parts-0123abcd:2",
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A copy of the example."""
    copy = tmp_path / "Pulumi.twin.yaml"
    copy.write_text((paths.CHECKOUT / "stacks" / "examples" / copy.name).read_text())
    return copy


def _docker(text: str) -> dict[str, str]:
    found: dict[str, str] = yaml.safe_load(text)["config"]["mesh-expansion:docker"]
    return found


def test_a_stack_file_is_told_where_the_engine_is_and_what_it_has_and_nothing_else_changes(file: Path) -> None:
    text = file.read_text()
    after = settled(text, VALUES)
    assert _docker(after) == {**_docker(text), **VALUES}
    assert len(after.splitlines()) == len(text.splitlines())
    changed = [line for line, before in zip(after.splitlines(), text.splitlines(), strict=True) if line != before]
    assert len(changed) == len(VALUES)
    assert settled(after, VALUES) == after


def test_a_file_that_the_lab_wrote_into_is_still_a_new_one_and_one_that_somebody_changed_is_not(file: Path) -> None:
    file.write_text(settled(file.read_text().replace("172.31.250.", "172.31.249."), VALUES))
    assert is_new(file)
    file.write_text(file.read_text().replace("second:", "# second:"))
    assert not is_new(file)


def test_an_image_of_the_users_own_stays(file: Path) -> None:
    text = file.read_text().replace("base: mesh-expansion-lab/base", "base: registry.example/base:7")
    assert _docker(settled(text, VALUES))["base"] == "registry.example/base:7"


def test_network_and_engine_are_written_where_they_are_missing() -> None:
    text = "config:\n  mesh-expansion:docker:\n    dns-address: 172.31.250.40\n  mesh-expansion:lab: twin\n"
    assert _docker(settled(text, VALUES)) == {
        "network": VALUES["network"],
        "host": VALUES["host"],
        "dns-address": "172.31.250.40",
    }


def test_a_file_as_a_program_writes_it_is_understood_too(file: Path) -> None:
    text = yaml.safe_dump(yaml.safe_load(file.read_text()))
    assert _docker(settled(text, VALUES))["proxy-image"] == VALUES["proxy-image"]


def test_a_file_without_containers_is_left_as_it_is() -> None:
    assert settled("config:\n  mesh-expansion:lab: twin\n", VALUES) == "config:\n  mesh-expansion:lab: twin\n"


def test_a_new_file_follows_the_devices_network_and_its_containers_with_it(file: Path) -> None:
    file.write_text(settled(file.read_text(), VALUES))
    move(file, "172.31.249.")
    assert outside(file).containers == {"smiley3": "172.31.249.41"}
    assert outside(file).devices == {"smiley": "172.31.249.21", "color": "172.31.249.22"}
    assert _docker(file.read_text())["dns-address"] == "172.31.249.40"
